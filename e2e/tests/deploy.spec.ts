// Pages that were loaded before a deploy.

import { type Page } from "@playwright/test";
import { Server } from "./server.ts";
import { expect, live, test as base } from "./test.ts";

const test = base.extend<{ server: Server }>({
  server: async ({ page, problems }, use) => {
    problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
    await page.clock.install();
    const server = await Server.start("e2e-app");
    await use(server);
    await server.remove();
  },
});

/** Makes the server report another version of the same client. */
async function anotherClient(page: Page): Promise<void> {
  const other = "0123456789abcdef";
  let version = "";
  await page.route(/\/live\/client(-[0-9a-f]+)?\.js/, async (route) => {
    const url = route.request().url();
    version ||= /client-([0-9a-f]{16})\.js/.exec(url)?.[1] ?? "";
    const headers = { ...route.request().headers(), "if-none-match": "" };
    const response = await route.fetch({ url: url.replace(other, version), headers });
    const text = await response.text();
    await route.fulfill({ contentType: "text/javascript", body: text.replaceAll(version, other) });
  });
  await page.route(`**/live/module/${other}/*`, async (route) => {
    await route.fulfill({ response: await route.fetch({ url: route.request().url().replace(other, version) }) });
  });
}

/**
 * Deploys `e2e-next`. Waits until the page is connected and has requested the version of its
 * client.
 */
async function deploy(page: Page, server: Server): Promise<void> {
  const asked = page.waitForResponse((response) => response.url().endsWith("/live/client.js"));
  await server.replace("e2e-next");
  await asked;
  await live(page);
}

/**
 * Lets the client check several times whether to reload the page, and waits for the following
 * messages.
 */
async function look(page: Page): Promise<void> {
  // Earlier requests of the page have replies when this one has.
  await page.evaluate(() => fetch("/live/client.js", { cache: "no-store" }).then((response) => response.text()));
  await page.clock.runFor(5000);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
}

function loads(page: Page): () => number {
  let loads = 0;
  page.on("request", (request) => {
    if (request.isNavigationRequest()) loads += 1;
  });
  return () => loads;
}

test("a page continues after a deploy with the same client", async ({ page, server }) => {
  const count = loads(page);
  await page.goto(`${server.url}/notice`);
  await live(page);
  await deploy(page, server);
  await look(page);
  expect(count()).toBe(1);
});

test("a page with an older client reloads once, when it is idle", async ({ page, server }) => {
  const count = loads(page);
  await page.goto(`${server.url}/notice`);
  await live(page);
  await page.evaluate(() => {
    const input = document.createElement("input");
    input.id = "own";
    document.body.append(input);
    input.value = "being typed";
    input.focus();
  });
  await anotherClient(page);
  await deploy(page, server);
  await look(page);
  expect(count()).toBe(1);
  // It is sent or discarded.
  await page.evaluate(() => document.querySelector("#own")?.remove());
  await expect.poll(count).toBe(2);
  await live(page);
  await look(page);
  expect(count()).toBe(2);
});

test("typed text prevents the reload of a page with an older client, even after it was sent", async ({ page, server }) => {
  const count = loads(page);
  await page.goto(`${server.url}/notice`);
  await live(page);
  await page.getByLabel("Draft").fill("kept");
  await page.getByLabel("Draft").blur();
  await anotherClient(page);
  await deploy(page, server);
  await expect(page.locator("#wrote")).toHaveText("You wrote kept");
  await look(page);
  expect(count()).toBe(1);
  await expect(page.getByLabel("Draft")).toHaveValue("kept");
  await page.getByLabel("Draft").fill("");
  await page.getByLabel("Draft").blur();
  await expect.poll(count).toBe(2);
  await live(page);
});
