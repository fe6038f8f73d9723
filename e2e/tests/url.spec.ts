// Fields that are bound to parameters of the URL, at 0 and 300 ms and with the socket cut.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, live, open, test } from "./networked.ts";

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const state = (page: Page) => page.locator("#state");
const search = (page: Page) => new URL(page.url()).search;
const length = (page: Page) => page.evaluate(() => history.length);

/** Counts the requests over HTTP, and the messages of the page that are no heartbeat. */
async function count(page: Page): Promise<{ requests: string[]; messages: string[] }> {
  const counted = { requests: [] as string[], messages: [] as string[] };
  page.on("request", (request) => counted.requests.push(request.url()));
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => {
      const { type } = JSON.parse(String(payload));
      if (type != "PING") counted.messages.push(String(payload));
    });
  });
  return counted;
}

test("the first paint has the URL's state, and the mount keeps it", async ({ page, network }) => {
  const url = `${network.url}/search?page=3&q=rust&tags=a&tags=b&order=by-name&tab=second`;
  const html = await (await page.request.get(url)).text();
  expect(html).toContain("page 3, query rust, order by-name, tab second");
  await open(page, url);
  await expect(state(page)).toHaveText("page 3, query rust, order by-name, tab second");
  await expect(page.locator(".tag")).toHaveText(["a", "b"]);
  await expect(page.locator("#followed")).toHaveText("1");
  expect(page.url()).toBe(url);
});

test("a bad value is the default, and leaves the URL with the next change", async ({ page, network }) => {
  await open(page, `${network.url}/search?page=three&order=upwards&q=x`);
  await expect(state(page)).toHaveText("page 1, query x, order newest, tab first");
  await press(page, "Next");
  await expect(state(page)).toContainText("page 2");
  await expect.poll(() => search(page)).toBe("?page=2&q=x");
});

for (const latency of [0, 300]) {
  test(`the server's patch changes the URL: one message, no request, one entry, at ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    const counted = await count(page);
    await open(page, `${network.url}/search?x=%20y&flag&tab=second&x=2`);
    const [before, requests] = [await length(page), counted.requests.length];
    counted.messages.length = 0;
    await press(page, "Next");
    await expect.poll(() => search(page)).toBe("?x=%20y&flag&tab=second&x=2&page=2");
    expect(await length(page)).toBe(before + 1);
    expect(counted.messages).toHaveLength(1);
    expect(counted.requests).toHaveLength(requests);
    await press(page, "Odd");
    await expect.poll(() => search(page)).toBe("?x=%20y&flag&tab=second&x=2&page=2&tags=a+b%26c");
    await press(page, "Red");
    await expect.poll(() => search(page)).toBe("?x=%20y&flag&tab=second&x=2&page=2&tags=a+b%26c&tags=red");
    await press(page, "Reset");
    await expect.poll(() => search(page)).toBe("?x=%20y&flag&tab=second&x=2");
    expect(await length(page)).toBe(before + 4);
    expect(counted.requests).toHaveLength(requests);
  });

  test(`back and forward change the fields without a request, at ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    const counted = await count(page);
    await open(page, `${network.url}/search`);
    for (const shown of ["page 2", "page 3"]) {
      await press(page, "Next");
      await expect(state(page)).toContainText(shown);
    }
    const [before, requests] = [await length(page), counted.requests.length];
    counted.messages.length = 0;
    await page.evaluate(() => history.back());
    await expect(state(page)).toContainText("page 2");
    await page.evaluate(() => history.back());
    await expect(state(page)).toContainText("page 1");
    await page.evaluate(() => history.go(2));
    await expect(state(page)).toContainText("page 3");
    expect(counted.messages.map((message) => JSON.parse(message).payload)).toEqual([
      { property: "?", value: "?page=2" },
      { property: "?", value: "?" },
      { property: "?", value: "?page=3" },
    ]);
    expect(search(page)).toBe("?page=3");
    expect(await length(page)).toBe(before);
    expect(counted.requests).toHaveLength(requests);
    await expect(page.locator("#updates")).toHaveText("page page page");
    await press(page, "Previous");
    await expect.poll(() => search(page)).toBe("?page=2");
  });

  test(`typed text replaces the entry after a pause, at ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    await open(page, `${network.url}/search?page=2`);
    const before = await length(page);
    await page.getByLabel("Query").pressSequentially("live components", { delay: 10 });
    await expect.poll(() => search(page)).toBe("?page=2&q=live+components");
    expect(await length(page)).toBe(before);
    await page.reload();
    await live(page);
    await expect(page.getByLabel("Query")).toHaveValue("live components");
    await expect(state(page)).toContainText("page 2, query live components");
  });
}
