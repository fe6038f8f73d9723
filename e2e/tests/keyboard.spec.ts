// Every page without a mouse: what can be done can be reached, in the order in which it is read,
// and the focus shows.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

const paths = ["/", "/counter", "/chat", "/form", "/todo", "/seats", "/rows"];

declare global {
  /** All that can be used on the page, in the order in which it is read. */
  var stops: Element[];
}

/** Which stop has the focus, and whether that shows. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return { stop: stops.indexOf(element), shows: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
  });

for (const path of paths) {
  test(`${path}: Tab goes through all that can be used, in order, and shows where it is`, async ({ page }) => {
    await open(page, path);
    const count = await page.evaluate(() => {
      const usable = "a[href], button:not(:disabled), input:not([type=hidden], :disabled), summary, [tabindex='0']";
      stops = [...document.querySelectorAll(usable)].filter((element) => element.checkVisibility({ visibilityProperty: true }));
      return stops.length;
    });
    expect(count).toBeGreaterThan(10);
    for (let stop = 0; stop < count; stop++) {
      await page.keyboard.press("Tab");
      expect(await focused(page)).toEqual({ stop, shows: true });
    }
  });
}

test("the first stop of a page leads past its head", async ({ page }) => {
  await open(page, "/counter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeInViewport();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Decrement" })).toBeFocused();
});

test("a message is written and sent without a mouse, and the next one can follow", async ({ page }) => {
  await open(page, `/chat/keys-${process.pid}`);
  await page.locator(".scroll").focus();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("textbox", { name: "Message" })).toBeFocused();
  await page.keyboard.type("by Enter");
  await page.keyboard.press("Enter");
  await expect(page.locator(".said")).toHaveText(["by Enter"]);
  await expect(page.getByRole("textbox", { name: "Message" })).toBeFocused();
  await expect(page.getByRole("textbox", { name: "Message" })).toHaveValue("");
  await page.keyboard.type("by Space on the button");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(page.locator(".said")).toHaveText(["by Enter", "by Space on the button"]);
});

test("a form is filled, refused, mended and saved without a mouse", async ({ page }) => {
  await open(page, "/form");
  await page.getByLabel("Name", { exact: true }).focus();
  const name = `Keys ${process.pid}`;
  await page.keyboard.type(name);
  for (const text of ["nobody", "41"]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(page.getByLabel("I agree")).toBeChecked();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const email = page.getByLabel("Email");
  await expect(email).toHaveAttribute("aria-invalid", "true");
  // What is wrong is said where the field is, to those who cannot see it too.
  await expect(email).toHaveAccessibleDescription(/.+/);
  for (let n = 0; n < 3; n++) await page.keyboard.press("Shift+Tab");
  await expect(email).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.type("@example.org");
  await page.keyboard.press("Enter");
  await expect(page.locator(".saved li").filter({ hasText: name })).toHaveCount(1);
});
