// The time from a navigation to the first click that has an effect, in a browser without a cache,
// for round-trip times of 0, 50 and 150 ms and a processor at full and a quarter of its speed.
// Beside the demo's counter are the same page of an earlier commit, a page with one socket and
// hand-written JavaScript, and the earlier page without its scripts: its first paint is what the
// page itself costs. All take turns in one run, so the ratios count.

import { type Browser, chromium, expect, test } from "@playwright/test";
import { chromiumItself } from "../browsers.ts";
import { Server } from "../tests/server.ts";
import { Line } from "./line.ts";

/** The round-trip time in ms, the bandwidth in Mbit/s, and the slowdown of the processor. */
const SETTINGS = [
  { rtt: 0, megabits: 1000, cpu: 1 },
  { rtt: 0, megabits: 1000, cpu: 4 },
  { rtt: 50, megabits: 1000, cpu: 1 },
  { rtt: 150, megabits: 1.6, cpu: 1 },
];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const BASE = "commit 7195144";
const ROUNDS = Number(process.env.VIVAZ_ROUNDS ?? 9);

type Load = { html: number; paint: number; click: number; bytes: number };

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Loads a page without its scripts and returns the time of its first paint. */
async function paintAlone(browser: Browser, line: Line, path: string, cpu: number): Promise<number> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  await session.send("Network.enable");
  await session.send("Network.setBlockedURLs", { urls: ["*.js", "*.wasm"] });
  await page.goto(line.url + path);
  const paint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  const time = (await paint.jsonValue()) ?? Number.NaN;
  await context.close();
  return time;
}

/** Loads the page once, and clicks from the first paint until the text of the counter changes. */
async function load(browser: Browser, line: Line, path: string, cpu: number): Promise<Load> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  await page.addInitScript(() => {
    const clicked = new Promise<number>((resolve, reject) => {
      setTimeout(() => reject(new Error("no click had an effect within a minute")), 60_000);
      let before: string | undefined;
      let lastClick = Number.NEGATIVE_INFINITY;
      const look = (now: number) => {
        const button = document.querySelector<HTMLElement>("button[aria-label=Increment]");
        const shown = document.querySelector("output")?.textContent?.trim();
        if (button && shown !== undefined) {
          before ??= shown;
          if (shown !== before) return resolve(performance.now());
          // As an impatient user does: a click that was lost is repeated.
          if (now - lastClick > 100) {
            lastClick = now;
            button.click();
          }
        }
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    Object.assign(window, { clicked });
  });
  const before = line.received;
  await page.goto(line.url + path, { waitUntil: "commit" });
  const click = await page.evaluate(() => (window as unknown as { clicked: Promise<number> }).clicked);
  const { html, paint } = await page.evaluate(() => {
    const navigation = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming;
    const first = performance.getEntriesByName("first-contentful-paint")[0];
    return { html: navigation.responseEnd, paint: first?.startTime ?? Number.NaN };
  });
  const bytes = line.received - before;
  await context.close();
  return { html, paint, click, bytes };
}

test("load", async () => {
  const targets: { name: string; server: Server; path: string }[] = [];
  for (const [name, binary, path] of [
    ["plain page", process.env.VIVAZ_PLAIN, "/"],
    [BASE, process.env.VIVAZ_BASE, "/counter"],
    ["vivaz", process.env.VIVAZ_DEMO, "/counter"],
  ] as const) {
    if (binary) targets.push({ name, server: await Server.start(binary), path });
  }
  const browser = await chromium.launch({ executablePath: chromiumItself, args: FLAGS });
  const rows: string[] = [];
  for (const { rtt, megabits, cpu } of SETTINGS) {
    const loads = new Map<string, Load[]>();
    const alone: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const { name, server, path } of targets) {
        const line = await Line.to(server.url, rtt, megabits);
        const one = await load(browser, line, path, cpu);
        await line.close();
        // The first round warms the processes up.
        if (round > 0) loads.set(name, [...(loads.get(name) ?? []), one]);
        if (round > 0 && name === BASE) {
          const second = await Line.to(server.url, rtt, megabits);
          alone.push(await paintAlone(browser, second, path, cpu));
          await second.close();
        }
      }
    }
    const middle = (name: string, figure: keyof Load) => median((loads.get(name) ?? []).map((one) => one[figure]));
    for (const { name } of targets) {
      const figures = (["html", "paint", "click"] as const).map((figure) => middle(name, figure).toFixed(0));
      const ratio = middle(name, "click") / middle(BASE, "click");
      rows.push(
        `| ${rtt} ms, ${megabits} Mbit/s, CPU ${cpu}x | ${name} | ${figures.join(" | ")} | ${(middle(name, "bytes") / 1000).toFixed(1)} | ${ratio.toFixed(2)} |`,
      );
    }
    if (alone.length > 0) {
      const ratio = median(alone) / middle(BASE, "click");
      rows.push(`| ${rtt} ms, ${megabits} Mbit/s, CPU ${cpu}x | ${BASE} without scripts | | ${median(alone).toFixed(0)} | | | ${ratio.toFixed(2)} |`);
    }
  }
  await browser.close();
  for (const { server } of targets) await server.remove();
  console.log(
    ["| line | page | HTML, ms | first paint, ms | first click, ms | kB received | ratio |", "| --- | --- | --- | --- | --- | --- | --- |", ...rows].join("\n"),
  );
  expect(rows.length).toBe(SETTINGS.length * (targets.length + (process.env.VIVAZ_BASE ? 1 : 0)));
});
