import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, open, test } from "./test.ts";

let rooms = 0;
const room = () => `/chat/e2e-${process.pid}-${++rooms}`;
// The messages of the room; older ones are loaded separately.
const messages = (page: Page) => page.getByRole("log").locator(".said");
const older = (page: Page) => page.locator(".earlier .said");
const users = (page: Page) => page.locator(".people li");
const input = (page: Page) => page.getByRole("textbox", { name: "Message" });

async function say(page: Page, text: string): Promise<void> {
  await input(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Sends many messages in this order, without typing. */
async function sayAll(page: Page, texts: string[]): Promise<void> {
  await page.evaluate(async (texts) => {
    const { component } = await import("/live/client.js" as string);
    const chat = component(document.querySelector(".chat"));
    await Promise.all(texts.map((text) => chat.call("send_message", text)));
  }, texts);
}
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `message ${from + n}`);

test("two browsers show the same room", async ({ page, another }) => {
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

test("a typing notice is shown to others and ends with the message", async ({ page, another }) => {
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

test("a user who stays away is removed and comes back without a reload", async ({ page, another, demo, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_/);
  const network = await Network.before(demo.url);
  const path = room();
  const other = await another();
  await open(other, path);
  await other.evaluate(async () => {
    const live = await import("/live/client.js" as string);
    const heard: { name: string; userId: string }[] = [];
    Object.assign(window, { heard });
    for (const name of ["user.online", "user.offline", "user.joined", "user.left"]) {
      live
        .component(document.querySelector(".chat"))
        .on(name, ({ userId }: { userId: string }) => heard.push({ name, userId }));
    }
  });
  await open(page, `${network.url}${path}`);
  await expect(users(other)).toHaveCount(2);
  network.down();
  await expect(users(other)).toHaveCount(1);
  network.up();
  await expect(users(other)).toHaveCount(2);
  // The room may delay the events of this page's own user until the page subscribes.
  const heard = () =>
    other.evaluate(() => {
      const { heard } = window as unknown as { heard: { name: string; userId: string }[] };
      return heard.filter(({ userId }) => userId === heard.at(-1)?.userId).map(({ name }) => name);
    });
  await expect.poll(heard).toEqual(["user.online", "user.joined", "user.offline", "user.left", "user.online", "user.joined"]);
  await network.remove();
});

test("rooms are separate", async ({ page, another }) => {
  await open(page, room());
  const other = await another();
  await open(other, room());
  await say(page, "only here");
  await expect(messages(page)).toHaveCount(1);
  await say(other, "only there");
  await expect(messages(other)).toHaveText(["only there"]);
});

test("the first paint contains earlier messages", async ({ page, browser, demo }) => {
  const path = room();
  await open(page, path);
  // A message is shown to its sender before it is stored.
  await sayAll(page, ["kept"]);
  await expect(messages(page)).toHaveText(["kept"]);
  const context = await browser.newContext({ baseURL: demo.url, javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(path);
  await expect(messages(plain)).toHaveText(["kept"]);
  await context.close();
});

test("a form creates a new room", async ({ page }) => {
  await open(page, "/chat");
  await page.getByRole("button", { name: "New room" }).click();
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await expect(page.locator(".chat .empty")).toBeVisible();
});

test("a visitor's new name is shown to others", async ({ page, another }) => {
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

test("a message that is too long is rejected and stays in the input", async ({ page }) => {
  await open(page, room());
  await input(page).evaluate((element: HTMLInputElement) => element.removeAttribute("maxlength"));
  await say(page, "x".repeat(2001));
  await expect(page.getByRole("alert")).toContainText("2,000");
  await expect(messages(page)).toHaveCount(0);
  await expect(input(page)).toHaveValue("x".repeat(2001));
});

test("the room keeps the last 50 messages", async ({ page }) => {
  await open(page, room());
  await sayAll(page, numbered(1, 52));
  await say(page, "message 53");
  await expect(messages(page).last()).toHaveText("message 53");
  await expect(messages(page)).toHaveCount(50);
  await expect(messages(page).first()).toHaveText("message 4");
});

test("consecutive messages of one user show the name once", async ({ page, another }) => {
  const path = room();
  await open(page, path);
  const other = await another();
  await open(other, path);
  await say(page, "one");
  await say(page, "two");
  await expect(messages(other)).toHaveText(["one", "two"]);
  await say(other, "three");
  await expect(messages(page)).toHaveText(["one", "two", "three"]);
  for (const visitor of [page, other]) {
    await expect(visitor.locator(".message.follows .said")).toHaveText(["two"]);
  }
});

test("earlier messages are loaded on request, back to the first one", async ({ page, another }) => {
  // One visitor sends all messages, and one comes later: the page has only the last 50.
  const path = room();
  const speaker = await another();
  await open(speaker, path);
  await sayAll(speaker, numbered(1, 120));
  await expect(messages(speaker).last()).toHaveText("message 120");
  await open(page, path);
  await expect(messages(page)).toHaveCount(50);
  const button = page.getByRole("button", { name: "Show earlier messages" });
  const scroll = page.locator(".scroll");

  // With the keyboard: the scroll position and the focus stay.
  await button.focus();
  const place = (text: string) =>
    scroll.evaluate((element, text) => {
      const said = [...element.querySelectorAll(".said")].find((other) => other.textContent === text);
      return Math.round(said!.getBoundingClientRect().top - element.getBoundingClientRect().top);
    }, text);
  const before = await place("message 71");
  await page.keyboard.press("Enter");
  await expect(older(page)).toHaveCount(50);
  await expect(older(page).first()).toHaveText("message 21");
  await expect(older(page).last()).toHaveText("message 70");
  expect(Math.abs((await place("message 71")) - before)).toBeLessThanOrEqual(2);
  await expect(page.getByText("50 earlier messages are shown.")).toBeAttached();
  await expect(button).toBeFocused();

  // Messages that the room removes in the meantime are not lost.
  await say(speaker, "message 121");
  await expect(messages(page).last()).toHaveText("message 121");
  await expect(messages(page).first()).toHaveText("message 72");
  await expect(older(page).last()).toHaveText("message 71");

  await page.keyboard.press("Enter");
  await expect(older(page)).toHaveCount(71);
  await expect(older(page).first()).toHaveText("message 1");
  await expect(page.getByText("This is where the room begins.")).toBeVisible();
  await expect(button).toBeHidden();
  // The button is removed with the focus, which moves to the oldest message.
  await expect(scroll).toBeFocused();
  await expect(older(page)).toHaveText(numbered(1, 71));
});

test("a room without earlier messages does not offer them", async ({ page }) => {
  await open(page, room());
  await say(page, "the first");
  await expect(messages(page)).toHaveText(["the first"]);
  await expect(page.getByRole("button", { name: "Show earlier messages" })).toBeHidden();
});

for (const latency of [0, 300]) {
  test(`messages that are typed quickly are sent once each, in order, at ${latency} ms`, async ({ page, demo, problems }) => {
    problems.expect(/WebSocket connection to .* failed/);
    const network = await Network.before(demo.url);
    network.latency = latency / 2;
    await open(page, network.url + room());
    await input(page).focus();
    await page.keyboard.type("hello\nworld\nagain\n", { delay: 40 });
    await expect(messages(page)).toHaveText(["hello", "world", "again"]);
    await expect(input(page)).toHaveValue("");

    // A rejected text comes back unless another one was typed.
    const refused = () => page.evaluate(() => new Promise((done) => document.addEventListener("live:error", done, { once: true })));
    let refusal = refused();
    await page.keyboard.type("  \n");
    await refusal;
    await expect(input(page)).toHaveValue("  ");
    await input(page).press("End");
    network.hold();
    refusal = refused();
    await page.keyboard.type("\nnew", { delay: 40 });
    network.release();
    await refusal;
    await expect(input(page)).toHaveValue("new");
    await input(page).fill("");

    network.down();
    await page.keyboard.type("once");
    for (let press = 0; press < 5; press++) await page.keyboard.press("Enter");
    network.up();
    await expect(messages(page)).toHaveText(["hello", "world", "again", "once"]);
    await page.keyboard.type("last\n");
    await expect(messages(page)).toHaveText(["hello", "world", "again", "once", "last"]);
    await page.close();
    await network.remove();
  });
}
