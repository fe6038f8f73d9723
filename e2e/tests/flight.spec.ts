// Forms and buttons with a pending request: the network holds the reply until the test has checked
// the page.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

test.beforeEach(({ page, network }) => open(page, `${network.url}/flight`));

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const heard = (page: Page) => page.locator("#heard");
const text = (page: Page) => page.getByLabel("Text", { exact: true });
const note = (page: Page) => page.getByLabel("Note");

test("a button is disabled while its action runs, and keeps the server's change afterwards", async ({ page, network }) => {
  network.hold();
  await button(page, "Lock").click();
  await expect(button(page, "Lock")).toBeDisabled();
  network.release();
  await button(page, "Count").click();
  await expect(heard(page)).toHaveText("||1");
  await expect(button(page, "Lock")).toBeDisabled();
  await button(page, "Unlock").click();
  await expect(button(page, "Lock")).toBeEnabled();
});

test("an input that is read-only during an action can be edited again", async ({ page, network }) => {
  network.hold();
  await button(page, "Stamp").click();
  await expect(text(page)).not.toBeEditable();
  network.release();
  await expect(text(page)).toBeEditable();
  await text(page).fill("mine");
  await button(page, "Count").click();
  await expect(heard(page)).toHaveText("mine||1");
});

test("an edit and two actions are shown as pending separately", async ({ page, network }) => {
  network.hold();
  await expect(page.locator("#stamping")).toBeHidden();
  await button(page, "Count").click();
  await expect(page.locator("#counting")).toBeVisible();
  await expect(page.locator("#stamping")).toBeHidden();
  await expect(page.locator("#unsent")).toBeHidden();
  await text(page).fill("mine");
  await expect(page.locator("#unsent")).toBeVisible();
  await button(page, "Stamp").click();
  await expect(page.locator("#stamping")).toBeVisible();
  network.release();
  for (const id of ["#counting", "#stamping", "#unsent"]) await expect(page.locator(id)).toBeHidden();
  await expect(heard(page)).toHaveText("server||1");
});

test("a patch of a field with a pending edit is not shown before the reply", async ({ page, network }) => {
  // Records every value that is set on the control.
  await text(page).evaluate((input: HTMLInputElement) => {
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!;
    const shown: string[] = [];
    Object.assign(window, { shown });
    Object.defineProperty(input, "value", {
      get: () => get!.call(input),
      set: (value: string) => {
        shown.push(value);
        set!.call(input, value);
      },
    });
  });
  network.hold();
  await button(page, "Stamp").evaluate((element: HTMLElement) => element.click());
  await text(page).evaluate((input) => input.removeAttribute("readonly"));
  await text(page).focus();
  await page.keyboard.type("mine");
  network.release();
  await button(page, "Count").click();
  await expect(heard(page)).toHaveText("mine||1");
  await expect(text(page)).toHaveValue("mine");
  expect(await page.evaluate(() => (window as unknown as { shown: string[] }).shown)).not.toContain("server");
});

test("a debounced edit is sent when its input loses the focus", async ({ page, network: _ }) => {
  await note(page).focus();
  await page.keyboard.type("left");
  await expect(heard(page)).toHaveText("||0");
  await note(page).blur();
  await expect(heard(page)).toHaveText("|left|0");
});

test("a debounced edit is sent before its form is submitted", async ({ page, network: _ }) => {
  await note(page).fill("entered");
  await page.keyboard.press("Enter");
  await expect(heard(page)).toHaveText("|entered|1");
});

test("a second click is queued, or dropped if the template says so", async ({ page, network }) => {
  network.hold();
  for (let n = 0; n < 3; n++) await button(page, "Count once").evaluate((element: HTMLElement) => element.click());
  network.release();
  await expect(heard(page)).toHaveText("||1");
  network.hold();
  for (let n = 0; n < 3; n++) await button(page, "Count").evaluate((element: HTMLElement) => element.click());
  network.release();
  await expect(heard(page)).toHaveText("||4");
});

test("an Enter that submits is not a click outside", async ({ page, network: _ }) => {
  await note(page).focus();
  await page.keyboard.press("Enter");
  await expect(heard(page)).toHaveText("||1");
  await expect(page.locator("#outside")).toHaveText("0");
  await button(page, "Save").click();
  await expect(page.locator("#outside")).toHaveText("1");
});

test("a form without live attributes posts its values", async ({ page, problems, network: _ }) => {
  // The response of /echo is text, so the browser requests an icon that does not exist.
  problems.expect(/404/);
  await button(page, "Stamp").click();
  await expect(heard(page)).toHaveText("server||0");
  await page.getByLabel("Own").fill("typed");
  await button(page, "Post").click();
  await expect(page.locator("body")).toHaveText("text=server&own=typed&way=posted");
});

test("a patch does not disturb a composition", async ({ page, network: _ }) => {
  await text(page).focus();
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send("Input.imeSetComposition", { text: "か", selectionStart: 1, selectionEnd: 1 });
  await button(page, "Stamp").evaluate((element: HTMLElement) => element.click());
  await button(page, "Count").evaluate((element: HTMLElement) => element.click());
  await expect(heard(page)).toHaveText(/\|\|1$/);
  await expect(text(page)).toHaveValue("か");
  await keyboard.send("Input.insertText", { text: "漢" });
  await expect(text(page)).toHaveValue("漢");
  await button(page, "Count").click();
  await expect(heard(page)).toHaveText("漢||2");
});

test("an element keeps its identity across patches; a removed and inserted one is new", async ({ page, network: _ }) => {
  const form = page.locator("#noting");
  await form.evaluate((element) => Object.assign(element, { marked: true }));
  await button(page, "Count").click();
  await expect(heard(page)).toHaveText("||1");
  expect(await form.evaluate((element) => "marked" in element)).toBe(true);
  await button(page, "Toggle").click();
  await expect(form).toHaveCount(0);
  await button(page, "Toggle").click();
  expect(await form.evaluate((element) => "marked" in element)).toBe(false);
  await expect(note(page)).toHaveValue("");
});
