// The fixtures of each test: a window in the engine's browser, and the checks at the end of a test.

import { expect, test as base } from "@playwright/test";
import { Network } from "../tests/network.ts";
import { Server } from "../tests/server.ts";
import { type Servers, servers } from "../tests/servers.ts";
import { Browser } from "./browser.ts";
import { Page } from "./page.ts";

export { expect };

/** The engines that lack a feature which a test checks, with the reason. */
type Limits = Partial<Record<"firefox" | "webkitgtk", string>>;

/**
 * Expects a test to fail in these engines. A test that passes is reported, so that the entry is
 * removed.
 */
export function cannot(limits: Limits) {
  return { annotation: Object.entries(limits).map(([engine, reason]) => ({ type: `cannot ${engine}`, description: reason })) };
}

type Fixtures = {
  /** A window with an empty profile: no cookies, no history. */
  window: Page;
  /** A relay in front of `app`. */
  network: Network;
  /** Starts a relay in front of another server. */
  relay: (server: Server) => Promise<Network>;
  /** Starts a server that the test may stop. */
  start: (binary: string) => Promise<Server>;
};
type WorkerFixtures = Servers & {
  engine: string;
  running: Browser;
};

export const test = base.extend<Fixtures, WorkerFixtures>({
  engine: ["", { scope: "worker", option: true }],
  running: [
    async ({ engine }, use) => {
      const browser = await Browser.start(engine);
      await use(browser);
      await browser.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  // Depends on the networks and the servers, so that it is closed before they end.
  window: async ({ engine, running: { driver }, relay: _relay, start: _start }, use, info) => {
    const limit = info.annotations.find(({ type }) => type == `cannot ${engine}`);
    info.fail(limit !== undefined, limit?.description);
    const first = await driver.getWindowHandle();
    await driver.switchTo().newWindow("window");
    const page = new Page(driver);
    await use(page);
    const problems = await page.problems();
    await driver.manage().deleteAllCookies();
    await driver.close();
    await driver.switchTo().window(first);
    expect(problems).toEqual([]);
  },
  ...servers,
  network: async ({ app, relay }, use) => use(await relay(app)),
  relay: async ({}, use) => {
    const networks: Network[] = [];
    await use(async ({ url }) => {
      const network = await Network.before(url);
      networks.push(network);
      return network;
    });
    for (const network of networks) await network.remove();
  },
  start: async ({}, use) => {
    const started: Server[] = [];
    await use(async (binary) => {
      const server = await Server.start(binary);
      started.push(server);
      return server;
    });
    for (const server of started) {
      await server.remove();
      expect(server.output, "the server does not panic").not.toContain("panicked at");
    }
  },
});
