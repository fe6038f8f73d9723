// Fields that load: at first a placeholder, then the value or the error, which follow in the same
// response or over the socket.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, live, test } from "./networked.ts";

const slow = (page: Page) => page.locator("#slow");
const value = (page: Page) => slow(page).locator(".value");

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(({ network }) => {
      network.latency = latency;
    });

    test("over the socket: a placeholder, then the value", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=1000`, { waitUntil: "commit" });
      await expect(slow(page).locator(".placeholder")).toBeVisible();
      await expect(value(page)).toHaveText("7");
      await expect(slow(page).locator(".begun")).toHaveText("1");
    });

    test("in the response: a placeholder, then the value, and the work runs once", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=4000&deadline=20000`, { waitUntil: "commit" });
      await expect(slow(page).locator(".placeholder")).toBeVisible();
      await slow(page).getByLabel("Note").pressSequentially("typed");
      // The other component is live meanwhile, and a click on this one counts.
      await slow(page).getByRole("button", { name: "Count" }).click();
      await page.locator("#fast").getByRole("button", { name: "Count" }).click();
      await expect(page.locator("#fast .clicks")).toHaveText("1");
      await expect(slow(page).locator(".placeholder")).toBeVisible();
      await slow(page).getByLabel("Note").focus();
      await expect(value(page)).toHaveText("7");
      await expect(slow(page).getByLabel("Note")).toHaveValue("typed");
      await expect(slow(page).getByLabel("Note")).toBeFocused();
      await live(page);
      for (const id of ["#slow", "#fast"]) {
        await expect(page.locator(id).locator(".begun")).toHaveText("0");
        await expect(page.locator(id).locator(".value")).toHaveText("7");
      }
      await expect(slow(page).locator(".clicks")).toHaveText("1");
      await slow(page).getByRole("button", { name: "Count" }).click();
      await expect(slow(page).locator(".clicks")).toHaveText("2");
      expect(await page.locator("noscript,template,live-part").count()).toBe(0);
    });

    for (const [fails, text] of [["error", "The figures are not there."], ["panic", "internal server error"]] as const) {
      for (const way of ["", "&deadline=20000"]) {
        test(`the ${fails} arm: ${fails} shows the error arm ${way ? "in the response" : "over the socket"}`, async ({ page, network }) => {
          await page.goto(`${network.url}/slow?ms=500&fails=${fails}${way}`, { waitUntil: "commit" });
          await expect(slow(page).locator(".placeholder")).toBeVisible();
          await expect(slow(page).getByRole("alert")).toContainText(text, { ignoreCase: true });
          await live(page);
          await expect(slow(page).locator(".begun")).toHaveText(way ? "0" : "1");
          await slow(page).getByRole("button", { name: "Again" }).click();
          await expect(slow(page).locator(".begun")).toHaveText(way ? "1" : "2");
          await expect(slow(page).getByRole("alert")).toContainText(text, { ignoreCase: true });
        });
      }
    }

    test("after the deadline the page ends with the placeholder, and the socket brings the value", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=2000&deadline=100`);
      await live(page);
      await expect(value(page)).toHaveText("7");
      await expect(slow(page).locator(".begun")).toHaveText("1");
      await expect(page.locator("#fast .begun")).toHaveText("0");
    });

    test("the socket is cut while a field loads", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=1500`);
      await live(page);
      await expect(slow(page).locator(".begun")).toHaveText("1");
      network.cut();
      await expect(value(page)).toHaveText("7");
      await expect(slow(page).locator(".begun")).toHaveText("1");
    });

    test("content that ends an element stays in its part", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=300&deadline=20000&fails=hostile`);
      await expect(value(page)).toHaveText("7 </noscript></template><b>");
      await live(page);
      await expect(slow(page).locator(".begun")).toHaveText("0");
    });

    test("a click on a button that the loaded component does not have is dropped", async ({ page, network }) => {
      await page.goto(`${network.url}/slow?ms=1500&deadline=20000`, { waitUntil: "commit" });
      await slow(page).getByRole("button", { name: "Tick" }).click();
      await slow(page).getByRole("button", { name: "Count" }).click();
      await expect(value(page)).toHaveText("7");
      await expect(slow(page).locator(".clicks")).toHaveText("1");
      await expect(slow(page).locator(".begun")).toHaveText("0");
      await slow(page).getByRole("button", { name: "Reload" }).click();
      await expect(slow(page).locator(".begun")).toHaveText("1");
    });

    test("a large value stays when its component is mounted", async ({ page, network }) => {
      // An arm that the client makes anew is another element.
      await page.addInitScript(() => {
        new MutationObserver((records) => {
          const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
          const isPlaceholder = (node: Node) => node instanceof Element && !!(node.matches(".placeholder") || node.querySelector(".placeholder"));
          const hasValue = !!document.querySelector("#slow[data-seen]");
          if (document.querySelector("#slow .value")) document.querySelector("#slow")!.setAttribute("data-seen", "");
          if (hasValue && added.some(isPlaceholder)) document.documentElement.setAttribute("data-flashed", "");
        }).observe(document, { childList: true, subtree: true });
      });
      await page.goto(`${network.url}/slow?ms=500&deadline=20000&fails=large`);
      await expect(value(page)).toHaveText(/^7 x{5000}$/);
      await live(page);
      await slow(page).getByRole("button", { name: "Count" }).click();
      await expect(slow(page).locator(".clicks")).toHaveText("1");
      await expect(slow(page)).toHaveAttribute("data-seen");
      await expect(page.locator("html")).not.toHaveAttribute("data-flashed");
    });

    test("the response is cut while a part is missing", async ({ page, network, problems }) => {
      problems.expect(/ERR_INCOMPLETE_CHUNKED_ENCODING/);
      await page.goto(`${network.url}/slow?ms=60000&deadline=5000`, { waitUntil: "commit" });
      await expect(slow(page).locator(".placeholder")).toBeVisible();
      await expect(page.locator("#fast .value")).toBeVisible();
      network.cut();
      await page.locator("#fast").getByRole("button", { name: "Count" }).click();
      await expect(page.locator("#fast .clicks")).toHaveText("1");
      await live(page);
      await expect(slow(page).locator(".begun")).toHaveText("1");
      await expect(slow(page).locator(".placeholder")).toBeVisible();
    });
  });
}

test("the placeholder and the value are accessible", async ({ page, network }) => {
  await page.goto(`${network.url}/slow?ms=60000`);
  await live(page);
  for (const state of [".placeholder", ".value"]) {
    await expect(page.locator(state).first()).toBeVisible();
    expect((await new AxeBuilder({ page }).include("main").analyze()).violations, state).toEqual([]);
  }
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("the loaded part is at the end of the page", async ({ page, network }) => {
    await page.goto(`${network.url}/slow?ms=300&deadline=20000`);
    await expect(page.locator("noscript .value")).toHaveCount(2);
    await expect(page.locator("noscript .value").first()).toHaveText("7");
  });
});
