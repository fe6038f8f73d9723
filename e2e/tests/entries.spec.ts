// The entries of the history, which pages, parameters, places in a page and other scripts add:
// each has its own position and typed text.

import type { Page } from "@playwright/test";
import { expect, live, open, test } from "./networked.ts";

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const catalog = (page: Page) => page.locator("#catalog");
const search = (page: Page) => new URL(page.url()).search;
const length = (page: Page) => page.evaluate(() => history.length);
const go = (page: Page, steps: number) => page.evaluate((steps) => history.go(steps), steps);
/** Clicks without the scrolling of a real click. */
const click = (page: Page, css: string) => page.evaluate((css) => document.querySelector<HTMLElement>(css)!.click(), css);
/** Scrolls, and waits until the page knows it. */
const scroll = (page: Page, y: number) => page.evaluate((y) => new Promise((scrolled) => {
  addEventListener("scroll", () => requestAnimationFrame(scrolled), { once: true });
  scrollTo(0, y);
}), y);
const isAt = (page: Page, y: number) => expect.poll(() => page.evaluate(() => scrollY)).toBe(y);

for (const latency of [0, 300]) {
  test(`pages and parameters have positions of their own, at ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    await open(page, `${network.url}/tour/catalog`);
    await page.getByLabel("Search").fill("first");
    await scroll(page, 900);
    await click(page, "section:has(#catalog) button");
    await expect.poll(() => search(page)).toBe("?page=2");
    // The short page has no such position.
    await expect(page.locator("#row-200")).toHaveCount(0);
    await click(page, "a[href='/tour/long']");
    await expect(heading(page)).toHaveText("long");
    await live(page);
    await scroll(page, 1500);
    await click(page, "a[href='#near']");
    await expect(page).toHaveURL(/#near$/);
    await expect(page.locator("#near")).toBeInViewport();
    const near = await page.evaluate(() => scrollY);
    await click(page, "a[href='/tour/two']");
    await expect(heading(page)).toHaveText("two");
    await live(page);

    await go(page, -1);
    await expect(heading(page)).toHaveText("long");
    await isAt(page, near);
    await go(page, -1);
    await isAt(page, 1500);
    await go(page, -1);
    await expect(catalog(page)).toContainText("page 2");
    await expect(page.getByLabel("Search")).toHaveValue("first");
    await live(page);
    // The position is there when the content is.
    await go(page, -1);
    await expect(catalog(page)).toContainText("page 1");
    await isAt(page, 900);
    await go(page, 1);
    await expect(catalog(page)).toContainText("page 2");
    await go(page, 1);
    await expect(heading(page)).toHaveText("long");
    await isAt(page, 1500);
    await go(page, 1);
    await isAt(page, near);
    await go(page, -3);
    await expect(catalog(page)).toContainText("page 1");
    await isAt(page, 900);
    await expect(page.getByLabel("Search")).toHaveValue("first");
  });
}

test("a change that replaces the entry keeps its position", async ({ page, network }) => {
  await open(page, `${network.url}/tour/two`);
  await click(page, "a[href='/tour/catalog']");
  await expect(heading(page)).toHaveText("catalog");
  await live(page);
  await scroll(page, 700);
  const before = await length(page);
  await page.evaluate(() => document.querySelector<HTMLElement>("[name=query]")!.focus({ preventScroll: true }));
  await page.keyboard.type("lamp");
  await expect(catalog(page)).toContainText("query lamp");
  const y = await page.evaluate(() => scrollY);
  await click(page, "a[href='/tour/two']");
  await expect(heading(page)).toHaveText("two");
  expect(await length(page)).toBe(before + 1);
  await go(page, -1);
  await expect(catalog(page)).toContainText("query lamp");
  expect(search(page)).toBe("?q=lamp");
  await isAt(page, y);
});

for (const [how, leave] of [
  ["a link of this page", (page: Page) => click(page, "a[href='/tour/two']")],
  ["a load of another page", (page: Page) => page.evaluate(() => location.assign("/tour/static"))],
] as const) {
  for (const [name, label, parameter, added] of [["replaces", "Query", "q", 0], ["adds", "Kind", "kind", 1]] as const) {
    test(`a change that waits and ${name} an entry is in the URL after ${how}`, async ({ page, network }) => {
      await open(page, `${network.url}/tour/catalog`);
      const before = await length(page);
      await page.getByLabel(label, { exact: true }).fill("lamp");
      await expect(catalog(page)).toContainText("lamp");
      expect(search(page)).toBe("");
      await leave(page);
      await expect(heading(page)).not.toHaveText("catalog");
      await page.evaluate(() => void setTimeout(() => history.back()));
      await expect(catalog(page)).toContainText("lamp");
      await expect.poll(() => search(page)).toBe(`?${parameter}=lamp`);
      await live(page);
      expect(await length(page)).toBe(before + added + 1);
    });
  }
}

test("a reload in the middle keeps the positions of all entries", async ({ page, network }) => {
  await open(page, `${network.url}/tour/long`);
  await scroll(page, 1100);
  await click(page, "a[href='/tour/catalog']");
  await expect(heading(page)).toHaveText("catalog");
  await live(page);
  await scroll(page, 600);
  await press(page, "Next page");
  await expect.poll(() => search(page)).toBe("?page=2");
  await click(page, "a[href='/tour/two']");
  await expect(heading(page)).toHaveText("two");
  await go(page, -2);
  await expect(catalog(page)).toContainText("page 1");
  const y = await page.evaluate(() => scrollY);
  await page.reload();
  await live(page);
  await isAt(page, y);
  await go(page, 2);
  await expect(heading(page)).toHaveText("two");
  await go(page, -3);
  await expect(heading(page)).toHaveText("long");
  await isAt(page, 1100);
  await go(page, 1);
  await expect(catalog(page)).toContainText("page 1");
  await isAt(page, y);
});

test("a page that is loaded by going back is at its position, with its text", async ({ page, network }) => {
  await open(page, `${network.url}/tour/long`);
  await page.getByLabel("Note").fill("a note");
  await scroll(page, 1100);
  await click(page, "a[href='/tour/two']");
  await expect(heading(page)).toHaveText("two");
  await page.evaluate(() => location.assign("/tour/static"));
  await expect(heading(page)).toHaveText("static");
  await page.evaluate(() => void setTimeout(() => history.go(-2)));
  await expect(heading(page)).toHaveText("long");
  await isAt(page, 1100);
  await expect(page.getByLabel("Note")).toHaveValue("a note");
});

test("entries of other scripts have positions, and keep their state", async ({ page, network }) => {
  await open(page, `${network.url}/tour/long`);
  await scroll(page, 400);
  await page.evaluate(() => history.pushState({ mine: 1 }, "", "#mine"));
  await scroll(page, 800);
  await page.evaluate(() => history.pushState("a text", ""));
  await scroll(page, 1200);
  await page.evaluate(() => history.pushState({ mine: 2 }, "", "?mine=2"));
  await page.evaluate(() => history.replaceState({ mine: 3 }, "", "?mine=3"));
  await scroll(page, 1600);
  await click(page, "a[href='/tour/two']");
  await expect(heading(page)).toHaveText("two");
  const state = () => page.evaluate(() => history.state);
  await go(page, -1);
  await expect(heading(page)).toHaveText("long");
  await isAt(page, 1600);
  expect(await state()).toMatchObject({ mine: 3 });
  await go(page, -1);
  await expect(page).toHaveURL(/#mine$/);
  expect(await state()).toBe("a text");
  await live(page);
  await go(page, -1);
  await isAt(page, 800);
  expect(await state()).toMatchObject({ mine: 1 });
  await go(page, -1);
  await isAt(page, 400);
  await go(page, 4);
  await expect(heading(page)).toHaveText("two");
});

test("entries whose state is a text have no position of each other", async ({ page, network }) => {
  await open(page, `${network.url}/tour/long`);
  await page.evaluate(() => history.pushState("a", ""));
  await scroll(page, 400);
  await click(page, "a[href='/tour/catalog']");
  await expect(heading(page)).toHaveText("catalog");
  await live(page);
  await page.evaluate(() => history.pushState("b", ""));
  await scroll(page, 900);
  await page.getByLabel("Search").fill("of b");
  await click(page, "a[href='/tour/two']");
  await expect(heading(page)).toHaveText("two");
  await go(page, -3);
  await expect(heading(page)).toHaveText("long");
  expect(await page.evaluate(() => history.state)).toBe("a");
  await live(page);
  await isAt(page, 0);
});

test("a way back that leads nowhere does not hide the next change", async ({ page, network }) => {
  await open(page, `${network.url}/tour/two`);
  for (const name of ["long", "catalog"]) {
    await click(page, `a[href='/tour/${name}']`);
    await expect(heading(page)).toHaveText(name);
    await live(page);
  }
  // A position that the history does not have.
  await page.evaluate(() => history.replaceState({ liveEntry: [90, history.state.liveEntry[1]] }, ""));
  await page.reload();
  await live(page);
  const refused = page.evaluate(() => new Promise<void>((refused) => document.addEventListener("live:navigate", (event) => {
    event.preventDefault();
    refused();
  }, { once: true })));
  await go(page, -1);
  await refused;
  await go(page, -1);
  await expect(heading(page)).toHaveText("two");
  await expect(page).toHaveURL(/\/tour\/two$/);
});

test("a script that replaces the state while the page scrolls adds no entries", async ({ page, network }) => {
  await open(page, `${network.url}/tour/two`);
  await click(page, "a[href='/tour/long']");
  await expect(heading(page)).toHaveText("long");
  await page.evaluate(() => addEventListener("scroll", () => history.replaceState(null, "", `#at-${scrollY}`)));
  for (let y = 100; y <= 1000; y += 100) await scroll(page, y);
  await click(page, "a[href='/tour/one']");
  await expect(heading(page)).toHaveText("one");
  await page.reload();
  await live(page);
  // One for each page.
  expect(await page.evaluate(() => Object.keys(JSON.parse(sessionStorage["live-entries"])[2]).length)).toBe(3);
  await go(page, -1);
  await expect(heading(page)).toHaveText("long");
  await isAt(page, 1000);
});

test("a guard stops back and forward over entries of other scripts", async ({ page, network }) => {
  await open(page, `${network.url}/tour/one`);
  await click(page, "a[href='/tour/long']");
  await expect(heading(page)).toHaveText("long");
  await page.evaluate(() => {
    history.replaceState(null, "", "#clean");
    history.pushState(null, "");
    history.pushState({ own: true }, "");
    document.addEventListener("live:navigate", (event) => event.preventDefault());
  });
  await scroll(page, 300);
  const asked = page.evaluate(() => new Promise((done) => document.addEventListener("live:navigate", done, { once: true })));
  await go(page, -3);
  await asked;
  await expect(page).toHaveURL(/\/tour\/long#clean$/);
  await expect(heading(page)).toHaveText("long");
  await isAt(page, 300);
  expect(await page.evaluate(() => history.state)).toMatchObject({ own: true });
});

test("a component's change while the tab is on the way to another entry is not written there", async ({ page, network }) => {
  await open(page, `${network.url}/tour/two`);
  await click(page, "a[href='/tour/catalog']");
  await expect(heading(page)).toHaveText("catalog");
  await live(page);
  await page.evaluate(() => document.addEventListener("live:navigate", (event) => event.preventDefault()));
  network.latency = 300;
  await press(page, "Next page");
  // The guard brings the tab back: the change is written then.
  await go(page, -1);
  await expect.poll(() => page.url()).toBe(`${network.url}/tour/catalog?page=2`);
  await expect(catalog(page)).toContainText("page 2");
});

test("a component that stays follows the next page's URL", async ({ page, network }) => {
  await open(page, `${network.url}/tour/catalog`);
  await page.evaluate(() => document.querySelector("live-component[name=catalog]")!.parentElement!.setAttribute("live:persist", "catalog"));
  await press(page, "Next page");
  await expect.poll(() => search(page)).toBe("?page=2");
  await page.evaluate(() => {
    const link = document.querySelector<HTMLAnchorElement>("a[href='/tour/catalog']")!;
    link.href = "/tour/catalog?page=7";
  });
  await page.route("**/tour/catalog?page=7", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("<main>", '<main live:persist="catalog">') });
  });
  await click(page, "a[href='/tour/catalog?page=7']");
  await expect(catalog(page)).toContainText("page 7");
  await expect(page).toHaveURL(/page=7$/);
});
