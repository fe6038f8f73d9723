// The engine: traps, memory, connections that fail silently, a busy server, reloads and deploys.

import type { Page, WebSocketRoute } from "@playwright/test";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const press = (page: Page, name: string) => page.locator("section > button", { hasText: name }).click();
const count = (page: Page) => page.locator("#count");

/** Exposes the module's exports, and lets the test corrupt their arguments. */
async function expose(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const Original = WebAssembly.Instance;
    const seen: { instances: { memory: WebAssembly.Memory | undefined }[]; trap: boolean; broken: boolean } = {
      instances: [],
      trap: false,
      broken: false,
    };
    Object.assign(window, { seen });
    // Exports have meaningless short names.
    const replaced = function (module: WebAssembly.Module, imports: WebAssembly.Imports) {
      const exports: Record<string, WebAssembly.ExportValue> = {};
      let memory: WebAssembly.Memory | undefined;
      for (const [name, value] of Object.entries(new Original(module, imports).exports)) {
        if (value instanceof WebAssembly.Memory) memory = value;
        exports[name] =
          typeof value == "function"
            ? (...args: unknown[]) => {
                if (seen.trap || seen.broken) {
                  seen.trap = false;
                  throw new WebAssembly.RuntimeError("unreachable");
                }
                return (value as (...args: unknown[]) => unknown)(...args);
              }
            : value;
      }
      seen.instances.push({ memory });
      return { exports };
    };
    WebAssembly.Instance = replaced as unknown as typeof WebAssembly.Instance;
  });
}

test("after a trap the engine restarts and typed text is kept", async ({ page, problems }) => {
  problems.expect(/unreachable/);
  await expose(page);
  await open(page, "/inputs");
  await page.locator("[name=text]").fill("typed");
  await page.locator("[name=note]").pressSequentially("not sent yet");
  await page.evaluate(() => {
    const tick = [...document.querySelectorAll("button")].find((button) => button.textContent === "Tick");
    (window as unknown as { seen: { trap: boolean } }).seen.trap = true;
    // The click that causes the trap is lost; the next one waits for the new engine.
    tick?.click();
    tick?.click();
  });
  await live(page);
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("[name=text]")).toHaveValue("typed");
  await expect(page.locator("[name=note]")).toHaveValue("not sent yet");
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("2");
  await expect(page.locator("#server")).toContainText("typed|not sent yet|");
});

test("an engine that traps repeatedly is stopped, and the page offers a reload", async ({ page, problems }) => {
  problems.expect(/unreachable/);
  await expose(page);
  await open(page, "/inputs");
  await page.evaluate(() => {
    const told: string[] = [];
    document.addEventListener("live:connection", (event) => told.push((event as CustomEvent).detail.status));
    Object.assign(window, { told });
    (window as unknown as { seen: { broken: boolean } }).seen.broken = true;
  });
  await press(page, "Tick");
  await expect(page.locator("html")).toHaveAttribute("live-connection", "stopped");
  await expect(page.locator("html")).toHaveClass(/live-offline/);
  await expect.poll(() => page.evaluate(() => (window as unknown as { told: string[] }).told)).toEqual(["stopped"]);
  await page.evaluate(async () => {
    const client = "/live/client.js";
    (await import(client)).reconnect();
  });
  await live(page);
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("1");
});

test("ten thousand updates do not grow the memory", async ({ page }) => {
  await expose(page);
  // Messages are passed to the page's socket, as if the server had sent them.
  await page.addInitScript(() => {
    const Original = window.WebSocket;
    window.WebSocket = class extends Original {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        Object.assign(window, { line: this });
      }
    };
  });
  let mounted: { componentId: string; rev: number; payload: { component: string } } | undefined;
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => {
      const message = JSON.parse(payload.toString());
      if (message.payload?.component === "lists") mounted = message;
    });
  });
  await open(page, "/lists");
  const update = async (from: number, to: number) => {
    await page.evaluate(
      async ({ componentId, from, to }) => {
        const { line } = window as unknown as { line: WebSocket };
        for (let rev = from; rev < to; rev++) {
          // Rows are removed, inserted, moved and changed.
          const groups = Array.from({ length: rev % 7 }, (_, at) => {
            const id = ((at * 5 + rev) % 12) + 1;
            return { id, items: [{ id: 1, label: `${rev}` }, { id: 2 + (rev % 3), label: "other" }] };
          });
          const payload = { order: `${rev}`, groups };
          const data = JSON.stringify({ v: 1, type: "STATE_UPDATE", componentId, rev, payload });
          line.dispatchEvent(new MessageEvent("message", { data }));
          if (rev % 50 === 0) await new Promise((done) => setTimeout(done));
        }
      },
      { componentId: mounted?.componentId, from, to },
    );
    await expect(page.locator("#order")).toHaveText(String(to - 1));
  };
  const bytes = () =>
    page.evaluate(() => {
      const { instances } = (window as unknown as { seen: { instances: { memory: WebAssembly.Memory }[] } }).seen;
      return instances[0]?.memory.buffer.byteLength;
    });
  await update(1, 1000);
  const before = await bytes();
  await update(1000, 11_000);
  expect(await bytes()).toBe(before);
  expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(150);
});

test("a connection that fails silently is detected, and nothing is lost", async ({ page }) => {
  let dead = false;
  let connections = 0;
  await page.routeWebSocket("**/live", (socket: WebSocketRoute) => {
    const mine = ++connections;
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      if (!(dead && mine === 1)) server.send(frame);
    });
    server.onMessage((frame) => {
      const message = JSON.parse(frame.toString());
      // The page checks the connection at the interval that the server sends.
      if (message.type === "WELCOME") message.payload.heartbeatMs = 300;
      if (!(dead && mine === 1)) socket.send(JSON.stringify(message));
    });
  });
  await open(page, "/ways");
  dead = true;
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
  expect(connections).toBe(2);
});

test("requests to a busy server are retried, and each click counts once", async ({ page }) => {
  let refused = 0;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => socket.send(frame));
    socket.onMessage((frame) => {
      const { type, ref, componentId } = JSON.parse(frame.toString());
      if (type !== "COMPONENT_ACTION" || refused === 3) return server.send(frame);
      refused += 1;
      const payload = { code: "rate_limited", message: "slow down", retryMs: 50 };
      socket.send(JSON.stringify({ v: 1, type: "ERROR", ref, componentId, payload }));
    });
  });
  await open(page, "/ways");
  await press(page, "Add");
  await press(page, "Add");
  await expect(count(page)).toHaveText("2");
  expect(refused).toBe(3);
});

test("a page that the server rejects does not retry without end", async ({ page }) => {
  let loads = 0;
  page.on("request", (request) => {
    if (request.isNavigationRequest()) loads += 1;
  });
  await page.routeWebSocket("**/live", (socket) => {
    socket.onMessage(() => void socket.close({ code: 4401 }));
  });
  await page.goto("/ways");
  await expect.poll(() => loads).toBe(2);
  await expect(page.locator("html")).toHaveAttribute("live-connection", "stopped");
  expect(loads).toBe(2);
});

test("a page whose seal is invalid reloads", async ({ page }) => {
  let loads = 0;
  page.on("request", (request) => {
    if (request.isNavigationRequest()) loads += 1;
  });
  await page.addInitScript(() => {
    if (sessionStorage.getItem("spoiled")) return;
    sessionStorage.setItem("spoiled", "yes");
    // While the page is parsed: the client runs later.
    new MutationObserver(() => {
      for (const element of document.querySelectorAll("live-component[seal]")) element.setAttribute("seal", "of-long-ago");
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto("/ways");
  await expect.poll(() => loads).toBe(2);
  await live(page);
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
  expect(loads).toBe(2);
});

test("an action that is dropped by the client's own reload is reported", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  let loads = 0;
  page.on("request", (request) => {
    if (request.isNavigationRequest()) loads += 1;
  });
  // The second connection is to a process with another secret and without the session.
  let connections = 0;
  let welcome = "";
  let cut = () => {};
  let answer = () => {};
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
  await page.routeWebSocket("**/live", (socket) => {
    connections += 1;
    if (connections === 2) {
      return socket.onMessage(async (frame) => {
        await mayAnswer;
        const { type, ref, componentId } = JSON.parse(frame.toString());
        if (type === "HELLO") {
          const { payload, ...rest } = JSON.parse(welcome);
          socket.send(JSON.stringify({ ...rest, payload: { ...payload, session: "another", resumed: false } }));
        } else if (type === "COMPONENT_MOUNT") {
          const payload = { code: "bad_seal", message: "the seal is not valid" };
          socket.send(JSON.stringify({ v: 1, type: "ERROR", ref, componentId, payload }));
        }
      });
    }
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      if (JSON.parse(frame.toString()).type === "WELCOME") welcome = frame.toString();
      socket.send(frame);
    });
    cut = () => void socket.close({ code: 1001 });
  });
  await page.addInitScript(() => {
    document.addEventListener("live:error", (event) => {
      sessionStorage.setItem("errors", (sessionStorage.getItem("errors") ?? "") + (event as CustomEvent).detail.code + " ");
    });
  });
  await open(page, "/ways");
  cut();
  await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
  await press(page, "Add");
  answer();
  await expect.poll(() => loads).toBe(2);
  await live(page);
  await expect.poll(() => page.evaluate(() => sessionStorage.getItem("errors"))).toMatch(/session_lost $/);
  await expect(count(page)).toHaveText("0");
});

const KEEPING = `/ways?${new URLSearchParams({ from: '<script type="module"', to: '<script type="module" live-keep-queue live-warn-unsent' })}`;

test("a reload keeps queued requests and does not repeat pending ones", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  let down = false;
  let mute = false;
  const actions: string[] = [];
  await page.routeWebSocket("**/live", (socket) => {
    if (down) return void socket.close({ code: 1006 - 6 + 1 });
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      const message = JSON.parse(frame.toString());
      if (message.type === "COMPONENT_ACTION") actions.push(message.action);
      if (down) return void socket.close({ code: 1001 });
      server.send(frame);
    });
    server.onMessage((frame) => {
      if (!mute) socket.send(frame);
    });
  });
  page.on("dialog", (dialog) => void dialog.accept());
  await open(page, KEEPING);
  // One is handled, but its reply is lost.
  mute = true;
  await press(page, "Rotate");
  await expect.poll(() => actions).toEqual(["rotate"]);
  down = true;
  await press(page, "Add");
  await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
  await press(page, "Add");
  await expect(page.locator("html")).toHaveAttribute("live-queued", "3");
  await page.reload();
  down = false;
  mute = false;
  await live(page);
  await expect(count(page)).toHaveText("1");
  await expect(page.locator("html")).not.toHaveAttribute("live-queued");
  await page.reload();
  await live(page);
  await expect(count(page)).toHaveText("0");
});

test("leaving with unsent changes asks first, if the page enables it", async ({ page }) => {
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
  await open(page, KEEPING);
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
  // The child has its new props: no request is pending.
  await expect(page.locator(".given")).toHaveText("1");
  await page.reload();
  expect(asked).toEqual([]);
  await live(page);
  hold = true;
  await press(page, "Add");
  await page.reload();
  expect(asked).toEqual(["beforeunload"]);
});

test("a mount that the server sends without a request replaces the view and keeps typed text", async ({ page }) => {
  let send: ((frame: string) => void) | undefined;
  let mounted: Record<string, unknown> & { payload: { state: Record<string, unknown> } } | undefined;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      const message = JSON.parse(frame.toString());
      if (message.type === "COMPONENT_MOUNTED") mounted = message;
      socket.send(frame);
    });
    send = (frame) => socket.send(frame);
  });
  await open(page, "/inputs");
  await page.locator("[name=text]").fill("typed");
  await page.locator("[name=note]").pressSequentially("not sent yet");
  await expect(page.locator("#server")).toContainText("typed|not sent yet|");
  // After a deploy the template is a different one: here that of another component.
  const other = await page.request.get("/ways").then((response) => response.text());
  const hash = /template="([0-9a-f]{32})"/.exec(other)?.[1];
  const { ref: _, ...envelope } = mounted as Record<string, unknown>;
  const state = { ...mounted?.payload.state, count: 5, numbers: [4], shown: false, html: "" };
  send?.(JSON.stringify({ ...envelope, epoch: "new", payload: { component: "inputs", template: hash, state, topics: {} } }));
  await expect(count(page)).toHaveText("5");
  await expect(page.locator("#numbers li")).toHaveText(["4"]);
  // And back: the same controls, with their text.
  send?.(JSON.stringify({ ...envelope, epoch: "newer" }));
  await expect(page.locator("[name=note]")).toHaveValue("not sent yet");
});
