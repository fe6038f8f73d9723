// Forms while their actions are pending.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const field = (page: Page, name: string) => page.locator(`[name=${name}]`);

test("a pending submit and a pending change are shown separately, and a locked field is writable afterwards", async ({ page, network }) => {
  await open(page, `${network.url}/pending`);
  await field(page, "name").fill("Ada");
  await expect(page.locator("#dirty")).toBeVisible();
  network.hold();
  await field(page, "note").fill("note");
  await field(page, "note").blur();
  await expect(page.locator("#hearing")).toBeVisible();
  await expect(page.locator("#saving")).toBeHidden();
  await press(page, "Save");
  await expect(page.locator("#saving")).toBeVisible();
  await expect(field(page, "name")).toHaveAttribute("readonly", "");
  network.release();
  await expect(page.locator("#saved")).toHaveText("Ada/note");
  await expect(page.locator("#saving")).toBeHidden();
  await expect(page.locator("#dirty")).toBeHidden();
  await expect(field(page, "name")).not.toHaveAttribute("readonly");
  // The result of the action is shown.
  await expect(field(page, "name")).toHaveValue("");
  await expect(page.locator("#heard")).toHaveText("1");
});

test("a debounce ends when the field loses the focus, its form is submitted or its form is removed", async ({ page }) => {
  await open(page, "/pending");
  await field(page, "note").fill("left");
  await field(page, "note").blur();
  await expect(page.locator("#heard")).toHaveText("1");
  await field(page, "note").fill("submitted");
  await page.keyboard.press("Enter");
  await expect(page.locator("#heard")).toHaveText("2");
  await expect(page.locator("#saved")).toHaveText("/submitted");
  await field(page, "note").fill("gone with the form");
  await page.getByRole("button", { name: "Hide" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.locator("#form")).toHaveCount(0);
  await press(page, "Drop");
  await expect(page.locator("#slow")).toHaveText("1");
  await expect(page.locator("#heard")).toHaveText("2");
});

test("a reset restores the initial values in the page and on the server", async ({ page }) => {
  await open(page, "/pending");
  await field(page, "name").fill("x");
  await field(page, "note").fill("y");
  await press(page, "Reset");
  await expect(field(page, "name")).toHaveValue("");
  await expect(field(page, "note")).toHaveValue("");
  await press(page, "Save");
  await expect(page.locator("#saved")).toHaveText("/");
});

test("an optimistic row continues with its permanent key", async ({ page, network }) => {
  await open(page, `${network.url}/pending`);
  network.hold();
  await page.getByLabel("Text").fill("one");
  await page.keyboard.press("Enter");
  const inside = page.getByLabel("In one");
  await expect(page.locator("#rows li")).toHaveAttribute("data-id", "$temp1");
  await inside.fill("typed meanwhile");
  await inside.evaluate((element) => Object.assign(window, { kept: element }));
  network.release();
  await expect(page.locator("#rows li")).toHaveAttribute("data-id", "row-0");
  await expect(inside).toBeFocused();
  await expect(inside).toHaveValue("typed meanwhile");
  expect(await inside.evaluate((element) => element === (window as unknown as { kept: Element }).kept)).toBe(true);

  // A rejected row is removed, and no other one.
  network.hold();
  const shown = await page.getByLabel("Text").evaluate((input: HTMLInputElement) => {
    for (const text of ["", "two"]) {
      input.value = text;
      input.form?.requestSubmit();
    }
    return document.querySelectorAll("#rows li").length;
  });
  expect(shown).toBe(3);
  network.release();
  await expect(page.locator("#rows li")).toHaveCount(2);
  await expect(page.locator("#rows li").last()).toHaveAttribute("data-id", "row-1");
});

test("a multiple select in use keeps its state, and follows the server when it loses the focus", async ({ page }) => {
  await open(page, "/inputs");
  const many = page.locator("[name=many]");
  await many.selectOption(["x", "z"]);
  await page.getByRole("button", { name: "Tick" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(many).toHaveValues(["x", "z"]);
  // In use: it has the focus, and its edit is pending.
  await many.focus();
  await page.evaluate(() => {
    const many = document.querySelector<HTMLSelectElement>("[name=many]")!;
    [...document.querySelectorAll("button")].find((button) => button.textContent === "Overwrite")!.click();
    for (const option of many.options) option.selected = option.value === "z";
    many.dispatchEvent(new Event("input", { bubbles: true }));
    many.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.getByRole("button", { name: "Tick" }).evaluate((button: HTMLElement) => button.click());
  await expect(page.locator("#ticks")).toHaveText("2");
  await expect(many).toHaveValues(["z"]);
  await expect(many).toBeFocused();
  await many.blur();
  await page.getByRole("button", { name: "Overwrite" }).click();
  await expect(many).toHaveValues(["y"]);
});

/** Calls `overwrite` while a control keeps the focus. */
const overwrite = (page: Page) =>
  page.getByRole("button", { name: "Overwrite" }).evaluate((button: HTMLElement) => button.click());

test("a forced value of the server is shown in a focused field", async ({ page }) => {
  await open(page, "/inputs");
  const forced = page.locator("[name=forced]");
  await forced.fill("mine");
  await overwrite(page);
  await expect(forced).toBeFocused();
  await expect(forced).toHaveValue("server");
});

for (const [name, text, forced, value] of [
  ["number", "12e", false, ""],
  ["precise", "12e", true, "5"],
  ["small", "many", false, "many"],
  ["tiny", "many", true, "1"],
] as const) {
  test(`invalid text ${text} in ${name} ${forced ? "is replaced by a forced value of the server" : "is kept"}`, async ({ page }) => {
    await open(page, "/inputs");
    const field = page.locator(`[name=${name}]`);
    await field.focus();
    await page.keyboard.press("Control+A");
    await page.keyboard.type(text);
    await expect(field).toHaveAttribute("aria-invalid", "true");
    await overwrite(page);
    await expect(page.locator("[name=text]")).toHaveValue("server");
    await expect(field).toHaveValue(value);
    const bad = await field.evaluate((input: HTMLInputElement) => input.validity.badInput);
    expect(bad).toBe(name == "number");
    expect(await field.getAttribute("aria-invalid")).toBe(forced ? null : "true");
    await expect(field).toBeFocused();
    // The next edit counts again.
    await page.keyboard.press("Control+A");
    await page.keyboard.type("7");
    await expect(field).toHaveValue("7");
    await overwrite(page);
    await expect(field).toHaveValue(name == "small" || name == "tiny" ? "8" : "5");
  });
}

test("the details of an error can be logged, with its component's id", async ({ page }) => {
  await open(page, "/pending");
  const logged = page.evaluate(
    () => new Promise<string>((done) => document.addEventListener("live:error", (event) => done(JSON.stringify((event as CustomEvent).detail)), { once: true })),
  );
  await press(page, "Push");
  const { component, message } = JSON.parse(await logged);
  expect(message).toBe("Nothing to add.");
  expect(component).toMatch(/^\w+$/);
});
