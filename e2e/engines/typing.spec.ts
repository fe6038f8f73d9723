// Fields whose handler changes the typed text.

import { Key } from "selenium-webdriver";
import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

const WORDS = [
  { label: "Plain", shown: "HELLO WORLD", longer: "HELLOABC WORLD" },
  { label: "Area", shown: "HELLO WORLD", longer: "HELLOABC WORLD" },
  // Scripts cannot read the caret of this type of field.
  { label: "Mail", shown: "HELLO@WORLD", longer: "HELLOABC@WORLD" },
];
const selection = async (window: Page, label: string) =>
  window.on(window.field(label), (input: HTMLInputElement) => [
    input.selectionStart,
    input.selectionEnd,
    input.selectionDirection,
  ]);

for (const latency of [0, 300]) {
  for (const { label, shown, longer } of WORDS) {
    test(`text that the server makes upper case keeps every letter and the caret: ${label}, ${latency} ms`, async ({ window, network }) => {
      network.latency = latency / 2;
      await window.open(`${network.url}/typing`);
      await window.focus(label);
      await window.type(shown.toLowerCase(), 40);
      await window.showsValue(label, shown);
      await window.showsPart("#server", shown);
      await window.type(Array(6).fill(Key.ARROW_LEFT));
      await window.type("abc", 120);
      await window.showsValue(label, longer);
      await window.showsPart("#server", longer);
      if (label != "Mail") expect(await selection(window, label)).toEqual([8, 8, expect.anything()]);
      await window.type("d");
      await window.showsValue(label, longer.replace("ABC", "ABCD"));
      await window.type([Key.BACK_SPACE]);
      await window.showsValue(label, longer);
    });
  }

  test(`digits keep their order when the server inserts separators: ${latency} ms`, async ({ window, network }) => {
    network.latency = latency / 2;
    await window.open(`${network.url}/typing`);
    await window.focus("Amount");
    await window.type("1234567", 100);
    await window.showsValue("Amount", "1,234,567");
    await window.type(Array(3).fill(Key.ARROW_LEFT));
    await window.type("0");
    await window.showsValue("Amount", "12,340,567");
    await window.focus("Number");
    await window.type("1934", 100);
    await window.showsValue("Number", "1834");
    await window.showsPart("#server", "|1834|12,340,567");
  });
}

test("a selection survives the reply", async ({ window, network }) => {
  await window.open(`${network.url}/typing`);
  network.hold();
  await window.focus("Plain");
  await window.type("hello world");
  await window.on(window.field("Plain"), (input: HTMLInputElement) => input.setSelectionRange(2, 7, "backward"));
  network.release();
  await window.showsValue("Plain", "HELLO WORLD");
  expect(await selection(window, "Plain")).toEqual([2, 7, "backward"]);
});

test("replies do not overwrite typed text", async ({ window, demo }) => {
  await window.open(`${demo.url}/form`);
  const text = "the quick brown fox jumps";
  await window.focus("Name");
  await window.type(text, 5);
  await window.showsValue("Name", text);
  await window.on(window.field("Name"), (input: HTMLInputElement) => input.setSelectionRange(4, 4));
  await window.type("very ", 5);
  await window.showsValue("Name", text.replace("quick", "very quick"));
});

test("text whose inputs call actions is not overwritten and is sent completely", async ({ window, network }) => {
  network.latency = 150;
  await window.open(`${network.url}/edits`);
  for (const label of ["Row 2", "Text"]) {
    await window.focus(label);
    await window.type("hello", 60);
    expect(await window.value(label)).toBe("hello");
    await window.type(Array(4).fill(Key.ARROW_LEFT));
    await window.type("ey, h", 60);
    await window.showsValue(label, "hey, hello");
  }
  await window.type([Key.ENTER]);
  await window.showsText("#server", "hey, hello|hey, hello");
  await window.showsTexts("#rows output", ["", "hey, hello", ""]);
  await window.showsValue("Row 2", "hey, hello");
});
