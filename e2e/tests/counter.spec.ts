import { expect, open, test } from "./test.ts";

test("the counter never goes below zero", async ({ page }) => {
  await open(page, "/counter");
  const count = page.locator(".count");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Live Counter");
  await expect(count).toHaveText("0");
  await page.getByRole("button", { name: "Decrement" }).click();
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(count).toHaveText("1");
  await page.getByRole("button", { name: "+10" }).click();
  await expect(count).toHaveText("11");
  await page.getByRole("button", { name: "Decrement" }).click();
  await expect(count).toHaveText("10");
  await page.getByRole("button", { name: "Reset" }).click();
  await expect(count).toHaveText("0");
});

test("all clicks of a burst are counted", async ({ page }) => {
  await open(page, "/counter");
  await page.getByRole("button", { name: "Increment" }).evaluate((button: HTMLElement) => {
    for (let n = 0; n < 50; n++) button.click();
  });
  await expect(page.locator(".count")).toHaveText("50");
});

test("the counter can be used with the keyboard", async ({ page }) => {
  await open(page, "/counter");
  await page.getByRole("button", { name: "Reset" }).focus();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Increment" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Space");
  await expect(page.locator(".count")).toHaveText("2");
  await expect(page.getByRole("button", { name: "Increment" })).toBeFocused();
});

test("each of two pages has a counter", async ({ page, context, problems }) => {
  await open(page, "/counter");
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(".count")).toHaveText("1");
  const second = await context.newPage();
  problems.watch(second);
  await open(second, "/counter");
  await expect(second.locator(".count")).toHaveText("0");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the first paint contains the component", async ({ page }) => {
    await page.goto("/counter");
    await expect(page.locator(".count")).toHaveText("0");
    await expect(page.getByRole("heading", { level: 2 })).toHaveText("Live Counter");
    await expect(page.getByRole("button", { name: "Increment" })).toBeVisible();
  });
});

test("the server's DOM is adopted, not replaced", async ({ page }) => {
  // The engine starts after the test has marked the nodes.
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/live/client-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/counter", { waitUntil: "commit" });
  await page.locator(".count").evaluate((element) => {
    Object.assign(window, { before: [element, ...document.querySelectorAll(".counter button")] });
  });
  release();
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(".count")).toHaveText("1");
  const same = await page.evaluate(() => {
    const now = [document.querySelector(".count"), ...document.querySelectorAll(".counter button")];
    const before = (window as unknown as { before: Element[] }).before;
    return now.length === before.length && now.every((element, index) => element === before[index]);
  });
  expect(same).toBe(true);
});
