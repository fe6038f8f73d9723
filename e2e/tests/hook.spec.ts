import { expect, open, test } from "./test.ts";

const count = ".count";

test("plain JavaScript renders a counter", async ({ page }) => {
  await open(page, "/");
  await page.getByRole("main").getByRole("link", { name: /^Hook/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hook");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Drawn by a script");
  await expect(page.locator("live-component")).toHaveCount(0);
  await expect(page.locator(count)).toHaveText("0");
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(count)).toHaveText("1");
  await page.getByRole("button", { name: "+10" }).click();
  await page.getByRole("button", { name: "Decrement" }).click();
  await expect(page.locator(count)).toHaveText("10");
  await page.getByRole("button", { name: "Reset" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(count)).toHaveText("0");
  await expect(page.locator("pre.source").first()).toContainText("live.mount(");
});

test("the script shows the current state after a lost connection", async ({ page, context }) => {
  await open(page, "/hook");
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(count)).toHaveText("1");
  await context.setOffline(true);
  await page.getByRole("button", { name: "Increment" }).click();
  await context.setOffline(false);
  await expect(page.locator(count)).toHaveText("2");
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page names the missing feature", async ({ page }) => {
    await page.goto("/hook");
    await expect(page.getByText("This counter is drawn by a script.")).toBeVisible();
  });
});
