// Controls that are bound to state show the server's value after the reply to their action, for
// each event.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

type State = { on: boolean; choice: "a" | "b"; text: string; level: number };
const FIRST: State = { on: false, choice: "a", text: "", level: 0 };
const USED: State = { on: true, choice: "b", text: "used", level: 5 };
const OTHER: State = { on: false, choice: "a", text: "other", level: 7 };
const LAST: State = { on: true, choice: "b", text: "last", level: 9 };

/** Each kind of control: the part of the state that it shows, and the visitor's input. */
const KINDS = {
  checkbox: { part: "on", use: (page: Page, event: string) => page.getByLabel(`checkbox ${event}`).click() },
  radio: { part: "choice", use: (page: Page, event: string) => page.getByLabel(`radio b ${event}`).click() },
  text: { part: "text", use: (page: Page, event: string) => page.getByLabel(`text ${event}`).fill("used") },
  select: { part: "choice", use: (page: Page, event: string) => page.getByLabel(`select ${event}`).selectOption("b") },
  range: { part: "level", use: (page: Page, event: string) => page.getByLabel(`range ${event}`).fill("5") },
} as const;
type Kind = keyof typeof KINDS;

/** Sets the state as another visitor could. */
const put = (page: Page, { on, choice, text, level }: State, strict = false) =>
  page.evaluate(
    async (args) => {
      const { component } = await import("/live/client.js" as string);
      await component(document.querySelector("live-component")).call("put", ...args);
    },
    [on, choice, text, level, strict],
  );

/** Uses a control, so that its event calls its action. */
async function use(page: Page, kind: Kind, event: string): Promise<void> {
  await KINDS[kind].use(page, event);
  const named = page.getByLabel(`${kind} ${event}`);
  if (kind == "text" && event == "change") await named.blur();
  // The other events occur before the click.
  if (event == "click" && (kind == "text" || kind == "select" || kind == "range")) {
    await named.evaluate((control: HTMLElement) => control.click());
  }
}

/** Waits until a control shows its part of a state. */
async function shows(page: Page, kind: Kind, event: string, state: State): Promise<void> {
  if (kind == "checkbox") await expect(page.getByLabel(`checkbox ${event}`)).toBeChecked({ checked: state.on });
  else if (kind == "radio") {
    await expect(page.getByLabel(`radio a ${event}`)).toBeChecked({ checked: state.choice == "a" });
    await expect(page.getByLabel(`radio b ${event}`)).toBeChecked({ checked: state.choice == "b" });
  } else await expect(page.getByLabel(`${kind} ${event}`)).toHaveValue(`${state[KINDS[kind].part]}`);
}

for (const latency of [0, 300]) {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    for (const event of ["click", "change", "input"]) {
      test(`${kind} with live:on:${event}, ${latency} ms`, async ({ page, network }) => {
        network.latency = latency / 2;
        await open(page, `${network.url}/follow`);
        await shows(page, kind, event, FIRST);
        await use(page, kind, event);
        await expect(page.locator("#asked")).toHaveText("1");
        await shows(page, kind, event, { ...FIRST, [KINDS[kind].part]: USED[KINDS[kind].part] });
        // Another visitor changes the value; then the action is ignored.
        await put(page, OTHER, true);
        await shows(page, kind, event, OTHER);
        await use(page, kind, event);
        await expect(page.locator("#asked")).toHaveText("2");
        await shows(page, kind, event, OTHER);
        await put(page, LAST);
        await shows(page, kind, event, LAST);
        await put(page, OTHER);
        await shows(page, kind, event, OTHER);
      });
    }
  }

  test(`a checkbox whose click calls an action that ignores it, ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    await open(page, `${network.url}/follow`);
    const box = page.getByLabel("toggle");
    await box.click();
    await expect(page.locator("#asked")).toHaveText("1");
    await expect(box).toBeChecked();
    await put(page, OTHER, true);
    await expect(box).not.toBeChecked();
    await box.click();
    await expect(page.locator("#asked")).toHaveText("2");
    await expect(box).not.toBeChecked();
    await put(page, LAST);
    await expect(box).toBeChecked();
  });
}

// The event that sends the first part of a text.
const SENDS: Record<string, (page: Page) => Promise<void>> = {
  submit: (page) => page.keyboard.press("Enter"),
  change: (page) => page.keyboard.press("Enter"),
  debounce: (page) => page.getByLabel("text debounce").evaluate((input: HTMLElement) => input.blur()),
};

for (const [event, send] of Object.entries(SENDS)) {
  test(`text that the visitor continues is not overwritten by the reply to its first part: ${event}`, async ({ page, network }) => {
    await open(page, `${network.url}/follow`);
    const text = page.getByLabel(`text ${event}`);
    network.hold();
    await text.pressSequentially("ab");
    await send(page);
    await text.focus();
    await page.keyboard.press("End");
    await page.keyboard.type("c");
    network.release();
    await expect(page.locator("#server")).toHaveText("false|a|ab|0");
    await expect(page.locator("#asked")).toHaveText("1");
    await expect(text).toHaveValue("abc");
    // The reply to another action does not restore the first part.
    await page.getByRole("button", { name: "Touch" }).evaluate((button: HTMLElement) => button.click());
    await expect(page.locator("#asked")).toHaveText("2");
    await expect(text).toHaveValue("abc");
    // Nor if both are pending.
    network.hold();
    await send(page);
    await text.focus();
    await page.keyboard.press("End");
    await page.keyboard.type("d");
    await page.getByRole("button", { name: "Touch" }).evaluate((button: HTMLElement) => button.click());
    network.release();
    await expect(page.locator("#server")).toHaveText("false|a|abc|0");
    await expect(page.locator("#asked")).toHaveText("4");
    await expect(text).toHaveValue("abcd");
    // The last sent value is the server's.
    await send(page);
    await expect(page.locator("#server")).toHaveText("false|a|abcd|0");
    await put(page, OTHER);
    await expect(text).toHaveValue("other");
  });
}
