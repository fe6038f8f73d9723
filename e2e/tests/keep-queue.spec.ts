// The part of the queue that a reload keeps: rows whose keys have more digits than a double.

import type { Page } from "@playwright/test";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const LARGE = "9007199254740993";
const KEEPING = `/rebuilt?${new URLSearchParams({ from: '<script type="module"', to: '<script type="module" live-keep-queue' })}`;
const server = (page: Page, text: string) => expect(page.locator("#server")).toHaveText(text);

/**
 * A network that can be cut and can drop the page's messages; and all frames that the page sends.
 */
async function relay(page: Page) {
  const line = { isDown: false, loses: false, frames: [] as string[], close: () => {} };
  await page.routeWebSocket("**/live", (socket) => {
    if (line.isDown) return void socket.close({ code: 1001 });
    const server = socket.connectToServer();
    line.close = () => void socket.close({ code: 1001 });
    socket.onMessage((frame) => {
      line.frames.push(frame.toString());
      if (!line.loses) server.send(frame);
    });
  });
  return line;
}

test("edits in rows and calls that were never sent are sent by the next page, for the same rows", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  const line = await relay(page);
  await open(page, KEEPING);
  line.isDown = true;
  line.close();
  await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
  await page.locator("#models input").nth(2).fill("kept, [too] \"much\"");
  await page.getByRole("button", { name: `Mark ${LARGE}` }).click();
  await page.getByLabel("Late").fill("late");
  await page.getByRole("button", { name: "Mark 1" }).click();
  await expect(page.locator("html")).toHaveAttribute("live-queued", /./);
  await page.reload();
  line.isDown = false;
  await live(page);
  await server(page, `1: 2: ${LARGE}:kept, [too] "much"`);
  await expect(page.locator("#marked")).toHaveText(`${LARGE} 1`);
  await expect(page.locator("#late")).toHaveText("late");
});

test("text typed offline is queued, also before the event that sends it", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  const line = await relay(page);
  await open(page, KEEPING);
  line.isDown = true;
  line.close();
  await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
  // The first letter is sent; the others wait for its reply.
  await page.locator("#models input").nth(1).focus();
  await page.keyboard.type("typed");
  await page.getByLabel("Prose").focus();
  await page.keyboard.type("prose");
  // This field has not lost the focus.
  await page.getByLabel("Late").focus();
  await page.keyboard.type("late");
  await page.reload();
  line.isDown = false;
  await live(page);
  await server(page, `1: 2:typed ${LARGE}:`);
  await expect(page.locator("#prose")).toHaveText("prose");
  await expect(page.locator("#late")).toHaveText("late");
});

test("messages sent before the reload are sent again unchanged", async ({ page }) => {
  const line = await relay(page);
  await open(page, KEEPING);
  line.loses = true;
  line.frames = [];
  await page.getByRole("button", { name: `Mark ${LARGE}` }).click();
  await page.locator("#models input").nth(2).fill("x");
  const about = () => line.frames.filter((frame) => /"COMPONENT_ACTION"|"PROPERTY_UPDATE"/.test(frame)).map((frame) => frame.replace(/"ack":\d+,/, ""));
  await expect.poll(() => about().length).toBe(2);
  const before = about();
  expect(before.every((frame) => frame.includes(LARGE))).toBe(true);
  line.frames = [];
  line.loses = false;
  await page.reload();
  await live(page);
  await expect.poll(about).toEqual(before);
});
