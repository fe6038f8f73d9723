// Hostile addresses, at each place of the client where an address is used.

import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "@playwright/test";
import { expect, live, test } from "./networked.ts";

/** What an address is, as browsers read it. `HOST` is the application's host. */
const ADDRESSES = {
  own: ["/tour/two", "/tour/t\two", "\t/tour/two", "/tour/%74wo", "http://HOST/tour/two", "HTTP://HOST/tour/two"],
  /** No route of the application has them, so its answer is no page. */
  "own path": ["/%2F/example.test", "/%5Cexample.test", "/%09/example.test", "/tour/..%2f..%2f/example.test", "/a/..//example.test"],
  "other host": [
    "//example.test/", "/\t/example.test/", "/\n/example.test/", "/\r\n/example.test/", "\t//example.test/", "/\\example.test/",
    "\\\\example.test/", "\\/example.test/", "/\t\\example.test/", "http://example.test/", "HtTp://example.test/", "http:\\\\example.test/",
    "http://example.test\\@HOST/",
  ],
  "user name": ["http://ada@HOST/tour/two", "http://ada:secret@HOST/tour/two", "//ada@HOST/tour/two", "http://HOST@example.test/"],
  script: [
    "javascript:(window.ran=['script'])", "JaVaScRiPt:(window.ran=['script'])", "java\tscript:(window.ran=['script'])",
    "java\r\nscript:(window.ran=['script'])", "\u0001javascript:(window.ran=['script'])", " \u001fjavascript:(window.ran=['script'])",
    "javascript://HOST/%0a(window.ran=['script'])", "vbscript:x", "data:text/html,<script>top.ran=['script']</script>", "blob:http://HOST/1", "about:blank",
    "file:///etc/passwd",
  ],
} as const;
type Kind = keyof typeof ADDRESSES;

/** What the client does with an address. */
type Outcome =
  /** It requests the page and shows it over the same connection. */
  | "shown"
  /** The browser follows the link itself. */
  | "left to the browser"
  /** The browser loads the page. */
  | "loaded"
  /** Nothing is requested. The page reports an error. */
  | "refused"
  /** The request fails, and the page says so. */
  | "failed";

/** What happens to an address that a page of the tour gets. */
type Watched = { page: Page; url: string; requests: { url: string; isLoad: boolean }[]; push: (requests: unknown[]) => void };

/** Waits for what happened after an address was used. */
async function outcomeOf({ page, requests }: Watched): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await expect.poll(async () => {
    const events: string[] = await page.evaluate(() => (window as any).seen ?? []).catch(() => []);
    if (requests.some(({ isLoad }) => isLoad)) outcome = "loaded";
    else if (events.includes("navigated")) outcome = "shown";
    else if (events.includes("effect_failed")) outcome = "refused";
    else if (events.includes("navigation_failed")) outcome = "failed";
    return outcome;
  }).toBeDefined();
  return outcome!;
}

/** Clicks a link with the address, and prevents what the browser would do. */
async function clickLink({ page, requests }: Watched, address: string): Promise<Outcome> {
  const isTaken = await page.evaluate((address) => {
    const link = document.querySelector<HTMLAnchorElement>("a[href='/tour/long']")!;
    link.setAttribute("href", address);
    let isTaken = false;
    addEventListener("click", (event) => {
      isTaken = event.defaultPrevented;
      event.preventDefault();
    }, { once: true });
    link.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    link.click();
    return isTaken;
  }, address);
  if (isTaken) return outcomeOf({ page, requests } as Watched);
  // Neither the prefetch.
  await page.waitForTimeout(50);
  expect(requests).toEqual([]);
  return "left to the browser";
}

/** The places where an address reaches the client, and what it does with each kind. */
const PLACES: Record<string, { use: (watched: Watched, address: string) => Promise<Outcome>; answers: Record<Kind, Outcome> }> = {
  "a link with live:navigate": {
    use: clickLink,
    answers: { own: "shown", "own path": "loaded", "other host": "left to the browser", "user name": "left to the browser", script: "left to the browser" },
  },
  "cx.navigate": {
    use: async (watched, address) => {
      watched.push(["navigate", address]);
      return outcomeOf(watched);
    },
    answers: { own: "shown", "own path": "loaded", "other host": "refused", "user name": "refused", script: "refused" },
  },
  "cx.redirect": {
    use: async (watched, address) => {
      watched.push(["redirect", address]);
      return outcomeOf(watched);
    },
    // The server has decided that the other host is meant.
    answers: { own: "loaded", "own path": "loaded", "other host": "loaded", "user name": "refused", script: "refused" },
  },
  "a redirect of a page": {
    use: async (watched, address) => {
      const { page } = watched;
      await page.route("**/tour/long", (route) => route.continue({ url: `${watched.url}/tour/redirect?to=${encodeURIComponent(address)}` }));
      await page.evaluate(() => document.querySelector<HTMLElement>("a[href='/tour/long']")!.click());
      return outcomeOf(watched);
    },
    // A script's address cannot be followed: the browser loads the page that redirects, and stays.
    answers: { own: "shown", "own path": "loaded", "other host": "loaded", "user name": "loaded", script: "loaded" },
  },
};

/** The characters that no header can have. */
const isHeader = (address: string) => !/[^\t\x20-\x7e]/.test(address);

for (const [place, { use, answers }] of Object.entries(PLACES)) {
  for (const kind of Object.keys(ADDRESSES) as Kind[]) {
    test(`${place}: ${kind}`, async ({ page, network, problems }) => {
      problems.expect(/ERR_|status of (404|500)|CORS|Content Security Policy|WebSocket|Not allowed|Failed to|Unsafe attempt/);
      const requests: Watched["requests"] = [];
      let send: (message: string) => void = () => {};
      await page.routeWebSocket("**/live", (socket) => {
        const server = socket.connectToServer();
        server.onMessage((message) => socket.send(message));
        socket.onMessage((message) => server.send(message));
        send = (message) => socket.send(message);
      });
      await page.route("http://example.test/**", (route) => route.abort());
      for (const written of ADDRESSES[kind]) {
        if (place == "a redirect of a page" && !isHeader(written)) continue;
        await page.goto(`${network.url}/tour/one`);
        await live(page);
        await page.evaluate(() => {
          const seen: string[] = ((window as any).seen = []);
          (window as any).ran = [];
          document.addEventListener("live:navigated", () => seen.push("navigated"));
          document.addEventListener("live:error", (event) => seen.push((event as CustomEvent).detail.code));
        });
        requests.length = 0;
        const watch = (request: import("@playwright/test").Request) => {
          const url = request.url();
          if (request.isNavigationRequest() || !url.includes("/live/")) requests.push({ url, isLoad: request.isNavigationRequest() });
        };
        page.on("request", watch);
        const push = (request: unknown[]) => {
          const payload = { name: "live:effects", data: [`${written} ${place}`, request] };
          page.evaluate(() => document.querySelector("live-component[name=tour]")!.id).then(async () => {
            const id = await page.evaluate(async () => String((await (await import("/live/client.js" as string)).component(document.querySelector("live-component[name=tour]")!)).id));
            send(JSON.stringify({ v: 1, type: "EVENT", componentId: id, payload }));
          });
        };
        const outcome = await use({ page, url: network.url, requests, push }, written.replaceAll("HOST", new URL(network.url).host));
        page.off("request", watch);
        expect(outcome, JSON.stringify(written)).toBe(answers[kind]);
        // Nothing has run, and no other host was requested by a script.
        expect(await page.evaluate(() => (window as any).ran ?? []).catch(() => [])).not.toContain("script");
        // The browser reports a redirect that it refuses as a request.
        const others = requests.filter(({ url, isLoad }) => !(isLoad || place == "a redirect of a page") && new URL(url).host != new URL(network.url).host);
        expect(others, JSON.stringify(written)).toEqual([]);
        await page.unroute("**/tour/long");
      }
    });
  }
}

/** Where the client's sources use an address: the answer above, or why none is needed. */
const USES: Record<string, string> = {
  "dom.js: new WebSocket(": "the client's own address",
  "modules.js: import(": "the client's own files",
  "modules.js: new URL(": "the client's own files",
  "modules/build.js: fetch(": "the client's own file",
  "modules/build.js: new URL(": "the client's own file",
  "modules/effects.js: fetch(": "the path of the tickets",
  "modules/effects.js: new URL(": "cx.navigate",
  "modules/effects.js: location.assign(": "cx.redirect",
  "modules/entries.js: history.pushState(": "a link with live:navigate",
  "modules/entries.js: history.replaceState(": "a redirect of a page",
  "modules/entries.js: new URL(": "the page's own address",
  "modules/keep-queue.js: new WebSocket(": "the client's own address",
  "modules/navigate.js: fetch(": "a link with live:navigate",
  "modules/navigate.js: history.replaceState(": "a redirect of a page",
  "modules/navigate.js: location[": "a redirect of a page",
  "modules/navigate.js: location.reload(": "the page's own address",
  "modules/navigate.js: new URL(": "a redirect of a page",
  "modules/prefetch.js: fetch(": "a link with live:navigate",
  "modules/url.js: new URL(": "the page's own address",
  "navigation/head.js: new URL(": "the page's own head",
  "page/connection.js: new URL(": "the client's own address",
  "page/engine.js: fetch(": "the client's own files",
  "page/engine.js: location.reload(": "the page's own address",
  "page/engine.js: new URL(": "the client's own files",
  "page/reload.js: location.reload(": "the page's own address",
  "page/templates.js: fetch(": "the client's own files",
  "page/templates.js: new URL(": "the client's own files",
  "parts.js: import(": "the client's own files",
};

test("every place of the client where an address is used has an answer", () => {
  const folder = resolve(import.meta.dirname, "../../client-wasm/js");
  const found = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".js") || file == "capture.js") continue;
    const source = readFileSync(join(folder, file), "utf8").replace(/\/\*[^]*?\*\/|\/\/ .*$/gm, "");
    const uses = source.matchAll(/(?<![\w.])(import|fetch|open)\((?!\))|new URL\(|new WebSocket\(|location(\.(assign|replace|reload)\(|\[|\.href\s*=[^=])|history\.(push|replace)State\(/g);
    for (const [use] of uses) found.add(`${file}: ${use}`);
  }
  expect([...found].sort()).toEqual(Object.keys(USES).sort());
  const named = Object.values(USES).filter((answer) => !/own|tickets/.test(answer));
  expect(named.filter((place) => !(place in PLACES))).toEqual([]);
});
