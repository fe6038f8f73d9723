import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

let rooms = 0;
const room = () => `/chat/e2e-${process.pid}-${++rooms}`;
const messages = (page: Page) => page.locator(".message .said");
const users = (page: Page) => page.locator(".people li");
const input = (page: Page) => page.getByRole("textbox", { name: "Message" });

async function say(page: Page, text: string): Promise<void> {
  await input(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("two browsers see the same room", async ({ page, another }) => {
  const path = room();
  await open(page, path);
  await expect(users(page)).toHaveCount(1);
  const other = await another();
  await open(other, path);
  await expect(users(page)).toHaveCount(2);
  await expect(users(other)).toHaveCount(2);

  await say(page, "Hello");
  await expect(messages(other)).toHaveText(["Hello"]);
  await expect(input(page)).toHaveValue("");
  await say(other, "<b>Hi</b> & welcome");
  await expect(messages(page)).toHaveText(["Hello", "<b>Hi</b> & welcome"]);
  await expect(page.locator(".message.mine .said")).toHaveText(["Hello"]);
  await expect(other.locator(".message.mine .said")).toHaveText(["<b>Hi</b> & welcome"]);

  await other.close();
  await expect(users(page)).toHaveCount(1);
});

test("typing shows to others, and ends with the message", async ({ page, another }) => {
  const path = room();
  const other = await another();
  await open(page, path);
  await open(other, path);
  const hint = other.locator(".typing span:visible");
  await input(page).pressSequentially("Wait");
  await expect(hint).toHaveCount(1);
  await expect(hint).toContainText("is typing");
  await expect(page.locator(".typing span:visible")).toHaveCount(0);
  await page.keyboard.press("Enter");
  await expect(messages(other)).toHaveText(["Wait"]);
  await expect(hint).toHaveCount(0);
});

test("a second tab of the same visitor is not a second user", async ({ page, context, problems }) => {
  const path = room();
  await open(page, path);
  const tab = await context.newPage();
  problems.watch(tab);
  await open(tab, path);
  await say(tab, "from the second tab");
  await expect(messages(page)).toHaveText(["from the second tab"]);
  await expect(users(page)).toHaveCount(1);
  await tab.close();
  await say(page, "still here");
  await expect(messages(page)).toHaveCount(2);
  await expect(users(page)).toHaveCount(1);
});

test("rooms are apart", async ({ page, another }) => {
  await open(page, room());
  const other = await another();
  await open(other, room());
  await say(page, "only here");
  await expect(messages(page)).toHaveCount(1);
  await say(other, "only there");
  await expect(messages(other)).toHaveText(["only there"]);
});

test("the first paint holds what was said", async ({ page, browser, demo }) => {
  const path = room();
  await open(page, path);
  await say(page, "kept");
  await expect(messages(page)).toHaveText(["kept"]);
  const context = await browser.newContext({ baseURL: demo.url, javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(path);
  await expect(messages(plain)).toHaveText(["kept"]);
  await context.close();
});

test("a new room is made by a form", async ({ page }) => {
  await open(page, "/chat");
  await page.getByRole("button", { name: "New room" }).click();
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await expect(page.locator(".chat .empty")).toBeVisible();
});

test("a visitor's new name shows to others", async ({ page, another }) => {
  const path = room();
  await open(page, path);
  const other = await another();
  await open(other, path);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByRole("button", { name: "Change" }).click();
  await open(page, path);
  await expect(users(other).filter({ hasText: "Ada Lovelace" })).toHaveCount(1);
  await expect(users(other)).toHaveCount(2);
  await say(page, "It is me");
  await expect(other.locator(".message b")).toHaveText(["Ada Lovelace"]);
});

test("a message too long is refused and stays in the input", async ({ page }) => {
  await open(page, room());
  await input(page).evaluate((element: HTMLInputElement) => element.removeAttribute("maxlength"));
  await say(page, "x".repeat(2001));
  await expect(page.getByRole("alert")).toContainText("2,000");
  await expect(messages(page)).toHaveCount(0);
  await expect(input(page)).toHaveValue("x".repeat(2001));
});

test("the room holds the last fifty", async ({ page }) => {
  await open(page, room());
  for (let n = 1; n <= 53; n++) await say(page, `message ${n}`);
  await expect(messages(page).last()).toHaveText("message 53");
  await expect(messages(page)).toHaveCount(50);
  await expect(messages(page).first()).toHaveText("message 4");
});
