// A list whose key is a field that changes: a row with another key is another row, and no button of
// one row acts on another.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const rows = (page: Page) =>
  page.locator("li").evaluateAll((all) => all.map((row) => ["b", "em", "i"].map((name) => row.querySelector(name)?.textContent)));
const press = (page: Page, name: string) => page.getByRole("button", { name }).click();
const greet = (page: Page, name: string) => page.locator("li", { has: page.locator("b", { hasText: name }) }).getByRole("button").click();

test("a row has the child of its key", async ({ page }) => {
  await open(page, "/people");
  await greet(page, "ann");
  await expect.poll(() => rows(page)).toEqual([["ann", "ann", "1"], ["bob", "bob", "0"], ["cid", "cid", "0"]]);
  await press(page, "Exchange");
  await expect.poll(() => rows(page)).toEqual([["bob", "bob", "0"], ["ann", "ann", "1"], ["cid", "cid", "0"]]);
  await greet(page, "bob");
  await expect.poll(() => rows(page)).toEqual([["bob", "bob", "1"], ["ann", "ann", "1"], ["cid", "cid", "0"]]);
  await press(page, "Rename");
  await expect.poll(() => rows(page)).toEqual([["eve", "eve", "0"], ["ann", "ann", "1"], ["cid", "cid", "0"]]);
  await greet(page, "eve");
  await expect.poll(() => rows(page)).toEqual([["eve", "eve", "1"], ["ann", "ann", "1"], ["cid", "cid", "0"]]);
});

test("rows with equal keys have no usable child until the keys differ", async ({ page }) => {
  await open(page, "/people");
  await page.evaluate(() => {
    document.addEventListener("live:error", (event) => document.body.append(`|${(event as CustomEvent).detail.message}`));
  });
  await press(page, "Repeat");
  // The first of them takes the DOM of the row that had the key before, and its child is refused.
  const repeated = [["cid", "cid", "0"], ["bob", "bob", "0"], ["cid", undefined, undefined]];
  await expect.poll(() => rows(page)).toEqual(repeated);
  await page.locator("li").first().getByRole("button").click();
  await expect(page.locator("body")).toContainText("the parent does not show this component");
  await expect(page.locator("body")).toContainText("several rows of `people` have the live:key `cid`");
  expect(await rows(page)).toEqual(repeated);
  await press(page, "Restore");
  await expect.poll(() => rows(page)).toEqual([["ann", "ann", "0"], ["bob", "bob", "0"], ["cid", "cid", "0"]]);
  await greet(page, "cid");
  await expect.poll(() => rows(page)).toEqual([["ann", "ann", "0"], ["bob", "bob", "0"], ["cid", "cid", "1"]]);
});
