// Elements with `contenteditable` text: engines represent lines differently.

import { Key } from "selenium-webdriver";
import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

const caret = (window: Page, label: string) =>
  window.on(window.field(label), (area: HTMLTextAreaElement) => [area.selectionStart, area.selectionEnd]);

for (const latency of [0, 300]) {
  for (const label of ["Upper", "Upper plain"]) {
    test(`text that the server makes upper case keeps every letter and the caret: ${label}, ${latency} ms`, async ({ window, network }) => {
      network.latency = latency / 2;
      await window.open(`${network.url}/prose`);
      await window.focus(label);
      await window.type("hello", 40);
      await window.type([Key.ENTER]);
      await window.type("world", 40);
      await window.showsValue(label, "HELLO\nWORLD");
      await window.type(Array(6).fill(Key.ARROW_LEFT));
      await window.type("abc", 120);
      await window.showsValue(label, "HELLOABC\nWORLD");
      await window.showsPart("#server", 'upper "HELLOABC\\nWORLD" |');
      expect(await caret(window, label)).toEqual([8, 8]);
      await window.type([Key.ENTER]);
      await window.type("d");
      await window.showsValue(label, "HELLOABC\nD\nWORLD");
      await window.type([Key.BACK_SPACE, Key.BACK_SPACE]);
      await window.showsValue(label, "HELLOABC\nWORLD");
      await window.showsPart("#server", 'upper "HELLOABC\\nWORLD" |');
    });
  }
}

test("typed text is sent with the lines that the user sees", async ({ window, app }) => {
  await window.open(`${app.url}/prose`);
  await window.focus("Rich");
  await window.type("one");
  await window.type([Key.ENTER, Key.ENTER]);
  await window.type("three");
  await window.showsPart("#server", 'rich "one\\n\\nthree" |');
  await window.type(Array(5).fill(Key.BACK_SPACE));
  await window.showsPart("#server", 'rich "one\\n\\n" |');
});

test("a row that moves keeps the focus and the caret", async ({ window, app }) => {
  await window.open(`${app.url}/prose`);
  await window.press("Add");
  await window.press("Add");
  await window.showsTexts("li", ["row 2", "row 1"]);
  await window.focus("Row 1");
  await window.type([Key.END, Key.ARROW_LEFT]);
  expect(await caret(window, "Row 1")).toEqual([4, 4]);
  // Without moving the focus.
  await window.on(window.button("Turn"), (element: HTMLElement) => element.click());
  await window.showsTexts("li", ["row 1", "row 2"]);
  expect(await caret(window, "Row 1")).toEqual([4, 4]);
  await window.type("!");
  await window.showsTexts("li", ["row !1", "row 2"]);
});
