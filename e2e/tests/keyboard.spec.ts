// Every page without a mouse: all controls are reachable in reading order, and the focus is
// visible.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

const paths = ["/", "/counter", "/chat", "/form", "/todo", "/seats", "/rows"];

declare global {
  /** Returns all focusable elements of the page in reading order. */
  var stops: Element[];
}

/** Returns the index of the focused element, and whether the focus is visible. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return { stop: stops.indexOf(element), shows: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
  });

for (const path of paths) {
  test(`${path}: Tab reaches all controls in order, with a visible focus`, async ({ page }) => {
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

test("the first stop of a page skips its header", async ({ page }) => {
  await open(page, "/counter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeInViewport();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Decrement" })).toBeFocused();
});

test("a message is written and sent without a mouse, and the input is ready for the next one", async ({ page }) => {
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

test("a form is filled, rejected, corrected and saved without a mouse", async ({ page }) => {
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
  // The error is shown at its field and announced to assistive technology.
  await expect(email).toHaveAccessibleDescription(/.+/);
  // A submit is dropped while another one is pending.
  await expect(page.getByRole("button", { name: "Save" })).toBeEnabled();
  for (let n = 0; n < 3; n++) await page.keyboard.press("Shift+Tab");
  await expect(email).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.type("@example.org");
  await page.keyboard.press("Enter");
  await expect(page.locator(".saved li").filter({ hasText: name })).toHaveCount(1);
});
