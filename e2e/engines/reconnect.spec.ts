// The connection breaks, or the server of an open page stops and starts again.

import { Key } from "selenium-webdriver";
import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

const away = (window: Page) =>
  expect.poll(() => window.run(() => document.documentElement.getAttribute("live-connection"))).not.toBe("connected");

/** Reconnects at once, without the pause before the next attempt. */
async function back(window: Page): Promise<void> {
  await window.run(() => dispatchEvent(new Event("online")));
  await window.live();
}

test("clicks without a connection are queued and run once", async ({ window, network }) => {
  await window.open(`${network.url}/notice`);
  network.down();
  await away(window);
  for (let n = 0; n < 3; n++) await window.press("Add");
  await window.showsText("#count", "0");
  network.up();
  await back(window);
  await window.showsText("#count", "3");
  await window.press("Add");
  await window.showsText("#count", "4");
});

test("an action whose reply was lost does not run twice", async ({ window, network }) => {
  await window.open(`${network.url}/notice`);
  network.hold();
  for (let n = 1; n <= 3; n++) {
    const before = network.sent;
    await window.press("Add");
    await expect.poll(() => network.sent).toBeGreaterThan(before);
  }
  network.cut();
  await window.showsText("#count", "3");
  await window.live();
  await window.press("Add");
  await window.showsText("#count", "4");
});

test("focus, selection and unsent text survive a lost connection", async ({ window, network }) => {
  await window.open(`${network.url}/typing`);
  await window.focus("Plain");
  await window.type("half a word");
  await window.showsValue("Plain", "HALF A WORD");
  await window.on(window.field("Plain"), (input: HTMLInputElement) => input.setSelectionRange(2, 6));
  network.down();
  await away(window);
  network.up();
  await back(window);
  const state = (input: HTMLInputElement) => [input == document.activeElement, input.value, input.selectionStart, input.selectionEnd];
  expect(await window.on(window.field("Plain"), state)).toEqual([true, "HALF A WORD", 2, 6]);
});

test("a restarted server has its state, and receives queued clicks and unsent text once", async ({ window, start }) => {
  const server = await start("e2e-app");
  await window.open(`${server.url}/notice`);
  await window.press("Add");
  await window.showsText("#count", "1");
  await window.fill("Note", "known to the page alone");
  await window.focus("Draft");
  await window.type("half a sen");
  await server.stop();
  await away(window);
  for (let n = 0; n < 2; n++) await window.on(window.button("Add"), (button: HTMLElement) => button.click());
  await window.type("tence");
  await server.run();
  await back(window);
  await window.showsText("#count", "3");
  await window.showsValue("Draft", "half a sentence");
  await window.showsValue("Note", "known to the page alone");
  expect(await window.run(() => document.activeElement?.getAttribute("name"))).toBe("draft");
});

test("acknowledged state survives repeated kills of the server", async ({ window, start }) => {
  const server = await start("demo");
  await window.open(`${server.url}/counter`);
  for (let n = 1; n <= 3; n++) {
    await window.press("Increment");
    await window.showsText(".count", String(n));
    await server.stop("SIGKILL");
    await away(window);
    await server.run();
    await back(window);
    await window.showsText(".count", String(n));
  }
});

test("a deploy with another template updates the open page and keeps state, text and focus", async ({ window, start }) => {
  const server = await start("e2e-app");
  await window.open(`${server.url}/notice`);
  await window.press("Add");
  await window.showsText("#count", "1");
  await window.focus("Draft");
  await window.type(["half a sen", Key.ARROW_LEFT]);
  await server.replace("e2e-next");
  await back(window);
  await window.showsText("h1", "After");
  await window.showsText("#count", "1");
  await window.showsValue("Draft", "half a sen");
  await window.type([Key.END, "tence"]);
  await window.showsText("#wrote", "You wrote half a sentence");
  await window.press("Add ten");
  await window.showsText("#count", "11");
});

test("a pending row becomes one row after a lost connection", async ({ window, relay, start }) => {
  const network = await relay(await start("demo"));
  await window.open(`${network.url}/todo`);
  network.down();
  await away(window);
  await window.fill("What is to be done?", "through the drop");
  await window.type([Key.ENTER]);
  await window.showsTexts(".items .text", ["through the drop"]);
  network.up();
  await back(window);
  await window.driver.navigate().refresh();
  await window.live();
  await window.showsTexts(".items .text", ["through the drop"]);
  await window.press("Remove: through the drop");
  await window.showsTexts(".items .text", []);
});
