// `live:navigate`, parameters of the URL, and the entries of the history.

import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

const path = async (window: Page) => (await window.driver.getCurrentUrl()).replace(/^[a-z]+:\/\/[^/]+/, "");
const isAt = (window: Page, y: number) => expect.poll(() => window.run(() => scrollY)).toBe(y);
const go = (window: Page, steps: number) => window.run((steps) => history.go(steps), steps);
/** Clicks without the scrolling of a real click. */
const click = (window: Page, css: string) => window.run((css) => document.querySelector<HTMLElement>(css)!.click(), css);
/** Scrolls, and waits until the page knows it. */
const scroll = async (window: Page, y: number) => {
  await window.run((y) => {
    const scrolled = window as any;
    scrolled.hasScrolled = false;
    addEventListener("scroll", () => requestAnimationFrame(() => (scrolled.hasScrolled = true)), { once: true });
    scrollTo(0, y);
  }, y);
  await expect.poll(() => window.run(() => (window as any).hasScrolled)).toBe(true);
};

for (const latency of [0, 300]) {
  test(`a link shows the next page over the same connection, at ${latency} ms`, async ({ window, network }) => {
    network.latency = latency / 2;
    await window.open(`${network.url}/tour/one`);
    await window.run(() => void ((window as any).mark = true));
    await window.press("Play");
    await window.showsText("#played", "1");
    await window.press("Two");
    await window.showsText("h1", "two");
    expect(await window.driver.getTitle()).toBe("Stop two");
    await window.live();
    await window.press("Add");
    await window.showsText("#count", "1");
    await window.showsText("#played", "1");
    await window.press("Save it");
    await window.showsText("p.info", "Saved two.");
    await window.live();
    await window.press("One");
    await window.showsText("h1", "one");
    await window.showsTexts("p.info", []);
    expect(await window.run(() => (window as any).mark)).toBe(true);
  });

  test(`pages, parameters and places have positions of their own, at ${latency} ms`, async ({ window, network }) => {
    network.latency = latency / 2;
    await window.open(`${network.url}/tour/catalog`);
    await window.fill("Search", "first");
    await scroll(window, 900);
    await click(window, "section:has(#catalog) button");
    await expect.poll(() => path(window)).toBe("/tour/catalog?page=2");
    await click(window, "a[href='/tour/long']");
    await window.showsText("h1", "long");
    await window.live();
    await scroll(window, 1500);
    await click(window, "a[href='#near']");
    await expect.poll(() => path(window)).toBe("/tour/long#near");
    await expect.poll(() => window.run(() => scrollY)).not.toBe(1500);
    const near = await window.run(() => scrollY);
    await click(window, "a[href='/tour/two']");
    await window.showsText("h1", "two");
    await go(window, -1);
    await window.showsText("h1", "long");
    await isAt(window, near);
    await go(window, -1);
    await isAt(window, 1500);
    await go(window, -1);
    await window.showsPart("#catalog", "page 2");
    await window.showsValue("Search", "first");
    await window.live();
    await go(window, -1);
    await window.showsPart("#catalog", "page 1");
    await isAt(window, 900);
    await go(window, 3);
    await window.showsText("h1", "long");
    await isAt(window, near);
  });
}

test("a reload in the middle keeps the positions", async ({ window, app }) => {
  await window.open(`${app.url}/tour/long`);
  await scroll(window, 1100);
  await click(window, "a[href='/tour/catalog']");
  await window.showsText("h1", "catalog");
  await window.live();
  await scroll(window, 600);
  await click(window, "a[href='/tour/two']");
  await window.showsText("h1", "two");
  await go(window, -1);
  await window.showsText("h1", "catalog");
  await isAt(window, 600);
  await window.driver.navigate().refresh();
  await window.live();
  await isAt(window, 600);
  await go(window, -1);
  await window.showsText("h1", "long");
  await isAt(window, 1100);
  await go(window, 2);
  await window.showsText("h1", "two");
});

test("a guard stops back, also over entries of other scripts", async ({ window, app }) => {
  await window.open(`${app.url}/tour/one`);
  await click(window, "a[href='/tour/long']");
  await window.showsText("h1", "long");
  await window.live();
  await window.run(() => {
    history.pushState({ own: true }, "", "#own");
    document.addEventListener("live:navigate", (event) => {
      (window as any).asked = true;
      event.preventDefault();
    });
  });
  await scroll(window, 300);
  await go(window, -2);
  await expect.poll(() => window.run(() => (window as any).asked)).toBe(true);
  await expect.poll(() => path(window)).toBe("/tour/long#own");
  await window.showsText("h1", "long");
  await isAt(window, 300);
  expect(await window.run(() => history.state.own)).toBe(true);
});

test("a change that waits is in the URL after the page was left", async ({ window, app }) => {
  for (const [label, parameter] of [["Query", "q"], ["Kind", "kind"]] as const) {
    await window.open(`${app.url}/tour/catalog`);
    await window.fill(label, "lamp");
    await window.showsPart("#catalog", "lamp");
    expect(await path(window)).toBe("/tour/catalog");
    await window.driver.get(`${app.url}/tour/static`);
    await window.driver.navigate().back();
    await window.showsPart("#catalog", "lamp");
    await expect.poll(() => path(window)).toBe(`/tour/catalog?${parameter}=lamp`);
  }
});

test("a page that comes back from the cache has the positions of later ones", async ({ window, app }) => {
  await window.open(`${app.url}/tour/long`);
  await scroll(window, 800);
  await click(window, "a[href='/tour/two']");
  await window.showsText("h1", "two");
  await window.driver.get(`${app.url}/tour/static`);
  await window.driver.navigate().back();
  await window.showsText("h1", "two");
  await go(window, -1);
  await window.showsText("h1", "long");
  await isAt(window, 800);
});
