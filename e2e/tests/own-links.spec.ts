// The demo's own links show its pages without loading them: the demo's scripts, which run once,
// work on each of them.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, live, open, test } from "./test.ts";

const marked = (page: Page) => page.evaluate(() => (window as any).marked);
const nav = (page: Page) => page.getByRole("navigation", { name: "Pages" });

/** Follows a link of the header, and expects that the document stays. */
async function follow(page: Page, name: string): Promise<void> {
  await nav(page).getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await expect(nav(page).getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", /page|true/);
  await live(page);
  expect(await marked(page)).toBe(true);
}

test("each page works after another one", async ({ page }) => {
  await open(page, "/");
  await page.evaluate(() => void ((window as any).marked = true));
  await follow(page, "Counter");
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(".count")).toHaveText("1");
  await follow(page, "Todo");
  const texts = ["first", "second"].map((text) => `${text} ${Math.random()}`);
  for (const text of texts) {
    await page.getByLabel("What is to be done?").fill(text);
    await page.keyboard.press("Enter");
    await expect(page.locator(".items li", { hasText: text })).toBeVisible();
  }
  // The script moves the item before the server has answered.
  await page.locator(".items li", { hasText: texts[1] }).getByRole("checkbox").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(page.locator(".items li", { hasText: texts[1] }).locator("xpath=following-sibling::li[1]")).toContainText(texts[0]!);
  for (const text of texts) await page.locator(".items li", { hasText: text }).getByRole("button", { name: "Remove" }).click();
  await follow(page, "Chat");
  await page.locator(".say textarea, .say input").first().fill("Hello after a navigation");
  await page.keyboard.press("Enter");
  await expect(page.locator(".message", { hasText: "Hello after a navigation" }).first()).toBeVisible();
  // The input loses the focus by the click, which sends that the visitor is not typing: the page
  // may ask whether to leave before that is answered.
  page.on("dialog", (dialog) => dialog.accept());
  await follow(page, "Rows");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Chat");
  expect(await marked(page)).toBe(true);
});

test("the connection is shown after a navigation, and its button reconnects", async ({ page, demo, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_/);
  const network = await Network.before(demo.url);
  await open(page, `${network.url}/counter`);
  await page.evaluate(() => void ((window as any).marked = true));
  await follow(page, "Todo");
  const again = page.getByRole("button", { name: "Try now" });
  await expect(again).toBeHidden();
  network.down();
  await expect(again).toBeVisible();
  network.up();
  await again.click();
  await live(page);
  await page.close();
  await network.remove();
});

test("the counter of the script is drawn at each visit, and unmounted when its page is left", async ({ page }) => {
  await open(page, "/");
  await page.evaluate(() => void ((window as any).marked = true));
  for (const visit of [1, 2]) {
    await page.getByRole("main").getByRole("link", { name: /^Hook/ }).click();
    await expect(page.locator(".count")).toHaveText("0");
    await page.getByRole("button", { name: "Increment" }).click();
    await expect(page.locator(".count")).toHaveText("1");
    await page.getByRole("link", { name: "Vivaz" }).first().click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Your struct");
    await live(page);
    expect(await marked(page), `visit ${visit}`).toBe(true);
  }
});
