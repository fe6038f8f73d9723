// Text typed into a page that the client reloads, where the list has changed in between: it returns
// to the same control of the same row, or is reported.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { test as ownServer } from "./own-server.ts";
import { Server } from "./server.ts";
import { expect, live, open, test } from "./networked.ts";

type Told = { code: string; field: string; keys: unknown[]; value: unknown }[];

/** Records the errors that each page reports, over reloads. */
async function watch(page: Page): Promise<() => Promise<Told>> {
  const told: Told = [];
  await page.exposeFunction("tell", (one: Told[number]) => told.push(one));
  await page.addInitScript(() => {
    document.addEventListener("live:error", (event) => {
      const { code, details } = (event as CustomEvent).detail;
      (window as unknown as { tell: (one: unknown) => void }).tell({ code, ...details });
    });
  });
  return async () => {
    await page.evaluate(() => {});
    return told;
  };
}

/** Shows another list in components that are mounted from now on. */
const setRows = (url: string, rows: number[]) => fetch(`${url}/kept/rows`, { method: "POST", body: rows.join(" ") });

/** Changes the list, and makes the client reload the page, because the visitor is another user. */
async function reload(page: Page, network: Network, url: string, rows: number[]): Promise<void> {
  await setRows(url, rows);
  await page.context().addCookies([{ name: "user", value: "another", url: network.url }]);
  const loaded = page.waitForEvent("load");
  network.cut();
  await loaded;
  await live(page);
}

/** The controls of a row. Each has a value that no other has. */
const CONTROLS = [
  ["input[name=note]", "note"], ["select[name=kind]", "b"], ["input[name=done]", true], ["[aria-label=Prose]", "prose"],
  [".plain >> nth=0", "plain 0"], [".plain >> nth=1", "plain 1"], ["[aria-label=free]", "free"], ["select[name=choice]", "2"],
  ["[name=tick]", true], ["[value=two]", true], [".shown", "shown"], ["[data-part='2']", "part 2"], ["[data-free='2'] input", "free 2"],
  [".inner", "inner"], [".inner-free", "inner free"],
] as const;

const row = (page: Page, id: number) => page.locator(`[data-id="${id}"]`);

async function fill(page: Page, id: number): Promise<void> {
  for (const [selector, value] of CONTROLS) {
    const control = row(page, id).locator(selector);
    if (value === true) await control.check();
    else if (selector.startsWith("select")) await control.selectOption(value);
    else await control.fill(typeof value == "string" ? `${value} of ${id}` : "");
  }
}

async function expectFilled(page: Page, id: number): Promise<void> {
  for (const [selector, value] of CONTROLS) {
    const control = row(page, id).locator(selector);
    if (value === true) await expect(control, selector).toBeChecked();
    else if (selector == "[aria-label=Prose]") await expect(control).toHaveText(`${value} of ${id}`);
    else await expect(control, selector).toHaveValue(selector.startsWith("select") ? value : `${value} of ${id}`);
  }
}

async function expectEmpty(page: Page, id: number): Promise<void> {
  for (const [selector, value] of CONTROLS) {
    const control = row(page, id).locator(selector);
    if (value === true) await expect(control, selector).not.toBeChecked();
    else if (selector == "[aria-label=Prose]") await expect(control).toHaveText("");
    else await expect(control, selector).toHaveValue(selector.startsWith("select") ? { b: "a", 2: "1" }[value as "b" | "2"] : "");
  }
}

const LISTS: [name: string, rows: number[]][] = [
  ["unchanged", [1, 2, 3, 4, 5]], ["an insertion before", [9, 1, 2, 3, 4, 5]], ["an insertion behind", [1, 2, 3, 4, 9, 5]],
  ["a removal before", [2, 3, 4, 5]], ["a removal behind", [1, 2, 3, 5]], ["a move", [3, 1, 2, 4, 5]], ["another order", [5, 3, 4, 2, 1]],
  ["longer", [1, 2, 3, 4, 5, 6, 7, 8]], ["shorter", [2, 3]], ["other rows around it", [7, 8, 3, 9]], ["without the row", [1, 2, 4, 5, 6]],
];

for (const [name, rows] of LISTS) {
  test(`each kind of control is restored in its row: ${name}`, async ({ page, app, network }) => {
    await setRows(app.url, [1, 2, 3, 4, 5]);
    const told = await watch(page);
    await open(page, `${network.url}/kept`);
    await fill(page, 3);
    await page.locator("[name=after]").fill("after the list");
    await page.locator(".last").fill("last of all");
    await reload(page, network, app.url, rows);
    await expect(page.locator(".last")).toHaveValue("last of all");
    await expect(page.locator("[name=after]")).toHaveValue("after the list");
    if (rows.includes(3)) await expectFilled(page, 3);
    else {
      await expect.poll(async () => (await told()).length).toBe(CONTROLS.length);
      const all = await told();
      expect(all.every(({ code }) => code == "typed_lost")).toBe(true);
      expect(all.filter(({ field }) => field == "note")).toMatchObject([{ keys: [3], value: "note of 3", property: '["rows",3,"note"]' }]);
      expect(all.filter(({ value }) => value == "part 2 of 3")).toMatchObject([{ keys: [3, 2], field: '["rows",3,"parts",2,"text"]' }]);
    }
    for (const id of rows) if (id != 3) await expectEmpty(page, id);
    if (rows.includes(3)) expect(await told()).toEqual([]);
  });
}

test("text in two rows that change places follows each of them", async ({ page, app, network }) => {
  await setRows(app.url, [1, 2, 3, 4, 5]);
  const told = await watch(page);
  await open(page, `${network.url}/kept`);
  for (const id of [2, 4]) await fill(page, id);
  await reload(page, network, app.url, [1, 4, 3, 2, 5]);
  for (const id of [2, 4]) await expectFilled(page, id);
  for (const id of [1, 3, 5]) await expectEmpty(page, id);
  expect(await told()).toEqual([]);
});

test("a restored search does not refuse what was typed into rows that it removes", async ({ page, app, network }) => {
  await setRows(app.url, [1, 2, 3, 14, 15]);
  const told = await watch(page);
  let sent: string[] = [];
  await open(page, `${network.url}/kept`);
  await row(page, 3).locator("[name=note]").fill("note of 3");
  await row(page, 3).locator(".inner").fill("inner of 3");
  await row(page, 14).locator("[name=note]").fill("note of 14");
  await page.getByLabel("Search").fill("1");
  await expect(page.locator(".row")).toHaveCount(3);
  await row(page, 15).locator("[name=note]").fill("note of 15");
  page.on("websocket", (socket) => {
    // That of the page before the reload is over.
    sent = [];
    socket.on("framesent", ({ payload }) => {
      const { type, payload: edit } = JSON.parse(payload.toString());
      if (type == "PROPERTY_UPDATE") sent.push(edit.value);
    });
  });
  await reload(page, network, app.url, [15, 14, 3, 2, 1]);
  await expect(page.getByLabel("Search")).toHaveValue("1");
  await expect(page.locator(".row")).toHaveCount(3);
  for (const id of [14, 15]) await expect(row(page, id).locator("[name=note]")).toHaveValue(`note of ${id}`);
  expect(sent.at(-1)).toBe("1");
  expect(sent.slice(0, -1).sort()).toEqual(["note of 14", "note of 15"]);
  // The row had left the page with what was typed into it.
  expect(await told()).toEqual([]);
});

test("an option is chosen that the answer to another restored control brings", async ({ page, network }) => {
  const told = await watch(page);
  await open(page, `${network.url}/inputs`);
  await page.getByLabel("Country").selectOption("pt");
  await expect(page.getByLabel("City").locator("option")).not.toHaveCount(1);
  const city = await page.getByLabel("City").locator("option").last().getAttribute("value");
  await page.getByLabel("City").selectOption(city);
  await page.context().addCookies([{ name: "user", value: "another", url: network.url }]);
  const loaded = page.waitForEvent("load");
  network.cut();
  await loaded;
  await live(page);
  await expect(page.getByLabel("Country")).toHaveValue("pt");
  await expect(page.getByLabel("City")).toHaveValue(city!);
  expect(await told()).toEqual([]);
});

test("the property of a report is one that `set` takes", async ({ page, app, network }) => {
  await setRows(app.url, [1, 2, 3]);
  const told = await watch(page);
  await open(page, `${network.url}/kept`);
  await row(page, 3).locator("[data-part='2']").fill("part");
  await reload(page, network, app.url, [1, 2]);
  await expect.poll(async () => (await told()).length).toBe(1);
  const [{ property, value }] = (await told()) as unknown as [{ property: string; value: string }];
  // Into another row, because that one is gone.
  await page.evaluate(async ([property, value]) => {
    const { default: live } = await import(document.querySelector<HTMLScriptElement>("script[live-build]")!.src);
    await live.component(document.querySelector("live-component"))!.set(property.replace("3", "1"), value);
  }, [property, value] as const);
  await expect(row(page, 1).locator("[data-part='2']")).toHaveValue("part");
});

ownServer("after a restart with another secret, edits that were made without a server are restored without an error", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const server = await Server.start("e2e-app");
  const network = await Network.before(server.url);
  try {
    const told = await watch(page);
    await open(page, `${network.url}/kept`);
    await fill(page, 2);
    network.down();
    await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
    await fill(page, 3);
    await page.getByLabel("Search").fill("3");
    await server.stop();
    await server.forget();
    await server.run();
    await setRows(server.url, [33, 5, 3, 2]);
    const loaded = page.waitForEvent("load");
    network.up();
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await loaded;
    await live(page);
    await expect(page.getByLabel("Search")).toHaveValue("3");
    await expect(page.locator(".row")).toHaveCount(2);
    await expectFilled(page, 3);
    await expectEmpty(page, 33);
    expect(await told()).toEqual([]);
  } finally {
    await page.close();
    await network.remove();
    await server.remove();
  }
});
