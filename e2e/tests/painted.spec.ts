// Controls whose values the browser changes when it parses them, and invalid values.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const control = (page: Page, name: string) => page.locator(`[name=${name}]`);
const press = (page: Page, id: string) => page.locator(`#${id}`).evaluate((button: HTMLElement) => button.click());

test("a page that loads sends no edit, whatever the browser did to its values", async ({ page }) => {
  await open(page, "/painted");
  // An edit that the page sends would be acknowledged before this action.
  await press(page, "tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#edits")).toHaveText("");
  const values = await page.evaluate(() =>
    Object.fromEntries([...document.querySelectorAll<HTMLInputElement>("input, textarea, select")].map((node) => [node.name, node.value])),
  );
  expect(values).toMatchObject({ area: "x\ny", leading: "\n\nx", line: "ab", nothing: "50", date: "", time: "", number: "", mail: "a@b" });
});

test("only text typed before the client runs is an edit", async ({ page }) => {
  await page.addInitScript(() => {
    document.addEventListener("readystatechange", () => {
      if (document.readyState != "interactive") return;
      const line = document.querySelector<HTMLInputElement>("[name=line]")!;
      line.value = "typed";
      line.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
  await open(page, "/painted");
  await press(page, "tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#edits")).toHaveText("line");
  await expect(control(page, "line")).toHaveValue("typed");
});

test("a range whose maximum and value grow in one patch shows the value", async ({ page }) => {
  await open(page, "/painted");
  await expect(control(page, "range")).toHaveValue("10");
  await press(page, "grow");
  await expect(control(page, "range")).toHaveValue("180");
  await expect(control(page, "own")).toHaveValue("180");
});

test("a multiple select has values that are empty or have line breaks", async ({ page }) => {
  await open(page, "/painted");
  await expect(control(page, "many")).toHaveValues(["", "a\nb"]);
  await press(page, "choose");
  await expect(control(page, "many")).toHaveValues(["a\nb"]);
  await control(page, "many").selectOption(["", "\n"]);
  await expect(page.locator("#many span")).toHaveCount(2);
  expect(await page.locator("#many span").allInnerTexts()).toEqual(["[]", "[ ]"]);
  await press(page, "tick");
  await expect(control(page, "many")).toHaveValues(["", "\n"]);
});

test("text that is not a number is null on the server, and marked until it is a number", async ({ page }) => {
  await open(page, "/painted");
  const field = control(page, "number");
  await field.focus();
  await page.keyboard.type("12");
  await expect(page.locator("#number")).toHaveText("12");
  await page.keyboard.type("e");
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator("#number")).toHaveText("");
  await page.keyboard.type("1");
  await expect(field).not.toHaveAttribute("aria-invalid");
  await expect(page.locator("#number")).toHaveText("120");
});

test("a box that the browser restored shows the server's state", async ({ page }) => {
  await open(page, "/painted");
  await control(page, "ticked").check();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await press(page, "tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(control(page, "ticked")).toBeChecked();
  await press(page, "tick");
  await expect(page.locator("#ticks")).toHaveText("2");
  await expect(control(page, "ticked")).not.toBeChecked();
});

test("a button that is disabled during its request gets the focus back", async ({ page }) => {
  await open(page, "/painted");
  const tick = page.locator("#tick");
  await tick.focus();
  for (const ticks of ["1", "2"]) {
    await page.keyboard.press("Enter");
    await expect(page.locator("#ticks")).toHaveText(ticks);
    await expect(tick).toBeEnabled();
    await expect(tick).toBeFocused();
  }
});
