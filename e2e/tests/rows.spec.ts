import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

type Row = { id: number; label: string };

/** Returns the rows of the table in the page. */
const rows = (page: Page): Promise<Row[]> =>
  page.locator("tbody tr").evaluateAll((all) =>
    all.map((row) => ({ id: Number(row.children[0]?.textContent), label: row.children[1]?.textContent ?? "" })),
  );
const ids = async (page: Page) => (await rows(page)).map((row) => row.id);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
// By class instead of role: computing the roles of thousands of buttons takes longer than the
// tested operation.
const button = (page: Page, name: string) => page.locator(".controls button").getByText(name, { exact: true });
const press = (page: Page, name: string) => button(page, name).click();

test("every operation gives the server's order", async ({ page }) => {
  await open(page, "/rows");
  await press(page, "Create 1,000");
  await expect(page.locator(".tally")).toHaveText("1000 rows");
  let expected = range(1, 1000);
  expect(await ids(page)).toEqual(expected);

  await press(page, "Append 1,000");
  await expect(page.locator(".tally")).toHaveText("2000 rows");
  expected = range(1, 2000);
  expect(await ids(page)).toEqual(expected);

  await press(page, "Prepend 1,000");
  await expect(page.locator(".tally")).toHaveText("3000 rows");
  expected = [...range(2001, 3000), ...expected];
  expect(await ids(page)).toEqual(expected);

  await press(page, "Swap");
  [expected[1], expected[2998]] = [expected[2998]!, expected[1]!];
  await expect.poll(() => ids(page)).toEqual(expected);

  await press(page, "Reverse");
  expected.reverse();
  await expect.poll(() => ids(page)).toEqual(expected);

  await page.locator("tbody tr").nth(5).locator(".icon").click();
  await expect(page.locator(".tally")).toHaveText("2999 rows");
  expected.splice(5, 1);
  expect(await ids(page)).toEqual(expected);

  await press(page, "Clear");
  await expect(page.locator(".tally")).toHaveText("0 rows");
  expect(await ids(page)).toEqual([]);
});

test("an update changes only its rows", async ({ page }) => {
  await open(page, "/rows");
  await press(page, "Create 1,000");
  await expect(page.locator(".tally")).toHaveText("1000 rows");
  const before = await rows(page);
  await press(page, "Update every 10th");
  await expect(page.locator("tbody tr").first()).toContainText("!!!");
  const after = await rows(page);
  expect(after).toEqual(before.map((row, n) => (n % 10 === 0 ? { ...row, label: `${row.label} !!!` } : row)));
});

test("one row is selected", async ({ page }) => {
  await open(page, "/rows");
  await press(page, "Create 1,000");
  await page.locator("tbody tr").nth(4).locator(".pick").click();
  await expect(page.locator("tbody tr.selected")).toHaveCount(1);
  await expect(page.locator("tbody tr.selected td").first()).toHaveText("5");
  await page.locator("tbody tr").nth(7).locator(".pick").click();
  await expect(page.locator("tbody tr.selected td").first()).toHaveText("8");
  await expect(page.locator("tbody tr.selected")).toHaveCount(1);
});

test("moved rows keep their elements and the focus", async ({ page }) => {
  await open(page, "/rows");
  await press(page, "Create 1,000");
  const pick = page.locator("tbody tr").nth(1).locator(".pick");
  await pick.focus();
  await page.evaluate(() => Object.assign(window, { row: document.activeElement?.closest("tr") }));
  // Pressed by script, so that the focus does not move.
  await button(page, "Swap").evaluate((button: HTMLElement) => button.click());
  await expect.poll(async () => (await ids(page))[998]).toBe(2);
  const kept = await page.evaluate(() => {
    const row = (window as unknown as { row: Element }).row;
    return row.isConnected && row.contains(document.activeElement) && row === document.querySelectorAll("tbody tr")[998];
  });
  expect(kept).toBe(true);
});

test("repeated updates do not grow the memory", async ({ page }) => {
  await open(page, "/rows");
  await press(page, "Create 1,000");
  await expect(page.locator(".tally")).toHaveText("1000 rows");
  const nodes = () => page.locator("tbody").evaluate((body) => {
    const walker = document.createTreeWalker(body);
    let count = 0;
    while (walker.nextNode()) count++;
    return count;
  });
  const before = await nodes();
  for (let n = 0; n < 4; n++) {
    await press(page, "Reverse");
    await press(page, "Swap");
  }
  await expect.poll(() => ids(page)).toEqual(range(1, 1000));
  expect(await nodes()).toBe(before);
});
