// Back and forward in Chromium with its back/forward cache, which Playwright disables by default
// and the headless shell lacks.

import { type Page, chromium } from "@playwright/test";
import { chromiumItself } from "../browsers.ts";
import { expect, live, open, test as base } from "./test.ts";

const test = base.extend({
  context: async ({ launchOptions, problems }, use) => {
    const browser = await chromium.launch({
      ...launchOptions,
      executablePath: chromiumItself,
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    const context = await browser.newContext();
    context.on("page", (page) => problems.watch(page));
    await use(context);
    await browser.close();
  },
});

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const shown = async (page: Page) => {
  const [, age, degrees] = (await page.locator(".relative").first().innerText()).split(" ").map(Number);
  return { age, degrees };
};
// Playwright's own functions wait for a `load` event that a cached page does not have.
const go = async (page: Page, steps: 1 | -1, path: string) => {
  await page.evaluate((steps) => void setTimeout(() => history.go(steps)), steps);
  await page.waitForURL((url) => url.pathname == path, { waitUntil: "commit" });
  await live(page);
};
const leave = (page: Page) => open(page, new URL("/lists", page.url()).href);

for (const [what, query, kept] of [
  ["a page that the browser keeps", "?cached=true", [true]],
  // Chromium may cache these too, as long as no cookie changes.
  ["a page with no-store", "", [true, false]],
] as const) {
  test(`${what} comes back live, with the changes that others made`, async ({ page, another, app }) => {
    await open(page, `${app.url}/kin${query}`);
    await page.evaluate(() => addEventListener("pageshow", (event) => { document.title = `kept: ${event.persisted}`; }));
    await press(page, "Grow");
    await expect.poll(async () => (await shown(page)).age).toBe(31);
    const { degrees } = await shown(page);
    await leave(page);
    const other = await another();
    await open(other, `${app.url}/kin`);
    await press(other, "Warm");
    await expect.poll(async () => (await shown(other)).degrees).toBe(degrees! + 5);

    await go(page, -1, "/kin");
    const isKept = (await page.title()) === "kept: true";
    expect(kept).toContain(isKept);
    await expect.poll(() => shown(page)).toEqual({ age: isKept ? 31 : 30, degrees: degrees! + 5 });
    await press(page, "Grow");
    await expect.poll(async () => (await shown(page)).age).toBe(isKept ? 32 : 31);
    // Updates from another page arrive again.
    await press(other, "Warm");
    await expect.poll(async () => (await shown(page)).degrees).toBe(degrees! + 10);

    // Back and forward once more, to a page that was left in the same way.
    await go(page, 1, "/lists");
    await go(page, -1, "/kin");
    await press(page, "Grow");
    await expect.poll(async () => (await shown(page)).degrees).toBe(degrees! + 10);
  });
}

test("a page that comes back after its cookies were cleared works without an error", async ({ page, app, problems }) => {
  problems.expect(/ERR_/, /WebSocket/);
  await open(page, `${app.url}/kin?cached=true`);
  await press(page, "Grow");
  await expect.poll(async () => (await shown(page)).age).toBe(31);
  await leave(page);
  await page.context().clearCookies();
  await go(page, -1, "/kin");
  await press(page, "Grow");
  await expect.poll(async () => (await shown(page)).age).toBeGreaterThan(30);
});

test("pages of several documents have their positions, whichever of them the browser keeps", async ({ page, app }) => {
  const click = (css: string) => page.evaluate((css) => document.querySelector<HTMLElement>(css)!.click(), css);
  const step = (steps: number) => page.evaluate((steps) => void setTimeout(() => history.go(steps)), steps);
  const shows = (name: string) => expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  const isAt = (y: number) => expect.poll(() => page.evaluate(() => scrollY)).toBe(y);
  const scroll = async (y: number) => {
    await page.evaluate((y) => scrollTo(0, y), y);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  };
  await open(page, `${app.url}/tour/long`);
  await scroll(800);
  await click("a[href='/tour/two']");
  await shows("two");
  await live(page);
  // Another document, with entries of its own.
  await page.evaluate(() => location.assign("/tour/catalog"));
  await shows("catalog");
  await live(page);
  await scroll(600);
  await click("a[href='/tour/one']");
  await shows("one");
  await live(page);
  await step(-2);
  await shows("two");
  await live(page);
  await step(-1);
  await shows("long");
  await isAt(800);
  await scroll(300);
  await step(2);
  await shows("catalog");
  await isAt(600);
  await live(page);
  await step(-2);
  await shows("long");
  await isAt(300);
});
