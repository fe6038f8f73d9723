// The data of a form is parsed as the types of the action's arguments.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const saved = (page: Page) => page.locator("#saved");
const errors = (page: Page, field: string) => page.locator(`#${field}-errors li`);
const press = (page: Page, name: string) => page.getByRole("button", { name }).click();

test("boxes of one name, a number, a box and an empty text arrive as their types", async ({ page }) => {
  await open(page, "/registration");
  await press(page, "Save");
  await expect(saved(page)).toHaveText("2 [] false None Rome None []");
  await page.getByLabel("Red").check();
  await page.getByLabel("Monday").check();
  await page.getByLabel("News").check();
  await press(page, "Save");
  await expect(saved(page)).toHaveText('2 ["red"] true None Rome None [1]');
  await page.getByLabel("Blue").check();
  await page.getByLabel("Tuesday").check();
  await page.getByLabel("Note").fill("late");
  await page.getByLabel("Weight").fill("0.1");
  await press(page, "Save");
  await expect(saved(page)).toHaveText('2 ["red", "blue"] true Some("late") Rome Some(0.1) [1, 2]');

  await press(page, "Count");
  await expect(saved(page)).toHaveText("2 [1, 2] true");
  await page.getByLabel("Monday").uncheck();
  await press(page, "Count");
  await expect(saved(page)).toHaveText("2 [2] true");
  await page.getByLabel("Tuesday").uncheck();
  await page.getByLabel("News").uncheck();
  await press(page, "Count");
  await expect(saved(page)).toHaveText("2 [] false");
});

test("an invalid value has an error at its field until it is valid", async ({ page, problems }) => {
  problems.expect(/bad_arguments|bad_value/);
  await open(page, "/registration");
  await page.getByLabel("Seats").fill("300");
  await page.getByLabel("Weight").fill("9007199254740993");
  await press(page, "Save");
  await expect(errors(page, "seats")).toHaveText(["must be a whole number from 0 to 255"]);
  await expect(errors(page, "weight")).toHaveText(["cannot be kept exactly"]);
  await expect(saved(page)).toHaveText("");
  await expect(page.getByLabel("Seats")).toHaveValue("300");
  await page.getByLabel("Seats").fill("3");
  await page.getByLabel("Weight").fill("");
  await press(page, "Save");
  await expect(saved(page)).toHaveText("3 [] false None Rome None []");
  await expect(page.locator("li")).toHaveCount(0);

  const serial = page.getByLabel("Serial");
  await serial.fill("9007199254740993");
  await expect(page.locator("#serial")).toHaveText("9007199254740993");
  await serial.fill("90071992547409930x");
  await expect(errors(page, "serial")).toHaveText(["must be a whole number"]);
  await expect(serial).toHaveAttribute("aria-invalid", "true");
  await serial.fill("9007199254740995");
  await expect(page.locator("#serial")).toHaveText("9007199254740995");
  await expect(errors(page, "serial")).toHaveCount(0);
});
