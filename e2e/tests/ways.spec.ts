// The extension points of the template language, and the engine's reaction to unexpected pages.

import type { Page } from "@playwright/test";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const CLIENT = "/live/client.js";
const count = (page: Page) => page.locator("#count");
const press = (page: Page, name: string) => page.locator("section > button", { hasText: name }).click();

/**
 * A script of the page that registers a hook before the components exist, and records its calls.
 */
async function probe(page: Page): Promise<void> {
  await page.route("**/probe.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `import live from "${CLIENT}"; window.notes = [];
        live.hook("probe", {
          mounted: (element) => window.notes.push("+" + (element.id || element.textContent)),
          destroyed: (element) => window.notes.push("-" + (element.id || element.textContent)),
        });`,
    }),
  );
}
/** Returns a page whose HTML differs from that of the server. */
const changed = (path: string, from: string, to: string) => `${path}?${new URLSearchParams({ from, to })}`;
const notes = (page: Page) => page.evaluate(() => (window as unknown as { notes: string[] }).notes.splice(0));

test("a hook is called once when its element is inserted and once when it is removed", async ({ page }) => {
  await probe(page);
  await open(page, changed("/ways", "<script", '<script type="module" src="/probe.js"></script><script'));
  await expect.poll(() => page.evaluate(() => (window as unknown as { notes: string[] }).notes.length)).toBe(3);
  expect(await notes(page)).toEqual(["+n-1", "+n-2", "+n-3"]);
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toBeVisible();
  expect(await notes(page)).toEqual(["+hooked"]);
  // Moves and patches of the element do not call it.
  await press(page, "Rotate");
  await press(page, "Add");
  await expect(page.locator("#numbers li")).toHaveText(["2", "3", "1"]);
  await expect(page.locator("[data-count='1']")).toBeVisible();
  expect(await notes(page)).toEqual([]);
  await press(page, "Shorten");
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toHaveCount(0);
  await expect(page.locator("#numbers li")).toHaveText(["2", "3"]);
  expect((await notes(page)).sort()).toEqual(["-hooked", "-n-1"]);
});

test("a hook that is registered late is called for the elements that are there", async ({ page }) => {
  await open(page, "/ways");
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toBeVisible();
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toHaveCount(0);
  await probe(page);
  await page.addScriptTag({ type: "module", url: "/probe.js" });
  await expect.poll(() => page.evaluate(() => (window as unknown as { notes?: string[] }).notes?.length)).toBe(3);
  expect(await notes(page)).toEqual(["+n-1", "+n-2", "+n-3"]);
  await press(page, "Rotate");
  await press(page, "Shorten");
  await expect(page.locator("#numbers li")).toHaveText(["2", "3"]);
  expect(await notes(page)).toEqual(["-n-1"]);
});

test("the console names a hook that nobody registers, also for elements that come later", async ({ page }) => {
  const warnings: string[] = [];
  page.on("console", (message) => void (message.type() == "warning" && warnings.push(message.text())));
  await page.clock.install();
  await open(page, "/ways");
  await page.clock.runFor(10_000);
  await expect.poll(() => warnings.length).toBe(3);
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toBeVisible();
  await page.clock.runFor(10_000);
  await expect.poll(() => warnings.length).toBe(4);
  expect(new Set(warnings)).toEqual(new Set(['live:hook: no hook is registered as "probe"']));
});

test("elements are found by their names until they are removed", async ({ page }) => {
  await open(page, "/ways");
  const refs = () =>
    page.evaluate(async (client) => {
      const { component } = await import(client);
      return Object.keys(component(document.querySelector("#count")).refs).sort();
    }, CLIENT);
  expect(await refs()).toEqual(["named"]);
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toBeVisible();
  expect(await refs()).toEqual(["inner", "named"]);
  await press(page, "Toggle");
  await expect(page.getByText("hooked")).toHaveCount(0);
  expect(await refs()).toEqual(["named"]);
});

test("raw HTML is shown and replaced as a whole", async ({ page }) => {
  await open(page, "/ways");
  await expect(page.locator("#html i")).toHaveText("raw");
  await press(page, "Rotate");
  await expect(page.locator("#html b")).toHaveText("3");
  await expect(page.locator("#html i")).toHaveCount(0);
});

test("another key creates another child and removes the earlier one", async ({ page }) => {
  await open(page, "/ways");
  await page.locator(".child button", { hasText: "Add" }).click();
  await expect(page.locator(".own")).toHaveText("1");
  await press(page, "Another");
  await expect(page.locator(".own")).toHaveText("0");
  await live(page);
  await press(page, "Add");
  await expect(page.locator(".given")).toHaveText("1");
  await page.locator(".child button", { hasText: "Add" }).click();
  await expect(page.locator(".own")).toHaveText("1");
});

test("classes of an earlier state are removed, and those of other scripts stay", async ({ page }) => {
  // The page was rendered with another state.
  await open(page, changed("/ways", "base shut", "base open"));
  const classes = page.locator("#classes");
  await expect(classes).toHaveClass("base shut");
  await classes.evaluate((element) => element.classList.add("foreign"));
  await press(page, "Toggle");
  await expect(classes).toHaveClass("base foreign open");
});

test("HTML that differs from the template is rebuilt, and typed text is kept", async ({ page }) => {
  await page.goto(changed("/inputs", '<output id="ticks">0</output>', ""));
  await page.locator("[name=text]").fill("typed at once");
  await live(page);
  await expect(page.locator("#ticks")).toHaveText("0");
  await expect(page.locator("[name=text]")).toHaveValue("typed at once");
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#server")).toContainText("typed at once|");
});

test("a template that HTTP cannot load arrives over the socket", async ({ page, problems }) => {
  problems.expect(/404/);
  await page.route("**/live/template/**", (route) => route.fulfill({ status: 404 }));
  await open(page, "/ways");
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
});

test("a page from the browser's cache continues with its session", async ({ page }) => {
  await open(page, "/ways");
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  await expect(page.locator("html")).toHaveAttribute("live-connection", "stopped");
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await live(page);
  await press(page, "Add");
  await expect(count(page)).toHaveText("2");
});

test("the page's own code calls actions with optimistic updates, and gets their results", async ({ page }) => {
  await open(page, "/ways");
  const outcome = await page.evaluate(async (client) => {
    const { default: live } = await import(client);
    const ways = live.component(document.querySelector("#count"));
    const seen: number[] = [];
    ways.subscribe((state: { count: number }) => seen.push(state.count));
    const first = await ways.optimistic({ count: 40 }, ways.call("add"));
    const again = await ways.retry("put", 7);
    const wrong = await ways.call("put", "x").catch((error: { code: string }) => error.code);
    const none = await ways.call("nothing").catch((error: { code: string }) => error.code);
    const open = await live.mount("child", { start: 3 });
    const given = open.state;
    await open.call("add");
    const { count } = open.state;
    open.unmount();
    return { first, again, wrong, none, given, count, seen: [...new Set(seen)], state: ways.state.count };
  }, CLIENT);
  expect(outcome).toMatchObject({
    first: 1, again: 7, wrong: "bad_arguments", none: "unknown_action", given: { start: 3, count: 0 }, count: 1, state: 7,
  });
  expect(outcome.seen[0]).toBe(40);
  expect(outcome.seen.at(-1)).toBe(7);
});
