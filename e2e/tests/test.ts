// The fixtures of each test: a server, a monitored page, and the checks at the end of a test.

import { type BrowserContext, type Page, expect, test as base } from "@playwright/test";
import { type Servers, servers } from "./servers.ts";

export { expect };

/** The errors of a page that the test did not expect. */
export class Problems {
  private readonly found: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Accepts errors that a test causes deliberately. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns);
  }

  watch(page: Page): void {
    page.on("console", (message) => {
      if (message.type() === "error") this.found.push(`console: ${message.text()}`);
    });
    // Both uncaught exceptions and unhandled rejections.
    page.on("pageerror", (error) => this.found.push(`uncaught: ${error.stack ?? error}`));
    page.on("crash", () => this.found.push("the page crashed"));
  }

  check(): void {
    expect(this.found.filter((text) => !this.expected.some((pattern) => pattern.test(text)))).toEqual([]);
  }
}

/**
 * The page must not contain attributes of the template language, except those that the client reads
 * in pages.
 */
async function leftovers(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("*")].flatMap((element) =>
      element.getAttributeNames().filter((name) => /^live:(?!navigate$|persist$|confirm$)/.test(name)).map((name) => `${element.tagName} ${name}`),
    ),
  );
}

type Fixtures = {
  problems: Problems;
  /** Another visitor: a browser without the first one's cookie, monitored too. */
  another: () => Promise<Page>;
  context: BrowserContext;
};
export const test = base.extend<Fixtures, Servers>({
  ...servers,
  baseURL: async ({ demo }, use) => use(demo.url),
  problems: async ({}, use) => {
    const problems = new Problems();
    await use(problems);
    problems.check();
  },
  page: async ({ page, problems }, use) => {
    problems.watch(page);
    await use(page);
    if (!page.isClosed() && page.url() !== "about:blank") expect(await leftovers(page)).toEqual([]);
  },
  another: async ({ browser, demo, problems }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ baseURL: demo.url });
      contexts.push(context);
      const page = await context.newPage();
      problems.watch(page);
      return page;
    });
    for (const context of contexts) await context.close();
  },
});

/** Opens a page of the demo and waits until it is live. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await live(page);
}

/** Waits until the page is connected and its components are mounted. */
export async function live(page: Page): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("live-component")].every((element) => (element as unknown as { $ready?: boolean | string }).$ready === true),
  );
}
