// What every test starts from: a window of its own in the engine's browser, and what must hold when it ends.

import { expect, test as base } from "@playwright/test";
import { Network } from "../tests/network.ts";
import { Server } from "../tests/server.ts";
import { Browser } from "./browser.ts";
import { Page } from "./page.ts";

export { expect };

type Fixtures = {
  /** A window without a past: no cookies, no history. */
  window: Page;
  /** Stands in front of `app`. */
  network: Network;
  /** For tests that stop their server. */
  own: (binary: string) => Promise<Server>;
};
type WorkerFixtures = {
  engine: string;
  running: Browser;
  demo: Server;
  app: Server;
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
  window: async ({ running: { driver } }, use) => {
    const first = await driver.getWindowHandle();
    await driver.switchTo().newWindow("tab");
    const page = new Page(driver);
    await use(page);
    const problems = await page.problems();
    await driver.manage().deleteAllCookies();
    await driver.close();
    await driver.switchTo().window(first);
    expect(problems).toEqual([]);
  },
  demo: [
    async ({}, use) => {
      const server = await Server.start("demo");
      await use(server);
      await server.remove();
      expect(server.output, "the server does not panic").not.toContain("panicked at");
    },
    { scope: "worker" },
  ],
  app: [
    async ({}, use) => {
      const server = await Server.start("e2e-app");
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],
  network: async ({ app }, use) => {
    const network = await Network.before(app.url);
    await use(network);
    await network.remove();
  },
});
