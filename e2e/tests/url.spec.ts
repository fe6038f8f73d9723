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

test("a component that the server did not render follows the URL", async ({ page, network }) => {
  await open(page, `${network.url}/search-by-hand?page=4&tab=second`);
  await expect(state(page)).toHaveText("page 4, query , order newest, tab second");
  const before = await length(page);
  await press(page, "Next");
  await expect.poll(() => search(page)).toBe("?page=5&tab=second");
  expect(await length(page)).toBe(before + 1);
  await page.evaluate(() => history.back());
  await expect(state(page)).toContainText("page 4");
});

test("the hook follows unbound parameters, and refuses what does not exist", async ({ page, network }) => {
  await open(page, `${network.url}/search?page=2`);
  await page.evaluate(() => {
    document.addEventListener("live:error", (event) => ((window as any).failure = (event as CustomEvent).detail.message));
    for (const tab of ["second", "gone"]) history.pushState({}, "", `?page=7&tab=${tab}`);
  });
  const back = (steps: number) => page.evaluate((steps) => history.go(steps), steps);
  await back(-1);
  await expect(state(page)).toHaveText("page 7, query , order newest, tab second");
  await back(1);
  await expect.poll(() => page.evaluate(() => (window as any).failure)).toBe("There is no such tab.");
  await expect(state(page)).toHaveText("page 7, query , order newest, tab second");
  await back(-2);
  await expect(state(page)).toHaveText("page 2, query , order newest, tab first");
});

test("a path that no page has, and other entries, stay with the browser", async ({ page, network }) => {
  await open(page, `${network.url}/search?page=2`);
  await page.evaluate(() => {
    history.replaceState({ mine: 1 }, "");
    location.hash = "state";
  });
  await press(page, "Next");
  await expect.poll(() => page.url()).toBe(`${network.url}/search?page=3#state`);
  await page.evaluate(() => history.go(-2));
  await expect(state(page)).toContainText("page 2");
  expect(await page.evaluate(() => history.state)).toMatchObject({ mine: 1 });
});

for (const latency of [0, 300]) {
  test(`a cut socket loses no step back, at ${latency} ms`, async ({ page, network, problems }) => {
    // The browser reports each failed connection attempt.
    problems.expect(/WebSocket connection to .* failed/);
    network.latency = latency / 2;
    await open(page, `${network.url}/search`);
    for (const shown of ["page 2", "page 3"]) {
      await press(page, "Next");
      await expect(state(page)).toContainText(shown);
    }
    const before = await length(page);
    network.down();
    await page.evaluate(() => history.back());
    await expect.poll(() => search(page)).toBe("?page=2");
    network.up();
    await expect(state(page)).toContainText("page 2");
    // The answer to the next step is lost with its socket.
    network.hold();
    await page.evaluate(() => history.back());
    await expect.poll(() => search(page)).toBe("");
    network.cut();
    await expect(state(page)).toContainText("page 1");
    expect(await length(page)).toBe(before);
    await live(page);
  });

  test(`a change while the socket is cut enters the history once, at ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    await open(page, `${network.url}/search`);
    const before = await length(page);
    network.hold();
    await press(page, "Next");
    network.cut();
    await expect.poll(() => search(page)).toBe("?page=2");
    expect(await length(page)).toBe(before + 1);
  });
}

test("after the loss of the session the URL determines the fields", async ({ page, network }) => {
  // A later connection asks for a new session, as if the server had lost the old one.
  let isLost = false;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(message));
    socket.onMessage((message) => {
      const hello = JSON.parse(String(message));
      if (isLost && hello.type == "HELLO") hello.payload.session = "0198c2f0-7a3e-7c11-9d4e-5b1f0a6c2d38";
      server.send(JSON.stringify(hello));
    });
  });
  await open(page, `${network.url}/search?page=2&tab=second`);
  await press(page, "Next");
  await expect.poll(() => search(page)).toBe("?page=3&tab=second");
  await page.getByLabel("Order").selectOption("by-name");
  await expect.poll(() => search(page)).toBe("?page=3&tab=second&order=by-name");
  const before = await length(page);
  isLost = true;
  network.cut();
  await page.waitForFunction(() => document.documentElement.getAttribute("live-connection") != "connected");
  await live(page);
  await expect(state(page)).toHaveText("page 3, query , order by-name, tab second");
  await page.evaluate(() => history.back());
  await expect(state(page)).toHaveText("page 3, query , order newest, tab second");
  await press(page, "Next");
  await expect.poll(() => search(page)).toBe("?page=4&tab=second");
  expect(await length(page)).toBe(before);
});

test("a step back that waits for an earlier one comes with the next action", async ({ page, network }) => {
  await open(page, `${network.url}/search`);
  for (const shown of ["page 2", "page 3", "page 4"]) {
    await press(page, "Next");
    await expect(state(page)).toContainText(shown);
  }
  network.latency = 150;
  for (const at of ["?page=3", "?page=2"]) {
    await page.evaluate(() => history.back());
    await expect.poll(() => search(page)).toBe(at);
  }
  await press(page, "Red");
  await expect.poll(() => search(page)).toBe("?page=2&tags=red");
  await expect(state(page)).toContainText("page 2");
});

test("two components that bind one parameter are reported, and the first one has it", async ({ page, network, problems }) => {
  problems.expect(/the parameter "\w+" is bound by two components/);
  await open(page, `${network.url}/search-by-hand?page=2`);
  await page.evaluate(() => {
    const second = document.createElement("live-component");
    second.setAttribute("name", "search");
    document.body.append(second);
  });
  await expect(page.locator("#state")).toHaveCount(2);
  await page.getByRole("button", { name: "Next" }).first().click();
  await expect.poll(() => search(page)).toBe("?page=3");
  await page.getByRole("button", { name: "Next" }).last().click();
  await expect(page.locator("#state").last()).toContainText("page 4");
  expect(search(page)).toBe("?page=3");
});

for (const latency of [0, 300]) {
  test(`the demo's filter and rows are in the URL, at ${latency} ms`, async ({ page, demo }) => {
    const network = await Network.before(demo.url);
    network.latency = latency / 2;
    await open(page, `${network.url}/todo?filter=active`);
    await expect(page.getByRole("button", { name: "Active" })).toHaveAttribute("aria-pressed", "true");
    await press(page, "Completed");
    await expect.poll(() => search(page)).toBe("?filter=completed");
    await page.evaluate(() => history.back());
    await expect(page.getByRole("button", { name: "Active" })).toHaveAttribute("aria-pressed", "true");
    await press(page, "All");
    await expect.poll(() => search(page)).toBe("");

    await open(page, `${network.url}/rows?rows=20&selected=7`);
    await expect(page.locator("tr")).toHaveCount(20);
    await expect(page.locator("tr.selected")).toContainText("7");
    await page.locator("tr").nth(2).locator(".pick").click();
    await expect.poll(() => search(page)).toBe("?rows=20&selected=3");
    await page.evaluate(() => history.back());
    await expect(page.locator("tr.selected")).toContainText("7");
    await network.remove();
  });
}
