// What a changing list does to the position of the page and to the focus, and the recipes of the
// documentation for both.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Returns the first block of code of a language in a document that contains a text. */
async function recipe(document: string, language: string, contained: string): Promise<string> {
  const text = await readFile(resolve(import.meta.dirname, "../../docs", document), "utf8");
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code!);
  const found = blocks.find((code) => code.includes(contained));
  expect(found, `the code in ${document}`).toBeDefined();
  return found!;
}

/** Applies styles, also under a strict content security policy. */
const style = (page: Page, css: string) =>
  page.evaluate((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets.push(sheet);
  }, css);

test.beforeEach(async ({ app }) => {
  await fetch(`${app.url}/kept/rows`, { method: "POST", body: "1 2 3 4 5" });
});

/** Calls an action without moving the focus. */
const press = (page: Page, name: string) =>
  page.evaluate((name) => [...document.querySelectorAll("button")].find((one) => one.textContent == name)!.click(), name);

const row = (page: Page, id: number) => page.locator(`[data-id="${id}"]`);

for (const [name, css] of [
  ["the page", ".row { height: 900px }"],
  ["a box", ".row { height: 900px } #log { height: 500px; overflow: auto }"],
  ["a page that scrolls smoothly", "html { scroll-behavior: smooth } .row { height: 900px }"],
] as const) {
  test(`a move of the row with the focus does not scroll: ${name}`, async ({ page }) => {
    await open(page, "/kept");
    await style(page, css);
    const input = row(page, 5).locator(".plain").first();
    await input.evaluate((node) => node.focus({ preventScroll: true }));
    const box = name == "a box" ? "#log" : "html";
    await page.evaluate((box) => document.querySelector(box)!.scrollTo({ top: 1000, behavior: "instant" }), box);
    const position = () => page.evaluate((box) => Math.round(document.querySelector(box)!.scrollTop), box);
    const before = await position();
    await press(page, "Top 5");
    await expect(page.locator(".row").first()).toHaveAttribute("data-id", "5");
    // Twice, because a browser scrolls before it paints.
    await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
    expect(await position()).toBe(before);
    await expect(input).toBeFocused();
  });
}

test("after a row is removed, the recipe focuses the button of the next row, the previous one, or the list", async ({ page }) => {
  await open(page, "/kept");
  const code = await recipe("templates.md", "js", "focus-next");
  await page.evaluate(`import(document.querySelector("script[live-build]").src).then(({ default: live }) => { ${code} })`);
  const button = (id: number) => page.getByRole("button", { name: `Remove ${id}` });
  await button(4).focus();
  // Another row is removed, and this one moves.
  await press(page, "Remove 1");
  await expect(row(page, 1)).toHaveCount(0);
  await expect(button(4)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(button(5)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(button(3)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(button(2)).toBeFocused();
  // What the user types does not move into another row.
  await press(page, "Append");
  await row(page, 3).locator(".plain").first().focus();
  await press(page, "Remove 3");
  await expect(row(page, 3)).toHaveCount(0);
  await expect(page.locator("body")).toBeFocused();
  await button(2).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("#rows")).toBeFocused();
});

test("the recipe for a chat stays at its end, and where the user has scrolled to", async ({ page }) => {
  await open(page, "/kept");
  await style(page, (await recipe("guides.md", "css", "column-reverse")).replace(".log", "#log") + ".row { min-height: 100px }");
  const isAtEnd = async () => {
    expect(await page.evaluate(() => Math.round(document.querySelector("#log")!.scrollTop))).toBe(0);
    await expect(page.locator(".row").last().getByRole("button")).toBeInViewport();
  };
  await isAtEnd();
  await press(page, "Append");
  await expect(row(page, 6)).toBeAttached();
  await isAtEnd();
  await page.evaluate(() => document.querySelector("#log")!.scrollBy(0, -300));
  const shown = () => row(page, 3).evaluate((node) => Math.round(node.getBoundingClientRect().top));
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  const before = await shown();
  await press(page, "Append");
  await expect(row(page, 7)).toBeAttached();
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  await expect.poll(shown).toBe(before);
  await page.evaluate(() => { document.querySelector("#log")!.scrollTop = 0; });
  await isAtEnd();
});
