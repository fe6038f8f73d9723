// The connection breaks while the server continues: all messages are processed once.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, live, open, test as base } from "./test.ts";

const test = base.extend<{ network: Network; appNetwork: Network }>({
  network: async ({ demo, problems }, use) => {
    problems.expect(/WebSocket connection to .* failed/, /ERR_/);
    const network = await Network.before(demo.url);
    await use(network);
    await network.remove();
  },
  appNetwork: async ({ app, problems }, use) => {
    problems.expect(/WebSocket connection to .* failed/, /ERR_/);
    const network = await Network.before(app.url);
    await use(network);
    await network.remove();
  },
});

const html = (page: Page) => page.locator("html");
const count = (page: Page) => page.locator(".count");
const plus = (page: Page) => page.getByRole("button", { name: "Increment" });

/** Reconnects at once, without the pause before the next attempt. */
const again = (page: Page) => page.evaluate(() => window.dispatchEvent(new Event("online")));

test("clicks without a connection are queued, shown as pending, and run once", async ({ page, network }) => {
  await open(page, `${network.url}/counter`);
  await plus(page).click();
  await expect(count(page)).toHaveText("1");
  network.down();
  await expect(html(page)).toHaveAttribute("live-connection", "offline");
  await expect(html(page)).toHaveClass(/live-offline/);
  for (let n = 0; n < 3; n++) await plus(page).click();
  await expect(page.locator(".wire").getByText("Offline", { exact: true })).toBeVisible();
  await expect(page.locator(".waiting")).toHaveText("3 waiting");
  await expect(page.locator(".tries")).toContainText(/try \d+/);
  await expect(count(page)).toHaveText("1");
  network.up();
  await page.getByRole("button", { name: "Try now" }).click();
  await live(page);
  await expect(html(page)).not.toHaveClass(/live-offline/);
  await expect(page.getByRole("button", { name: "Try now" })).toBeHidden();
  await expect(page.locator(".wire")).toHaveText(/^Live$/, { useInnerText: true });
  await expect(count(page)).toHaveText("4");
  await plus(page).click();
  await expect(count(page)).toHaveText("5");
});

test("an action whose reply was lost does not run twice", async ({ page, network }) => {
  await open(page, `${network.url}/counter`);
  network.hold();
  for (let n = 1; n <= 3; n++) {
    const before = network.sent;
    await plus(page).click();
    await expect.poll(() => network.sent).toBeGreaterThan(before);
  }
  network.cut();
  await expect(count(page)).toHaveText("3");
  await live(page);
  await plus(page).click();
  await expect(count(page)).toHaveText("4");
});

test("an action that runs while the connection breaks completes once, and its button is enabled again", async ({ page, appNetwork }) => {
  await open(page, `${appNetwork.url}/inputs`);
  const slow = page.getByRole("button", { name: "Slow" });
  const before = appNetwork.sent;
  await slow.click();
  await expect.poll(() => appNetwork.sent).toBeGreaterThan(before);
  appNetwork.cut();
  await expect(page.locator("#done")).toHaveText("1");
  await expect(slow).toBeEnabled();
  await slow.click();
  await expect(page.locator("#done")).toHaveText("2");
});

test("focus, caret and unsent text survive a lost connection", async ({ page, network }) => {
  await open(page, `${network.url}/form`);
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("half a word");
  await name.evaluate((input: HTMLInputElement) => input.setSelectionRange(2, 6));
  network.down();
  await expect(html(page)).toHaveAttribute("live-connection", "offline");
  network.up();
  await again(page);
  await live(page);
  await expect(name).toBeFocused();
  await expect(name).toHaveValue("half a word");
  expect(await name.evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd])).toEqual([2, 6]);
});

test("unused fields show no errors after a lost connection", async ({ page, network }) => {
  await open(page, `${network.url}/form`);
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  network.cut();
  await live(page);
  await page.keyboard.press("Tab");
  // When this error is shown, the earlier replies have arrived.
  await page.getByLabel("Email").fill("nonsense");
  await page.keyboard.press("Tab");
  await expect(page.locator("#form-email-errors p")).toHaveCount(1);
  await expect(page.locator(".errors p")).toHaveCount(1);
});

test("inputs added before a lost connection exist once, with their text", async ({ page, appNetwork }) => {
  await open(page, `${appNetwork.url}/inputs`);
  for (let n = 0; n < 3; n++) await page.getByRole("button", { name: "Add line" }).click();
  await expect(page.locator("#lines li")).toHaveCount(3);
  await page.getByRole("textbox", { name: "line 2" }).fill("second");
  appNetwork.cut();
  await page.getByRole("button", { name: "Add line" }).click();
  await expect(page.locator("#lines li")).toHaveCount(4);
  await expect(page.getByRole("textbox", { name: "line 2" })).toHaveValue("second");
});

test("a pending row becomes one row in both browsers after a lost connection", async ({ page, another, network }) => {
  const text = `through the drop ${Date.now()}`;
  await open(page, `${network.url}/todo`);
  const other = await another();
  await open(other, "/todo");
  network.down();
  await page.getByRole("textbox", { name: "What is to be done?" }).fill(text);
  await page.keyboard.press("Enter");
  await expect(page.locator(".items .text", { hasText: text })).toHaveCount(1);
  await expect(other.locator(".items .text", { hasText: text })).toHaveCount(0);
  network.up();
  await again(page);
  await live(page);
  await expect(other.locator(".items .text", { hasText: text })).toHaveCount(1);
  await expect(page.locator(".items .text", { hasText: text })).toHaveCount(1);
  // The row is enabled, so it has the server's id.
  await page.getByRole("button", { name: `Remove: ${text}` }).click();
  await expect(other.locator(".items .text", { hasText: text })).toHaveCount(0);
});

test("a page that was rejected can be made to retry", async ({ page, demo }) => {
  let refuse = false;
  await page.routeWebSocket("**/live", async (socket) => {
    // 4400: the server cannot decode a message of the page, which is permanent.
    if (refuse) return void (await socket.close({ code: 4400 }));
    const server = socket.connectToServer();
    server.onMessage((message) => (refuse ? void socket.close({ code: 4400 }) : socket.send(message)));
  });
  await open(page, `${demo.url}/counter`);
  refuse = true;
  await plus(page).click();
  await expect(html(page)).toHaveAttribute("live-connection", "stopped");
  const again = page.getByRole("button", { name: "Try now" });
  await expect(again).toBeVisible();
  await plus(page).click();
  await expect(page.locator(".waiting")).toHaveText(/waiting/);
  await expect(html(page)).toHaveAttribute("live-connection", "stopped");
  refuse = false;
  await again.focus();
  await page.keyboard.press("Enter");
  await live(page);
  await expect(again).toBeHidden();
  await expect(count(page)).toHaveText("2");
});

test("two tabs have two sessions: a lost connection of one does not affect the other", async ({ page, context, problems, demo, network }) => {
  await open(page, `${network.url}/counter`);
  const other = await context.newPage();
  problems.watch(other);
  await open(other, `${demo.url}/counter`);
  network.down();
  await expect(html(page)).toHaveAttribute("live-connection", "offline");
  await plus(other).click();
  await expect(count(other)).toHaveText("1");
  await expect(html(other)).toHaveAttribute("live-connection", "connected");
  network.up();
  await again(page);
  await live(page);
  await expect(count(page)).toHaveText("0");
});

test("a session that was taken over reports it, does not reconnect, and resumes with the next click", async ({ page, context, demo, problems }) => {
  problems.expect(/WebSocket/);
  const welcome = new Promise<{ session: string; resume: string }>((found) => {
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        const message = JSON.parse(payload.toString());
        if (message.type === "WELCOME") found(message.payload);
      }),
    );
  });
  await open(page, `${demo.url}/counter`);
  await plus(page).click();
  await expect(count(page)).toHaveText("1");
  const { session, resume } = await welcome;
  // A copy of the page with its session, like a duplicated tab.
  const thief = await context.newPage();
  await thief.goto(`${demo.url}/health`);
  await thief.evaluate(
    (payload) =>
      new Promise<void>((done) => {
        const socket = new WebSocket(`ws://${location.host}/live`);
        Object.assign(window, { socket });
        socket.onopen = () => socket.send(JSON.stringify({ v: 1, type: "HELLO", payload }));
        socket.onmessage = () => done();
      }),
    { session, resume, acked: 0, streams: {} },
  );
  await expect(html(page)).toHaveAttribute("live-connection", "stopped");
  await expect(page.locator(".wire").getByText("Stopped")).toBeVisible();
  await expect(page.getByRole("button", { name: "Try now" })).toBeVisible();
  await plus(page).click();
  await live(page);
  await expect(count(page)).toHaveText("2");
});
