// Browser events of every kind, and events from the server.

import { Key } from "selenium-webdriver";
import { expect, test as base } from "./test.ts";
import type { Page } from "./page.ts";

const test = base.extend<{ events: Page }>({
  events: async ({ window, app }, use) => {
    await window.open(`${app.url}/events`);
    await use(window);
  },
});
const entries = async (page: Page) => (await page.texts("#log li")).filter((text) => text != "outside");

test("events bubble, stop, run once and can be prevented", async ({ events }) => {
  await events.press("Bubbles");
  await expect.poll(() => entries(events)).toEqual(["bubbles", "outer"]);
  await events.press("Stopped");
  await (await events.find("#own i")).click();
  await events.press("Once");
  await events.press("Once");
  await events.press("Prevented");
  await expect.poll(() => entries(events)).toEqual(["bubbles", "outer", "stopped", "once", "prevented"]);
  expect(await events.driver.getCurrentUrl()).toMatch(/\/events$/);
});

test("key, focus and blur events reach their handlers", async ({ events }) => {
  await events.focus("Keys");
  await events.type(["a", Key.ENTER, Key.ESCAPE, Key.TAB]);
  await events.showsTexts("#log li", ["focus", "enter", "escape", "blur"]);
});

test("a debounced event waits for a pause in typing", async ({ events }) => {
  await events.on(events.field("Debounced"), (input: HTMLInputElement) => {
    for (const text of ["a", "ab", "abc"]) {
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
  await events.showsTexts("#log li", ["abc"]);
});

test("many clicks are throttled, and the last one is sent", async ({ events }) => {
  await events.on(events.button("Throttled"), (button: HTMLElement) => {
    for (let n = 0; n < 10; n++) button.click();
  });
  await expect.poll(() => entries(events)).toEqual(["throttled", "throttled"]);
});

test("window events, clicks outside and the page's own events reach their handlers", async ({ events }) => {
  const panel = () => events.on(events.find("#panel"), (panel) => panel.checkVisibility());
  expect(await panel()).toBe(false);
  await (await events.find("#menu")).click();
  await events.driver.manage().window().setRect({ width: 700, height: 500 });
  await events.showsPart("#log", "resized");
  expect(await events.texts("#log li")).not.toContain("outside");
  await events.press("Toggle");
  await expect.poll(panel).toBe(true);
  await events.showsPart("#log", "outside");
  await events.press("Toggle");
  await expect.poll(panel).toBe(false);
});

test("an event from the server is dispatched once", async ({ events }) => {
  await events.run(() =>
    document.addEventListener("bell", (event) => (document.title += `, ${(event as CustomEvent).detail}`)),
  );
  await events.press("Ring");
  await events.showsText("title", "Test, ding");
});

test("an Enter that ends a composition is ignored, also if the composition has ended before it", async ({ events }) => {
  await events.focus("Keys");
  await events.on(events.field("Keys"), (input) => {
    for (const keyCode of [229, 13]) {
      const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true });
      Object.defineProperty(event, "keyCode", { value: keyCode });
      input.dispatchEvent(event);
    }
  });
  await events.type([Key.TAB]);
  await events.showsTexts("#log li", ["focus", "enter", "blur"]);
});
