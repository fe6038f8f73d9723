import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const log = (page: Page) => page.locator("#log li");

test("events bubble, stop, run once and can be prevented", async ({ page }) => {
  await open(page, "/events");
  await page.getByRole("button", { name: "Bubbles" }).click();
  // Clicks outside of the menu also trigger its handler, so they are counted separately.
  const texts = async () => (await log(page).allTextContents()).filter((text) => text !== "outside");
  await expect.poll(texts).toEqual(["bubbles", "outer"]);
  await page.getByRole("button", { name: "Stopped" }).click();
  await expect.poll(texts).toEqual(["bubbles", "outer", "stopped"]);
  await page.locator("#own i").click();
  await page.getByRole("button", { name: "Once" }).click();
  await page.getByRole("button", { name: "Once" }).click();
  await page.getByRole("link", { name: "Prevented" }).click();
  await expect.poll(texts).toEqual(["bubbles", "outer", "stopped", "once", "prevented"]);
  await expect(page).toHaveURL(/\/events$/);
});

test("key, focus and blur events reach their handlers", async ({ page }) => {
  await open(page, "/events");
  await page.getByLabel("Keys").focus();
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  await expect(log(page)).toHaveText(["focus", "enter", "escape", "blur"]);
});

test("a debounced event waits for a pause in typing", async ({ page }) => {
  await open(page, "/events");
  // Typed at once, so that no pause occurs between two letters.
  await page.getByLabel("Debounced").evaluate((input: HTMLInputElement) => {
    for (const text of ["a", "ab", "abc"]) {
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
  await expect(log(page)).toHaveText(["abc"]);
});

test("window events, clicks outside and the page's own events reach their handlers", async ({ page }) => {
  await open(page, "/events");
  await expect(page.locator("#panel")).toBeHidden();
  await page.locator("#menu").click();
  await page.setViewportSize({ width: 700, height: 500 });
  await expect(log(page)).toContainText(["resized"]);
  await expect(log(page).filter({ hasText: "outside" })).toHaveCount(0);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect(page.locator("#panel")).toBeVisible();
  await expect(log(page).filter({ hasText: "outside" })).toHaveCount(1);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect(page.locator("#panel")).toBeHidden();
});

test("many clicks are throttled, and the last one is sent", async ({ page }) => {
  await open(page, "/events");
  await page.getByRole("button", { name: "Throttled" }).evaluate((button: HTMLElement) => {
    for (let n = 0; n < 10; n++) button.click();
  });
  await expect(log(page).filter({ hasText: "throttled" })).toHaveCount(2);
});

test("an event from the server is dispatched once", async ({ page }) => {
  await open(page, "/events");
  await page.evaluate(() => {
    const heard: unknown[] = [];
    Object.assign(window, { heard });
    document.addEventListener("bell", (event) => heard.push((event as CustomEvent).detail));
  });
  await page.getByRole("button", { name: "Ring" }).click();
  await expect.poll(() => page.evaluate(() => (window as unknown as { heard: unknown[] }).heard)).toEqual(["ding"]);
});

test("an Enter that ends a composition is ignored, also if the composition has ended before it", async ({ page }) => {
  await open(page, "/events");
  const keys = page.getByLabel("Keys");
  // Safari's event: `isComposing` is false, and the code is 229.
  await keys.evaluate((input) => {
    for (const keyCode of [229, 13]) {
      const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true });
      Object.defineProperty(event, "keyCode", { value: keyCode });
      input.dispatchEvent(event);
    }
  });
  await keys.blur();
  await expect(log(page)).toContainText(["enter"]);
  expect((await log(page).allTextContents()).filter((text) => text == "enter")).toHaveLength(1);
});

test("a prevented link opens a tab if a modifier key is held", async ({ page, context }) => {
  await open(page, "/events");
  const link = page.getByRole("link", { name: "Prevented" });
  const tab = context.waitForEvent("page");
  await link.click({ modifiers: ["ControlOrMeta"] });
  await (await tab).close();
  await link.click();
  await expect(page.locator("#log li", { hasText: "prevented" })).toHaveCount(1);
});

test("an element inserted with autofocus has the focus, and a box can be indeterminate", async ({ page }) => {
  await open(page, "/events");
  const part = page.getByLabel("Part");
  const indeterminate = () => part.evaluate((box: HTMLInputElement) => box.indeterminate);
  expect(await indeterminate()).toBe(false);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect(page.getByLabel("First")).toBeFocused();
  await expect.poll(indeterminate).toBe(true);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect.poll(indeterminate).toBe(false);
});

test("an autofocus does not interrupt a user who types", async ({ page }) => {
  await open(page, "/events");
  const keys = page.getByLabel("Keys");
  await keys.pressSequentially("half");
  // The server or a timer may cause the patch: the test presses the button without a pointer.
  await page.getByRole("button", { name: "Toggle" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.getByLabel("First")).toBeVisible();
  await keys.evaluate(() => new Promise(requestAnimationFrame));
  await expect(keys).toBeFocused();
  await page.keyboard.type(" word");
  await expect(keys).toHaveValue("half word");
});
