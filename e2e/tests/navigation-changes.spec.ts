// What changes between two pages: the build, the user, the policy, the origin, and what other tabs
// do.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "@playwright/test";
import { Server } from "./server.ts";
import { expect, live, open, test } from "./networked.ts";

const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const follow = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
/** Marks the document: the mark is gone after a load. */
const mark = (page: Page) => page.evaluate(() => ((window as any).mark = true));
const isMarked = (page: Page) => page.evaluate(() => (window as any).mark === true);
const messages = (page: Page) => page.locator("p.info").allTextContents();

/** Signs in in another tab, or out without a name. */
async function signIn(context: BrowserContext, url: string, name?: string): Promise<void> {
  if (name) await context.addCookies([{ name: "user", value: name, url }]);
  else await context.clearCookies({ name: "user" });
}

test("`keep-scroll` keeps the position and the focus", async ({ page, network }) => {
  await open(page, `${network.url}/tour/long`);
  await mark(page);
  // The next page is as long.
  await page.route("**/tour/two", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("</main>", '<div class="tall"></div><div class="tall"></div></main>') });
  });
  const stay = page.getByRole("link", { name: "Stay", exact: true });
  await stay.evaluate((link: HTMLElement) => link.focus());
  await page.evaluate(() => scrollTo(0, 700));
  await stay.evaluate((link: HTMLElement) => link.click());
  await expect(heading(page)).toHaveText("two");
  expect(await page.evaluate(() => scrollY)).toBe(700);
  await expect(stay).toBeFocused();
  await page.evaluate(() => history.back());
  await expect(heading(page)).toHaveText("long");
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(700);
  expect(await isMarked(page)).toBe(true);
});

test("pages whose policies have nonces are shown, and their new scripts run", async ({ page, network }) => {
  await open(page, `${network.url}/nonce/one`);
  await mark(page);
  for (const name of ["Two", "One", "Two"]) {
    await follow(page, name);
    await expect(heading(page)).toHaveText(name.toLowerCase());
    await live(page);
    await press(page, "Add");
    await expect(page.locator("#count")).toHaveText("1");
  }
  expect(await page.evaluate(() => (window as any).ran)).toEqual(["body", "two"]);
  expect(await isMarked(page)).toBe(true);
});

test("after a deploy the next page is loaded, and then they are shown again", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const server = await Server.start("e2e-app");
  await open(page, `${server.url}/tour/one`);
  await mark(page);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await isMarked(page)).toBe(true);
  await server.replace("e2e-next");
  await live(page);
  // What is typed is kept by a module of the first build, which is not served any more.
  await page.route("**/live/module/**/keep-typed.js*", () => {});
  await page.getByLabel("Note").fill("a note");
  await follow(page, "One");
  await expect(heading(page)).toHaveText("one");
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await live(page);
  expect(await isMarked(page)).toBe(false);
  await mark(page);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await isMarked(page)).toBe(true);
  // Back to an entry of the first build.
  await page.evaluate(() => history.go(-2));
  await expect(heading(page)).toHaveText("two");
  await live(page);
  await press(page, "Add");
  await expect(page.locator("#count")).toHaveText("1");
  await page.close();
  await server.remove();
});

test("a page with the files of another client is loaded", async ({ page, network }) => {
  await open(page, `${network.url}/tour/one`);
  await mark(page);
  await page.route("**/tour/two", async (route) => {
    if (route.request().resourceType() != "fetch") return route.continue();
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll(/client-[0-9a-f]{16}\.js/g, "client-0123456789abcdef.js") });
  });
  await Promise.all([page.waitForEvent("load"), follow(page, "Two")]);
  await expect(heading(page)).toHaveText("two");
  expect(await isMarked(page)).toBe(false);
  await live(page);
});

test("somebody who signs in, changes the user or signs out in another tab gets a loaded page", async ({ page, network, context }) => {
  await open(page, `${network.url}/tour/one`);
  let [to, next] = ["two", "one"];
  for (const name of ["ada", "bob", undefined]) {
    await mark(page);
    await signIn(context, network.url, name);
    // Not requested in advance, as the other user.
    await Promise.all([page.waitForEvent("load"), page.evaluate((to) => document.querySelector<HTMLElement>(`a[href='/tour/${to}']`)!.click(), to)]);
    await expect(heading(page)).toHaveText(to);
    await expect(page.locator("#who")).toHaveText(name ?? "nobody");
    expect(await isMarked(page)).toBe(false);
    await live(page);
    await press(page, "Add");
    await expect(page.locator("#count")).toHaveText("1");
    [to, next] = [next, to];
  }
  // The same user: no load.
  await mark(page);
  await follow(page, "Long");
  await expect(heading(page)).toHaveText("long");
  expect(await isMarked(page)).toBe(true);
});

test("back after a sign-in in another tab loads the page", async ({ page, network, context }) => {
  await open(page, `${network.url}/tour/one`);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  await mark(page);
  const before = await page.evaluate(() => history.length);
  await signIn(context, network.url, "ada");
  await Promise.all([page.waitForEvent("load"), page.evaluate(() => history.back())]);
  await expect(heading(page)).toHaveText("one");
  await expect(page.locator("#who")).toHaveText("ada");
  expect(await page.evaluate(() => history.length)).toBe(before);
  await live(page);
});

test("a message is shown by one page of all tabs", async ({ page, network, context }) => {
  await open(page, `${network.url}/tour/one`);
  const other = await context.newPage();
  await open(other, `${network.url}/tour/one`);
  const used = page.waitForResponse(/tickets/);
  await press(page, "Note it");
  await used;
  await follow(other, "Two");
  await expect(heading(other)).toHaveText("two");
  expect(await messages(other)).toEqual(["Noted."]);
  await follow(page, "Two");
  await expect(heading(page)).toHaveText("two");
  expect(await messages(page)).toEqual([]);
  await other.reload();
  expect(await messages(other)).toEqual([]);
});

test("messages of two tabs at the same time are all shown, once", async ({ page, network, context }) => {
  network.latency = 150;
  const tabs = [page, await context.newPage(), await context.newPage()];
  for (const tab of tabs) await open(tab, `${network.url}/tour/one`);
  const used = tabs.map((tab) => tab.waitForResponse(/tickets/));
  await Promise.all(tabs.map((tab) => press(tab, "Note it")));
  await Promise.all(used);
  let shown: string[] = [];
  for (const tab of tabs) {
    await follow(tab, "Long");
    await expect(heading(tab)).toHaveText("long");
    shown = shown.concat(await messages(tab));
  }
  expect(shown).toEqual(["Noted.", "Noted.", "Noted."]);
});

test("a page of another origin that permits requests is not shown within this one", async ({ page, network, problems }) => {
  problems.expect(/CORS|Content Security Policy|violates|Failed to|Unsafe attempt|ERR_/);
  await open(page, `${network.url}/tour/one`);
  const client = await page.evaluate(() => document.querySelector("script[live-build]")!.outerHTML);
  const referers: string[] = [];
  const other = createServer((request, response) => {
    if (request.url == "/style") referers.push(request.headers.referer ?? "");
    const body = `<!DOCTYPE html><html lang="en"><title>Other</title><link rel="stylesheet" href="${url}/style">${client}<h1>other</h1></html>`;
    response.writeHead(200, { "access-control-allow-origin": "*", "content-type": "text/html" }).end(body);
  });
  await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await page.evaluate((url) => {
    document.querySelector<HTMLAnchorElement>("a[href='/tour/two']")!.href = `/tour/redirect?to=${url}/page`;
  }, url);
  await page.getByRole("link", { name: "Two", exact: true }).click();
  await expect(page).toHaveURL(`${url}/page`);
  await expect(heading(page)).toHaveText("other");
  expect(referers.filter((referer) => referer.startsWith(network.url))).toEqual([]);
  await page.close();
  other.close();
});

test("a page that is requested and then loaded shows its messages, once", async ({ page, network }) => {
  await page.goto(`${network.url}/tour/one`);
  await live(page);
  await page.getByRole("button", { name: "Note" }).click();
  await expect.poll(async () => (await page.context().cookies()).filter(({ name }) => name.startsWith("vivaz_flash_")).length).toBe(1);
  // This page reads no messages, and leaves them to the next one.
  await page.request.get(`${network.url}/tour/unread`);
  // It has no client.
  await page.getByRole("link", { name: "Static", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("static");
  await expect(page.getByRole("status")).toHaveText("Noted.");
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("static");
  await expect(page.getByRole("status")).toHaveCount(0);
});

test("the components of a page are unmounted before those of the next one are mounted", async ({ page, network }) => {
  const sent: string[] = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(JSON.parse(String(payload)).type)));
  await page.goto(`${network.url}/tour/one`);
  await live(page);
  sent.length = 0;
  await page.getByRole("link", { name: "Two", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("two");
  await live(page);
  expect(sent.filter((type) => /MOUNT/.test(type))).toEqual(["COMPONENT_UNMOUNT", "COMPONENT_MOUNT"]);
});
