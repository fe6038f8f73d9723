// White space in a template is shown as in a hand-written page.

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Returns the text of each case and the distances of its elements from the left edge. */
const layout = (page: Page) =>
  page.locator(".case").evaluateAll((cases) =>
    cases.map((one) => ({
      text: (one as HTMLElement).innerText,
      lefts: [...one.querySelectorAll("*")].map((element) =>
        Math.round(element.getBoundingClientRect().left - one.getBoundingClientRect().left),
      ),
    })),
  );

test("elements on separate lines have the same distances as in plain HTML", async ({ page, context }) => {
  await open(page, "/spaces");
  const painted = await layout(page);
  const toggle = page.getByRole("button", { name: "Toggle" });
  await toggle.click();
  await expect(page.locator("#cases")).toHaveCount(0);
  await toggle.click();
  await expect(page.locator("#cases")).toHaveCount(1);
  const patched = await layout(page);

  const plain = await context.newPage();
  await plain.goto("/elements");
  const template = readFileSync(new URL("../app/src/spaces.html", import.meta.url), "utf8");
  await plain.evaluate((html) => {
    document.body.innerHTML = html;
    document.querySelectorAll("[live\\:else]").forEach((element) => element.remove());
  }, template);
  const wanted = await layout(plain);
  await plain.close();
  expect(wanted).toHaveLength(10);
  expect(painted).toEqual(wanted);
  expect(patched).toEqual(wanted);
});
