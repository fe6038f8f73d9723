// Elements with state of their own, under patches: dialogs, events that do not bubble, shadow
// trees.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const log = (page: Page) => page.locator("#log li");
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
/** Causes a patch while another element has the focus. */
const tick = (page: Page) =>
  page.getByRole("button", { name: "Tick", exact: true, includeHidden: true }).evaluate((button: HTMLElement) => button.click());

test("a modal dialog keeps the focus across patches, in both directions, and restores it when it closes", async ({ page }) => {
  await open(page, "/elements");
  await page.getByRole("button", { name: "Open" }).focus();
  await page.locator("#dialog").evaluate((dialog: HTMLDialogElement) => dialog.showModal());
  const first = page.locator("#first");
  const inside = page.getByLabel("Inside");
  const last = page.locator("#last");
  await expect(first).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#dialog p")).toHaveText("1");
  await expect(first).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(inside).toBeFocused();
  await page.keyboard.type("typed");
  await tick(page);
  await expect(page.locator("#dialog")).toHaveAttribute("data-ticks", "2");
  await expect(inside).toBeFocused();
  await expect(inside).toHaveValue("typed");
  await page.keyboard.press("Tab");
  await expect(last).toBeFocused();
  // Cycles through the dialog: between the last and the first element the browser's own controls
  // may have the focus, but no element of the page.
  const round = async (key: string, to: typeof first) => {
    await page.keyboard.press(key);
    if (await page.evaluate(() => document.activeElement === document.body)) await page.keyboard.press(key);
    await expect(to).toBeFocused();
  };
  await round("Tab", first);
  await round("Shift+Tab", last);
  await page.keyboard.press("Shift+Tab");
  await expect(inside).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.locator("#dialog")).not.toHaveAttribute("open");
  await expect(page.getByRole("button", { name: "Open" })).toBeFocused();
  await tick(page);
  await expect(page.locator("#ticks")).toHaveText("3");
  await expect(page.locator("#dialog")).not.toHaveAttribute("open");
  await expect(page.getByRole("button", { name: "Open" })).toBeFocused();
});

test("scroll and load events, which do not bubble, reach their handlers", async ({ page }) => {
  await open(page, "/elements");
  await page.locator("#scroll").evaluate((element: HTMLElement) => {
    element.style.height = "40px";
    element.style.overflow = "auto";
    (element.firstElementChild as HTMLElement).style.height = "400px";
  });
  await page.locator("#scroll").evaluate((element) => (element.scrollTop = 100));
  await expect(log(page)).toHaveText(["scrolled"]);
  // An element that is inserted later, and its event.
  await press(page, "Show");
  await expect(log(page)).toHaveText(["scrolled", "loaded"]);
});

test("events in a shadow tree reach the handlers of its host once, also for hosts that are inserted later", async ({ page }) => {
  await page.addInitScript(() =>
    addEventListener("DOMContentLoaded", () =>
      customElements.define(
        "x-chip",
        class extends HTMLElement {
          connectedCallback() {
            const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
            root.innerHTML = "<button type=button>in the shadow</button>";
          }
        },
      ),
    ),
  );
  await open(page, "/elements");
  await page.locator("#chip button").click();
  await expect(log(page)).toHaveText(["the chip"]);
  await press(page, "Add chip");
  await page.locator("#later button").click();
  await expect(log(page)).toHaveText(["the chip", "a later chip"]);
});

test("a component in a shadow tree handles events, edits and patches", async ({ page }) => {
  await open(page, "/notice");
  await page.evaluate(async () => {
    const host = document.body.appendChild(document.createElement("div"));
    host.id = "host";
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = '<live-component name="notice" props="{}"></live-component>';
  });
  const host = page.locator("#host");
  await expect(host.locator("h1")).toHaveText("Before");
  await host.getByRole("button", { name: "Add" }).click();
  await expect(host.locator("#count")).toHaveText("1");
  await expect(page.locator("body > live-component #count")).toHaveText("0");
  await host.getByLabel("Draft").pressSequentially("in the shadow");
  await host.getByRole("button", { name: "Add" }).click();
  await expect(host.locator("#count")).toHaveText("2");
  await expect(host.getByLabel("Draft")).toHaveValue("in the shadow");
});

test("parts of a drawing are shown and hidden, in the first paint too", async ({ page, app, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  const network = await Network.before(app.url);
  await open(page, `${network.url}/elements`);
  await expect(page.locator("#shown")).toBeVisible();
  await expect(page.locator("#offline rect")).toBeHidden();
  await tick(page);
  await expect(page.locator("#shown")).toBeHidden();
  network.down();
  await expect(page.locator("#offline rect")).toBeVisible();
  network.up();
  await expect(page.locator("#offline rect")).toBeHidden();
  await page.close();
  await network.remove();
});

test("a selection in a text survives a patch of another part of the text", async ({ page }) => {
  await open(page, "/elements");
  await page.locator("#sentence").evaluate((sentence) => {
    const text = [...sentence.childNodes].at(-1) as Text;
    const at = text.data.indexOf("sentence");
    getSelection()?.setBaseAndExtent(text, at, text, at + "sentence".length);
  });
  const selected = () => page.evaluate(() => getSelection()?.toString());
  expect(await selected()).toBe("sentence");
  for (let ticks = 1; ticks <= 11; ticks++) await tick(page);
  await expect(page.locator("#sentence")).toContainText("There are 11 ticks");
  expect(await selected()).toBe("sentence");
});
