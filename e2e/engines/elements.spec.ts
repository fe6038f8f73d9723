// Elements with state of their own, under patches: dialogs, shadow trees, drawings, selections.

import { By, Key } from "selenium-webdriver";
import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

/** Causes a patch while another element has the focus. */
const tick = (window: Page) => window.on(window.button("Tick"), (button: HTMLElement) => button.click());
const focused = (window: Page) => window.run(() => document.activeElement?.textContent || document.activeElement?.getAttribute("name"));

test("a modal dialog keeps the focus across patches and restores it when it closes", async ({ window, app }) => {
  await window.open(`${app.url}/elements`);
  await window.on(window.button("Open"), (opener: HTMLElement) => {
    opener.focus();
    document.querySelector("dialog")!.showModal();
  });
  expect(await focused(window)).toBe("First");
  await window.type([Key.ENTER]);
  await window.showsText("#dialog p", "1");
  expect(await focused(window)).toBe("First");
  await window.type([Key.TAB]);
  expect(await focused(window)).toBe("inside");
  await window.type("typed");
  await tick(window);
  await window.showsText("#dialog p", "2");
  expect(await focused(window)).toBe("inside");
  await window.showsValue("Inside", "typed");
  await window.type([Key.ESCAPE]);
  await expect.poll(() => focused(window)).toBe("Open");
  await tick(window);
  await window.showsText("#ticks", "3");
  expect(await window.on(window.find("dialog"), (dialog: HTMLDialogElement) => dialog.open)).toBe(false);
});

test("scroll and load events, which do not bubble, reach their handlers", async ({ window, app }) => {
  await window.open(`${app.url}/elements`);
  await window.on(window.find("#scroll"), (element: HTMLElement) => {
    element.style.height = "40px";
    element.style.overflow = "auto";
    (element.firstElementChild as HTMLElement).style.height = "400px";
    element.scrollTop = 100;
  });
  await window.showsTexts("#log li", ["scrolled"]);
  await window.press("Show");
  await window.showsTexts("#log li", ["scrolled", "loaded"]);
});

test("a component in a shadow tree handles events, edits and patches", async ({ window, app }) => {
  await window.open(`${app.url}/notice`);
  await window.run(() => {
    const host = document.body.appendChild(document.createElement("div"));
    host.attachShadow({ mode: "open" }).innerHTML = '<live-component name="notice" props="{}"></live-component>';
    host.id = "host";
  });
  const root = await (await window.find("#host")).getShadowRoot();
  const count = async () => (await root.findElements(By.css("#count")))[0]?.getText();
  await expect.poll(count).toBe("0");
  const add = await root.findElement(By.css("button"));
  const draft = await root.findElement(By.css("[name=draft]"));
  await add.click();
  await expect.poll(count).toBe("1");
  await draft.sendKeys("in the shadow");
  await add.click();
  await expect.poll(count).toBe("2");
  expect(await window.on(draft, (input: HTMLInputElement) => input.value)).toBe("in the shadow");
  await window.showsText("body > live-component #count", "0");
});

test("parts of a drawing are shown and hidden", async ({ window, network }) => {
  const visible = (css: string) => window.on(window.find(css), (element) => getComputedStyle(element).display != "none");
  await window.open(`${network.url}/elements`);
  expect(await visible("#shown")).toBe(true);
  expect(await visible("#offline")).toBe(false);
  await tick(window);
  await expect.poll(() => visible("#shown")).toBe(false);
  network.down();
  await expect.poll(() => visible("#offline")).toBe(true);
  network.up();
  await expect.poll(() => visible("#offline")).toBe(false);
});

test("a selection in a text survives a patch of another part of the text", async ({ window, app }) => {
  await window.open(`${app.url}/elements`);
  await window.on(window.find("#sentence"), (sentence) => {
    const text = [...sentence.childNodes].at(-1) as Text;
    const at = text.data.indexOf("sentence");
    getSelection()?.setBaseAndExtent(text, at, text, at + "sentence".length);
  });
  const selected = () => window.run(() => getSelection()?.toString());
  expect(await selected()).toBe("sentence");
  for (let ticks = 1; ticks <= 11; ticks++) await tick(window);
  await window.showsPart("#sentence", "There are 11 ticks");
  expect(await selected()).toBe("sentence");
});
