// What holds for every navigation: at 0 and 300 ms, and with the connections cut in the middle.

import type { Page } from "@playwright/test";
import type { Network } from "./network.ts";
import type { Problems } from "./test.ts";
import { expect, live, test } from "./networked.ts";

const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
/** Follows a link without the scrolling of a real click. */
const follow = (page: Page, href: string) => page.evaluate((href) => document.querySelector<HTMLElement>(`a[href='${href}']`)!.click(), href);
const go = (page: Page, steps: number) => page.evaluate((steps) => history.go(steps), steps);
const length = (page: Page) => page.evaluate(() => history.length);
const scrollY = (page: Page) => page.evaluate(() => window.scrollY);
const path = (page: Page) => page.url().slice(new URL(page.url()).origin.length);

/** What a test does with a page that is live. */
type Act = {
  page: Page;
  network: Network;
  /** Opens a page of the tour. */
  open: (path: string) => Promise<void>;
  /** Does what the condition is, in the middle of what the test does. */
  disturb: () => Promise<void>;
  /** The requests for pages, the frames of the page that are no heartbeat, and the sockets. */
  seen: { requests: string[]; frames: string[]; sockets: number };
};

const CONDITIONS = {
  "at 0 ms": { latency: 0, disturb: async () => {} },
  "at 300 ms": { latency: 150, disturb: async () => {} },
  "with the connections cut": {
    latency: 20,
    disturb: async (network: Network) => {
      network.hold();
      await new Promise((done) => setTimeout(done, 80));
      network.cut();
    },
  },
};

const BEHAVIOURS: Record<string, (act: Act) => Promise<void>> = {
  "a change of the URL is one action, no request, and one entry": async ({ page, open, disturb, seen }) => {
    await open("/tour/catalog");
    const before = await length(page);
    seen.frames.length = seen.requests.length = 0;
    await press(page, "Next page");
    await disturb();
    await expect.poll(() => path(page)).toBe("/tour/catalog?page=2");
    await expect(page.locator("#catalog")).toContainText("page 2");
    expect(await length(page)).toBe(before + 1);
    // A frame whose answer was lost is sent again, under the same number.
    const refs = seen.frames.map((frame) => JSON.parse(frame)).filter(({ type }) => type == "COMPONENT_ACTION").map(({ ref }) => ref);
    expect(new Set(refs).size).toBe(1);
    expect(seen.requests).toEqual([]);
  },

  "the next page is shown over the same session, without the late messages of the page before": async ({ page, open, disturb, seen }) => {
    await open("/tour/one");
    await press(page, "Play");
    await expect(page.locator("#played")).toHaveText("1");
    const sockets = seen.sockets;
    await page.evaluate(() => {
      (window as any).errors = [];
      document.addEventListener("live:error", (event) => (window as any).errors.push((event as CustomEvent).detail.code));
    });
    await press(page, "Slowly");
    const swapped = page.waitForFunction(() => document.querySelector("h1")!.textContent == "two");
    await follow(page, "/tour/two");
    await disturb();
    await swapped;
    await live(page);
    await press(page, "Add");
    await expect(page.locator("#count")).toHaveText("1");
    await page.waitForTimeout(1200);
    await expect(page.locator("#count")).toHaveText("1");
    await press(page, "Play");
    await expect(page.locator("#played")).toHaveText("2");
    expect(await page.evaluate(() => (window as any).errors)).toEqual([]);
    // The connection that was cut is replaced by one.
    expect(seen.sockets - sockets).toBeLessThanOrEqual(1);
  },

  "back and forward within a page need no request and restore the position": async ({ page, open, disturb, seen }) => {
    await open("/tour/catalog");
    await page.evaluate(() => scrollTo(0, 900));
    await page.evaluate(() => new Promise(requestAnimationFrame));
    await page.evaluate(() => document.querySelector<HTMLElement>("section:has(#catalog) button")!.click());
    await expect.poll(() => path(page)).toBe("/tour/catalog?page=2");
    await page.evaluate(() => (location.hash = "row-5"));
    await expect(page.locator("#row-5")).toBeInViewport();
    seen.requests.length = 0;
    await go(page, -1);
    await expect.poll(() => path(page)).toBe("/tour/catalog?page=2");
    await go(page, -1);
    await disturb();
    await expect(page.locator("#catalog")).toContainText("page 1");
    await expect.poll(() => scrollY(page)).toBe(900);
    await go(page, 1);
    await expect(page.locator("#catalog")).toContainText("page 2");
    await go(page, 1);
    await expect.poll(() => path(page)).toBe("/tour/catalog?page=2#row-5");
    await expect(page.locator("#row-5")).toBeInViewport();
    expect(seen.requests).toEqual([]);
  },

  "an entry is replaced where that is asked for": async ({ page, open, disturb }) => {
    await open("/tour/one");
    await follow(page, "/tour/long");
    await expect(heading(page)).toHaveText("long");
    const before = await length(page);
    await page.getByRole("link", { name: "Replace" }).evaluate((link: HTMLElement) => link.click());
    await disturb();
    await expect(heading(page)).toHaveText("two");
    expect(await length(page)).toBe(before);
    await go(page, -1);
    await expect(heading(page)).toHaveText("one");
  },

  "a guard stops links and back, and not the server": async ({ page, open, disturb }) => {
    await open("/tour/one");
    await follow(page, "/tour/long");
    await expect(heading(page)).toHaveText("long");
    await live(page);
    await page.evaluate(() => {
      (window as any).asked = [];
      document.addEventListener("live:navigate", (event) => {
        (window as any).asked.push((event as CustomEvent).detail.cause);
        event.preventDefault();
      });
    });
    await follow(page, "/tour/two");
    await go(page, -1);
    await expect.poll(() => page.evaluate(() => (window as any).asked)).toEqual(["link", "history"]);
    await expect.poll(() => path(page)).toBe("/tour/long");
    await expect(heading(page)).toHaveText("long");
    await press(page, "Save it");
    await disturb();
    await expect(heading(page)).toHaveText("two");
  },

  "a message is on the next page, and only there": async ({ page, open, disturb }) => {
    await open("/tour/one");
    await press(page, "Save it");
    await disturb();
    await expect(heading(page)).toHaveText("two");
    await expect(page.locator("p.info")).toHaveText("Saved one.");
    await follow(page, "/tour/one");
    await expect(heading(page)).toHaveText("one");
    await expect(page.locator("p.info")).toHaveCount(0);
    await go(page, -1);
    await expect(heading(page)).toHaveText("two");
    await expect(page.locator("p.info")).toHaveCount(0);
  },

  "the browser itself follows a link with a modifier, a target or `download`, or to another origin": async ({ page, network, open, disturb }) => {
    await open("/tour/one");
    await page.evaluate(() => ((window as any).mark = true));
    const context = page.context(), link = page.getByRole("link", { name: "Two", exact: true });
    for (const click of [{ modifiers: ["Control" as const] }, { modifiers: ["Shift" as const] }, { button: "middle" as const }]) {
      const [opened] = await Promise.all([context.waitForEvent("page"), link.click(click)]);
      await opened.close();
    }
    const [opened] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Window" }).click()]);
    await opened.close();
    await disturb();
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save", exact: true }).click()]);
    await saved.cancel();
    await expect(heading(page)).toHaveText("one");
    expect(await page.evaluate(() => (window as any).mark)).toBe(true);
    await page.evaluate((url) => {
      document.querySelector<HTMLAnchorElement>("a[href='/tour/two']")!.href = url;
    }, network.url.replace("127.0.0.1", "localhost") + "/tour/two");
    await link.click();
    await expect(page).toHaveURL(/localhost/);
    expect(await page.evaluate(() => (window as any).mark)).toBe(undefined);
  },
};

for (const [behaviour, check] of Object.entries(BEHAVIOURS)) {
  for (const [condition, { latency, disturb }] of Object.entries(CONDITIONS)) {
    test(`${behaviour}, ${condition}`, async ({ page, network, problems }: { page: Page; network: Network; problems: Problems }) => {
      if (condition.includes("cut")) problems.expect(/WebSocket connection to .* failed/, /ERR_/);
      network.latency = latency;
      const seen: Act["seen"] = { requests: [], frames: [], sockets: 0 };
      page.on("request", (request) => {
        if (new URL(request.url()).pathname.startsWith("/tour/")) seen.requests.push(request.url());
      });
      page.on("websocket", (socket) => {
        seen.sockets++;
        socket.on("framesent", ({ payload }) => void seen.frames.push(String(payload)));
      });
      const open = async (path: string) => {
        await page.goto(network.url + path);
        await live(page);
      };
      await check({ page, network, open, disturb: () => disturb(network), seen });
    });
  }
}
