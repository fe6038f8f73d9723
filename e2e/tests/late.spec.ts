// Modules that load after the page was used.

import { expect, live, open, test } from "./test.ts";
import type { Page } from "@playwright/test";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Opens a panel and types: both are browser state. */
async function use(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByLabel("Draft").fill("draft");
  await page.evaluate(() => Object.assign(window, { before: [...document.querySelectorAll("section, section > :not(div), #open")] }));
}

/** Checks that the panel is open, the text is kept, and no element was replaced. */
async function unchanged(page: Page): Promise<void> {
  await expect(page.locator("#open")).toBeVisible();
  await expect(page.getByLabel("Draft")).toHaveValue("draft");
  await expect(page.getByLabel("Draft")).toBeFocused();
  expect(await page.evaluate(() => (window as unknown as { before: Element[] }).before.every((element) => element.isConnected))).toBe(true);
}

test("a module that a child is the first to require changes nothing else", async ({ page }) => {
  await open(page, "/late");
  await use(page);
  await page.getByRole("button", { name: "Show" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.locator("#colored")).toHaveCSS("color", "rgb(1, 2, 3)");
  await live(page);
  await unchanged(page);
});

test("only the view that was built without its module is rebuilt when the module loads", async ({ page, problems }) => {
  problems.expect(/ERR_FAILED/);
  // Without HTTP the template arrives over the socket, without delay.
  await page.route("**/live/template/*.json", async (route) => {
    const response = await route.fetch();
    if ((await response.text()).includes("colored")) await route.abort();
    else await route.fulfill({ response });
  });
  let go = () => {};
  const held = new Promise<void>((done) => { go = done; });
  await page.route(/\/live\/module\/.*\/styles\.js/, async (route) => {
    await held;
    await route.continue();
  });
  await open(page, "/late");
  await use(page);
  await page.getByRole("button", { name: "Show" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.locator("#colored")).toHaveText("colored");
  go();
  await expect(page.locator("#colored")).toHaveCSS("color", "rgb(1, 2, 3)");
  await live(page);
  await unchanged(page);
});
