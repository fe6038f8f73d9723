// Controls of every kind, and forms that are rejected, sent and saved.

import { Key } from "selenium-webdriver";
import { expect, test } from "./test.ts";
import type { Page } from "./page.ts";

/** Uses every control of `/inputs`. */
async function use(window: Page): Promise<void> {
  await window.fill("Text", "words");
  await window.fill("Note", "more words");
  await window.choose("Choice", "a");
  await window.on(window.field("Many"), (many: HTMLSelectElement) => {
    for (const option of many.options) option.selected = option.value != "y";
    many.dispatchEvent(new Event("input", { bubbles: true }));
    many.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await (await window.field("One")).click();
  await (await window.field("Check")).click();
  await window.fill("Number", "1.5");
}

/** Returns the value of each control of `/inputs`. */
const controls = (window: Page) =>
  window.run(() => {
    const one = (name: string) => document.querySelector<HTMLInputElement>(`[name=${name}]`)!;
    const many = [...document.querySelector<HTMLSelectElement>("[name=many]")!.selectedOptions].map(({ value }) => value);
    const radio = document.querySelector<HTMLInputElement>("[name=radio]:checked")?.value;
    return [one("text").value, one("note").value, one("choice").value, many, radio, one("check").checked, one("number").value];
  });
const USED = ["words", "more words", "a", ["x", "z"], "one", true, "1.5"];

test("an edit of each kind of control reaches the server", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  await use(window);
  await window.press("Tick");
  await window.showsText("#server", "words|more words|a|2|one|true|1.5|");
  expect(await controls(window)).toEqual(USED);
});

test("each kind of control shows the server's value", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  await use(window);
  await window.press("Overwrite");
  await expect.poll(() => controls(window)).toEqual(["server", "server", "b", ["y"], "two", true, "5"]);
});

test("patches around controls do not change them", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  await use(window);
  await window.focus("Text");
  await window.on(window.field("Text"), (input: HTMLInputElement) => input.setSelectionRange(1, 3));
  await window.on(window.button("Tick"), (button: HTMLElement) => {
    for (let n = 0; n < 5; n++) button.click();
  });
  await window.showsText("#ticks", "5");
  expect(await controls(window)).toEqual(USED);
  const state = (input: HTMLInputElement) => [input == document.activeElement, input.selectionStart, input.selectionEnd];
  expect(await window.on(window.field("Text"), state)).toEqual([true, 1, 3]);
});

test("a choice changes the options of another select", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  await window.choose("Country", "pt");
  await window.showsTexts("[name=city] option", ["none", "Lisboa", "Porto"]);
  await window.choose("City", "Porto");
  await window.showsPart("#server", "|Porto");
  await window.showsValue("City", "Porto");
  await window.choose("Country", "fr");
  await window.showsTexts("[name=city] option", ["none", "Paris", "Lyon"]);
  await window.showsValue("City", "");
});

test("a value that is filled in with a change event alone reaches the server", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  await window.on(window.field("Text"), (input: HTMLInputElement) => {
    input.value = "filled in";
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await window.showsPart("#server", "filled in|");
});

test("the name of the pressed button is sent", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  for (const name of ["Second", "First"]) {
    await window.press(name);
    await window.showsText("#pressed", name.toLowerCase());
  }
});

test("a button is disabled while its action runs and keeps its state afterwards", async ({ window, app }) => {
  await window.open(`${app.url}/inputs`);
  // Records every change: the button may be enabled again before the test reads it.
  await window.on(window.button("Slow"), (button: HTMLButtonElement) => {
    // Stored in the document: each script that WebDriver runs in Firefox has separate globals.
    const { dataset } = document.body;
    const note = () => (dataset["seen"] = `${dataset["seen"] ?? ""}${button.disabled} `);
    new MutationObserver(note).observe(button, { attributeFilter: ["disabled"] });
    button.click();
  });
  await window.showsText("#done", "1");
  await expect.poll(() => window.run(() => document.body.dataset["seen"])).toBe("true false ");
});

test("a form is filled, rejected, corrected and saved with the keyboard, under latency", async ({ window, relay, start }) => {
  const network = await relay(await start("demo"));
  network.latency = 100;
  await window.open(`${network.url}/form`);
  await window.focus("Name");
  await window.type(["Ada", Key.TAB, "nobody", Key.TAB, "41", Key.TAB, Key.SPACE, Key.TAB, Key.ENTER]);
  await expect.poll(() => window.texts("#form-email-errors p")).toHaveLength(1);
  // A submit is dropped while another one is pending.
  const saving = () => window.on(window.button("Save"), (button: HTMLButtonElement) => button.disabled);
  await expect.poll(saving).toBe(false);
  await window.focus("Email");
  await window.type([Key.END, "@example.org", Key.ENTER]);
  await window.showsTexts(".saved li b", ["Ada"]);
  await window.showsTexts(".saved li span", ["nobody@example.org", "41"]);
  for (const field of ["Name", "Email", "Age"]) await window.showsValue(field, "");
  await window.open(`${network.url}/form`);
  await window.showsTexts(".saved li b", ["Ada"]);
});

test("two concurrent submits save once", async ({ window, start }) => {
  const demo = await start("demo");
  await window.open(`${demo.url}/form`);
  await window.fill("Name", "Grace");
  await window.fill("Email", "grace@example.org");
  await window.fill("Age", "40");
  await (await window.field("I agree that everybody can read this below")).click();
  await window.on(window.find("form.sheet"), (form: HTMLFormElement) => {
    form.requestSubmit();
    form.requestSubmit();
  });
  await window.showsTexts(".saved li b", ["Grace"]);
  await window.open(`${demo.url}/form`);
  await window.showsTexts(".saved li b", ["Grace"]);
});
