// Errors of a form are shown after a field was used, and hidden by a reset.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const errors = (page: Page, field: string) => page.locator(`#${field}-errors li`);

test("errors show when a field was used or the form submitted; a reset hides them and empties the fields", async ({ page }) => {
  await open(page, "/signup");
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(page.locator("#server")).toHaveText("||1");
  await expect(page.locator("li")).toHaveCount(0);
  await page.getByLabel("Name").focus();
  await page.getByLabel("City").focus();
  await expect(errors(page, "name")).toHaveText(["name is missing"]);
  await expect(errors(page, "city")).toHaveCount(0);
  await page.getByLabel("Name").fill("Ada");
  await page.getByRole("button", { name: "Submit" }).click();
  await expect(errors(page, "city")).toHaveText(["city is missing"]);
  await expect(errors(page, "name")).toHaveCount(0);

  await page.getByLabel("City").fill("London");
  await page.getByLabel("City").fill("");
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(page.locator("li")).toHaveCount(0);
  await expect(page.getByLabel("Name")).toHaveValue("");
  // The server has no value either, and the next patch restores nothing.
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(page.locator("#server")).toHaveText("||2");
  await expect(page.getByLabel("Name")).toHaveValue("");
  await expect(page.locator("li")).toHaveCount(0);
});
