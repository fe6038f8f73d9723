// A control's name hides the property of its form with that name. Templates reject the names of
// properties that the client uses; with all other names forms work.

import { readFile } from "node:fs/promises";
import { expect, open, test } from "./test.ts";

/** Returns a list of names in the compiler. */
async function refusedNames(list: string): Promise<string[]> {
  const source = await readFile(new URL("../../template/src/compile/names.rs", import.meta.url), "utf8");
  const names = source.slice(source.indexOf(`const ${list}`));
  return [...names.slice(0, names.indexOf("];")).matchAll(/"(\w+)"/g)].map((name) => name[1]!);
}

test("elements with the names of all other properties of the document break nothing", async ({ page, app }) => {
  const refused = await refusedNames("DOCUMENT_PROPERTIES");
  await page.goto(`${app.url}/lists`);
  const names = await page.evaluate((refused) => {
    const all = new Set<string>(["__proto__", "then"]);
    for (let object = document as object | null; object; object = Object.getPrototypeOf(object)) {
      for (const name of Object.getOwnPropertyNames(object)) all.add(name);
    }
    return [...all].filter((name) => !refused.includes(name) && !name.startsWith("$"));
  }, refused);
  expect(names.length).toBeGreaterThan(200);
  const images = names.map((name) => `<img name="${name}" alt="">`).join("");
  const change = new URLSearchParams({ from: "<live-component", to: `<div>${images}</div><live-component` });
  await open(page, `${app.url}/ways?${change}`);
  await page.evaluate(() => document.querySelector<HTMLElement>("section > button")!.click());
  await expect(page.locator("#count")).toHaveText("1");
});

test("controls with the names of all other properties of a form break nothing", async ({ page, app }) => {
  await open(page, `${app.url}/names`);
  const refused = await refusedNames("FORM_PROPERTIES");
  expect(refused).toContain("remove");
  const names = await page.evaluate((refused) => {
    const all = new Set<string>(["__proto__", "then", "own", "0"]);
    for (let object = document.createElement("form") as object | null; object; object = Object.getPrototypeOf(object)) {
      for (const name of Object.getOwnPropertyNames(object)) all.add(name);
    }
    return [...all].filter((name) => !refused.includes(name));
  }, refused);
  expect(names.length).toBeGreaterThan(200);
  expect(names).toContain("constructor");
  await page.evaluate(async (names) => {
    const { default: live } = await import("/live/client.js" as string);
    await live.component(document.querySelector("live-component")).call("take", names);
  }, names);

  // Without locators within a form: Playwright also uses properties of forms.
  const forms = () =>
    page.evaluate(() => {
      const attribute = (form: Element, name: string) => Element.prototype.getAttribute.call(form, name);
      return [...document.querySelectorAll("form")].map((form) => ({
        row: attribute(form, "data-row"),
        steps: attribute(form, "data-steps"),
        class: attribute(form, "class"),
        shown: getComputedStyle(form).display != "none",
        width: getComputedStyle(form).width,
        inert: attribute(form, "inert"),
        odd: document.querySelector(`form[data-row="${attribute(form, "data-row")}"] p`)?.textContent ?? "",
        values: [...new Set([...document.querySelectorAll<HTMLInputElement>("form fieldset input")].map((input) => input.value))],
      }));
    });
  const form = (row: string, steps: number) => ({
    row,
    steps: `${steps}`,
    class: steps % 2 ? `${steps} odd` : `${steps}`,
    shown: steps != 2,
    width: `${300 + steps}px`,
    inert: null,
    odd: steps % 2 ? `odd ${steps}` : "",
    values: [`${steps}`],
  });
  const press = (name: string, row: string | null = null) =>
    page.evaluate(([name, row]) => {
      const buttons = document.querySelectorAll<HTMLElement>(row ? `form[data-row="${row}"] button` : "button");
      [...buttons].find((button) => button.textContent == name)!.click();
    }, [name, row] as const);

  await expect.poll(() => page.locator("form fieldset input").count()).toBe(2 * names.length);
  expect(await forms()).toEqual([form("1", 0), form("2", 0)]);
  for (let step = 1; step <= 3; step++) {
    await press("Step");
    await expect(page.locator("output")).toHaveText(`${step}`);
    const rows = step % 2 ? ["2", "1"] : ["1", "2"];
    await expect.poll(forms).toEqual(rows.map((row) => form(row, step)));
  }
  // Typed and sent with the other controls.
  await page.evaluate(() => document.querySelector<HTMLElement>('[data-row="1"] [name=own-text]')!.focus());
  await page.keyboard.type("typed");
  await press("Save", "1");
  // The text of the element, and each name once.
  await expect(page.locator("pre")).toHaveText(String(new Set([...names, "own-text"]).size));
  await expect.poll(() => page.evaluate(() => document.querySelector<HTMLInputElement>("[name=own-text]")!.value)).toBe("");
  await press("Remove", "2");
  await expect(page.locator("form")).toHaveCount(1);
  await press("Step");
  await expect.poll(forms).toEqual([form("1", 4)]);
});
