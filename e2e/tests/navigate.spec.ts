// `live:navigate`: another page without a load.

import type { Page } from "@playwright/test";
import { expect, live, test } from "./networked.ts";

/** Opens a page, and marks its document: the mark is gone after a load. */
async function start(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await live(page);
  await page.evaluate(() => {
    (window as any).mark = true;
    (window as any).reports = [];
    document.addEventListener("live:navigated", (event) => (window as any).reports.push((event as CustomEvent).detail));
  });
}

const isSame = (page: Page) => page.evaluate(() => (window as any).mark === true);
const follow = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const add = (page: Page) => page.getByRole("button", { name: "Add" }).click();
const go = (page: Page, steps: number) => page.evaluate((steps) => history.go(steps), steps);

for (const latency of [0, 300]) {
  test.describe(`with ${latency} ms of latency`, () => {
    test.beforeEach(({ network }) => {
      network.latency = latency;
    });

    test("a link shows the next page over the same socket", async ({ page, network }) => {
      let sockets = 0;
      page.on("websocket", () => sockets++);
      await start(page, `${network.url}/tour/one`);
      await page.getByRole("button", { name: "Play" }).click();
      await expect(page.locator("#played")).toHaveText("1");
      await follow(page, "Two");
      await expect(heading(page)).toHaveText("two");
      await expect(page).toHaveURL(`${network.url}/tour/two`);
      await expect(page).toHaveTitle("Stop two");
      await expect(page.locator("html")).toHaveAttribute("lang", "de");
      await expect(page.locator("body")).toHaveClass("two");
      await expect(page.getByRole("link", { name: "Two", exact: true })).toHaveAttribute("aria-current", "page");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      // The component of the layout has stayed.
      await expect(page.locator("#played")).toHaveText("1");
      await page.getByRole("button", { name: "Play" }).click();
      await expect(page.locator("#played")).toHaveText("2");
      expect(await isSame(page)).toBe(true);
      expect(sockets).toBe(1);
    });

    test("back and forward show the pages that were left, with their positions and typed text", async ({ page, network }) => {
      await start(page, `${network.url}/tour/long`);
      await page.getByLabel("Draft").fill("half a line");
      await page.getByLabel("Note").fill("a note");
      await page.getByLabel("Search").fill("words");
      await page.evaluate(() => scrollTo(0, 1234));
      // Not by a click, which would scroll.
      await page.evaluate(() => document.querySelector<HTMLElement>("a[href='/tour/two']")!.click());
      await expect(heading(page)).toHaveText("two");
      expect(await page.evaluate(() => scrollY)).toBe(0);
      await expect(page.getByLabel("Note")).toHaveValue("");
      await expect(page.getByLabel("Search")).toHaveValue("");
      await go(page, -1);
      await expect(heading(page)).toHaveText("long");
      await expect.poll(() => page.evaluate(() => scrollY)).toBe(1234);
      await expect(page.getByLabel("Draft")).toHaveValue("half a line");
      await expect(page.getByLabel("Note")).toHaveValue("a note");
      await expect(page.getByLabel("Search")).toHaveValue("words");
      await live(page);
      await add(page);
      await expect(page.locator("#count")).toHaveText("1");
      await go(page, 1);
      await expect(heading(page)).toHaveText("two");
      expect(await isSame(page)).toBe(true);
    });
  });
}
