import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

const errors = (page: Page, field: string) => page.locator(`#form-${field}-errors p`);

async function fill(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("spinbutton", { name: "Age" }).fill("36");
  await page.getByLabel("I agree").check();
}

test("a field is validated when it loses the focus; other fields show no errors", async ({ page }) => {
  await open(page, "/form");
  const email = page.getByLabel("Email");
  await email.fill("nowhere");
  await expect(errors(page, "email")).toHaveCount(0);
  await email.blur();
  await expect(errors(page, "email")).toHaveCount(1);
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await expect(errors(page, "name")).toHaveCount(0);
  await expect(errors(page, "age")).toHaveCount(0);
  await email.fill("ada@example.org");
  await email.blur();
  await expect(errors(page, "email")).toHaveCount(0);
  await expect(email).toHaveAttribute("aria-invalid", "false");
});

test("a rejected submit shows the reasons and keeps all values", async ({ page }) => {
  await open(page, "/form");
  await page.getByLabel("Name", { exact: true }).fill("A");
  await page.getByRole("button", { name: "Save" }).click();
  for (const field of ["name", "email", "age", "agree"]) await expect(errors(page, field)).not.toHaveCount(0);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("A");
  await expect(page.getByRole("button", { name: "Save" })).toBeEnabled();
});

test("a saved entry is shown, also after a reload", async ({ page }) => {
  await open(page, "/form");
  const name = `Ada ${Date.now()}`;
  await fill(page, name);
  await page.getByRole("button", { name: "Save" }).click();
  const entry = page.locator(".saved li").filter({ hasText: name });
  await expect(entry).toHaveCount(1);
  await expect(entry).toContainText("ada@example.org");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("");
  await expect(page.getByLabel("Email")).toHaveValue("");
  await expect(page.getByRole("spinbutton", { name: "Age" })).toHaveValue("");
  await expect(page.getByLabel("I agree")).not.toBeChecked();
  await open(page, "/form");
  await expect(entry).toHaveCount(1);
});

test("two concurrent submits save once", async ({ page }) => {
  await open(page, "/form");
  const name = `Grace ${Date.now()}`;
  await fill(page, name);
  await page.locator("form.sheet").evaluate((form: HTMLFormElement) => {
    form.requestSubmit();
    form.requestSubmit();
  });
  await expect(page.locator(".saved li").filter({ hasText: name })).toHaveCount(1);
  await expect(page.getByRole("button", { name: "Save" })).toBeEnabled();
  await open(page, "/form");
  await expect(page.locator(".saved li").filter({ hasText: name })).toHaveCount(1);
});

test("replies do not overwrite typed text", async ({ page }) => {
  await open(page, "/form");
  const name = page.getByLabel("Name", { exact: true });
  const text = "the quick brown fox jumps over the lazy dog";
  await name.pressSequentially(text, { delay: 5 });
  await expect(name).toHaveValue(text);
  // The caret keeps its position too.
  await name.evaluate((element: HTMLInputElement) => element.setSelectionRange(4, 4));
  await name.pressSequentially("very ", { delay: 5 });
  await expect(name).toHaveValue("the very quick brown fox jumps over the lazy dog");
});

test("text typed before the engine has loaded is kept", async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/live/client-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/form", { waitUntil: "commit" });
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Early Bird");
  await page.getByLabel("I agree").check();
  release();
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await expect(name).toHaveValue("Early Bird");
  await expect(page.getByLabel("I agree")).toBeChecked();
  // The server has it too: the error of the submit is not the missing name.
  await page.getByRole("button", { name: "Save" }).click();
  await expect(errors(page, "email")).not.toHaveCount(0);
  await expect(errors(page, "name")).toHaveCount(0);
  await expect(errors(page, "agree")).toHaveCount(0);
});
