// Required resources fail at the first attempt: the engine, a template, the connection.

import { expect, live, open, test } from "./test.ts";

const PORTAL = { status: 200, contentType: "text/html", body: "<!DOCTYPE html><p>Sign in</p>" };

for (const [what, failure] of [["503", { status: 503, body: "" }], ["a portal's page", PORTAL], ["no answer", undefined]] as const) {
  test(`the engine loads at the third attempt (${what}), and an earlier click counts`, async ({ page, problems }) => {
    problems.expect(/503|ERR_FAILED/);
    let tries = 0;
    await page.route("**/live/*.wasm", async (route) => {
      tries += 1;
      if (tries > 2) return route.continue();
      return failure ? route.fulfill(failure) : route.abort();
    });
    await page.goto("/counter");
    await page.getByRole("button", { name: "Increment" }).first().click();
    await live(page);
    expect(tries).toBe(3);
    await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
    await expect(page.locator("main")).toContainText("1");
  });
}

test("an engine that never loads stops the page, which offers a reload", async ({ page, problems }) => {
  problems.expect(/503|live: the engine cannot be loaded/);
  await page.clock.install();
  let fails = true;
  await page.route("**/live/*.wasm", (route) => (fails ? route.fulfill({ status: 503, body: "" }) : route.continue()));
  const error = page.waitForEvent("pageerror");
  await page.goto("/counter");
  for (let pause = 500; pause <= 64_000; pause *= 2) {
    await page.waitForTimeout(200);
    await page.clock.runFor(pause);
  }
  await error;
  await expect(page.locator("html")).toHaveAttribute("live-connection", "stopped");
  fails = false;
  await page.getByRole("button", { name: "Try now" }).click();
  await live(page);
});

test("a portal's page in place of a template is ignored", async ({ page }) => {
  let portal = 0;
  await page.route("**/live/template/*.json", (route) => {
    portal += 1;
    return route.fulfill(PORTAL);
  });
  await open(page, "/counter");
  expect(portal).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Increment" }).first().click();
  await expect(page.locator("main")).toContainText("1");
});

test("retries end as the page configures, and a click starts the next one at once", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  const debug: string[] = [];
  page.on("console", (line) => {
    if (line.type() == "debug") debug.push(line.text());
  });
  await open(page, "/counter");
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  let refuses = true;
  let sockets = 0;
  let probes = 0;
  await page.routeWebSocket("**/live", (socket) => {
    sockets += 1;
    if (refuses) void socket.close({ code: 1001 });
    else socket.connectToServer();
  });
  const tries = () => sockets - probes;
  // Waits until a socket of the test is closed: earlier sockets of the page are then closed too.
  const probe = async () => {
    probes += 1;
    await page.evaluate(() => {
      const socket = new WebSocket(new URL("/live", location.href.replace("http", "ws")));
      return new Promise<void>((done) => socket.addEventListener("close", () => done()));
    });
  };
  const status = page.locator("html");
  await page.evaluate(async () => {
    const { default: live } = await import("/live/client.js" as string);
    live.configure({ maxReconnectAttempts: 4 });
  });
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await expect.poll(tries).toBe(1);
  await probe();
  // A key starts the next attempt at once; the one after it waits at least a second.
  await page.keyboard.press("Shift");
  await expect.poll(tries).toBe(2);
  await page.keyboard.press("Shift");
  await probe();
  expect(tries()).toBe(2);
  await page.clock.runFor(60_000);
  await expect(status).toHaveAttribute("live-connection", "stopped");
  expect(tries()).toBe(4);
  await page.clock.runFor(600_000);
  await probe();
  expect(tries()).toBe(4);
  refuses = false;
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(status).toHaveAttribute("live-connection", "connected");
  await expect.poll(() => debug.join("\n")).toMatch(/live: stopped[\s\S]*live: connected/);
});

test("the demo asks before a page with a pending request is left, and only then", async ({ page }) => {
  let hold = false;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      if (!hold) socket.send(frame);
    });
  });
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  const increment = page.getByRole("button", { name: "Increment" }).first();
  const module = page.waitForResponse(/\/warn-unsent\.js/);
  await open(page, "/counter");
  await module;
  await increment.click();
  await expect(page.locator("main")).toContainText("1");
  const loading = () => page.evaluate(async () => {
    const { default: live } = await import("/live/client.js" as string);
    return live.component(document.querySelector("live-component")).loading;
  });
  await expect.poll(loading).toBe(false);
  await page.reload();
  expect(asked).toEqual([]);
  hold = true;
  await increment.click();
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
});

test("a call without a reply in time reports it, and later the reply", async ({ page }) => {
  let hold = false;
  const kept: (() => void)[] = [];
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      if (hold) kept.push(() => socket.send(frame));
      else socket.send(frame);
    });
  });
  await open(page, "/counter");
  hold = true;
  const early = await page.evaluate(async () => {
    const { default: live } = await import("/live/client.js" as string);
    live.configure({ callTimeoutMs: 50 });
    const counter = live.component(document.querySelector("live-component"));
    const error = await counter.call("increment", 1).catch((error: unknown) => error);
    (window as any).settled = new Promise((done) => error.onSettled((failure: unknown) => done(failure ?? "done")));
    return [error.code, error.unanswered, counter.loading];
  });
  expect(early).toEqual(["timeout", true, true]);
  hold = false;
  for (const send of kept) send();
  expect(await page.evaluate(() => (window as any).settled)).toBe("done");
  expect(await page.evaluate(async () => {
    const { default: live } = await import("/live/client.js" as string);
    return live.component(document.querySelector("live-component")).loading;
  })).toBe(false);
});

test("a policy that forbids the engine is reported at once", async ({ page, problems }) => {
  // Chromium takes a response that a test has replaced for one from the public Internet, and
  // forbids that page a socket to this machine.
  problems.expect(/wasm|WebAssembly|Content.Security.Policy/i, /ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS/);
  await page.route("**/counter", async (route) => {
    const response = await route.fetch();
    const policy = (response.headers()["content-security-policy"] ?? "").replace(" 'wasm-unsafe-eval'", "");
    await route.fulfill({ response, headers: { ...response.headers(), "content-security-policy": policy } });
  });
  const report = page.waitForEvent("console", (message) => message.text().includes("needs script-src 'wasm-unsafe-eval'"));
  await page.goto("/counter");
  await report;
});
