// Input before the client runs is applied when it has loaded.

import type { Page } from "@playwright/test";
import { expect, live, test } from "./test.ts";

/** Holds the client back until the returned function is called. */
async function withoutClient(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/live/client-*.js", async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test.describe("pages of the tests", () => {
  test.use({ baseURL: async ({ app }, use) => use(app.url) });

  for (const path of ["/elements", "/capture-file"]) {
    test(`clicks before the client has loaded run in their order: ${path}`, async ({ page }) => {
      const release = await withoutClient(page);
      await page.goto(path, { waitUntil: "commit" });
      const button = (name: string) => page.getByRole("button", { name, exact: true });
      for (let i = 0; i < 3; i++) await button("Tick").click();
      await button("Show").click();
      await expect(page.locator("#ticks")).toHaveText("0");
      release();
      await live(page);
      await expect(page.locator("#ticks")).toHaveText("3");
      await expect(page.locator("#picture")).toHaveCount(1);
      // Each of them runs once, and later ones as usual.
      await button("Tick").click();
      await expect(page.locator("#ticks")).toHaveText("4");
      await expect(page.locator("#log li")).toHaveText(["loaded"]);
    });
  }
});

test("a form that is submitted before the client has loaded is sent once, without leaving the page", async ({ page, demo }) => {
  const release = await withoutClient(page);
  await page.goto(`${demo.url}/todo`, { waitUntil: "commit" });
  const text = `early ${Date.now()}`;
  await page.getByRole("textbox").first().fill(text);
  await page.getByRole("textbox").first().press("Enter");
  const before = page.url();
  release();
  await live(page);
  await expect(page.locator("li", { hasText: text })).toHaveCount(1);
  expect(page.url()).toBe(before);
});

test.describe("before the socket is open", () => {
  test.use({ baseURL: async ({ app }, use) => use(app.url) });

  test("local statements run, and actions follow in their order", async ({ page }) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.routeWebSocket("**/live", async (socket) => {
      const server = socket.connectToServer();
      server.onMessage(async (frame) => {
        await held;
        socket.send(frame);
      });
    });
    await page.goto("/late");
    await page.getByRole("button", { name: "Open" }).click();
    await expect(page.locator("#open")).toHaveCount(1);
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page.locator("html")).toHaveAttribute("live-connection", "connecting");
    await expect(page.locator("#shown")).toHaveText("false");
    release();
    await live(page);
    await expect(page.locator("#shown")).toHaveText("true");
    await expect(page.locator("#open")).toHaveCount(1);
  });
});

test("a component that is added to a page without one uses the engine's socket", async ({ page, demo }) => {
  let sockets = 0;
  page.on("websocket", () => (sockets += 1));
  await page.goto(`${demo.url}/hook`, { waitUntil: "load" });
  await live(page);
  expect(await page.locator("live-component").count()).toBe(0);
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", '<live-component name="counter"></live-component>'));
  await expect(page.getByRole("button", { name: "Increment" }).last()).toBeVisible();
  await live(page);
  expect(sockets).toBe(1);
});
