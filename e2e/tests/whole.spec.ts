// A page whose template is a whole document.

import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

test("a page template shows its values and its components are live", async ({ page }) => {
  await open(page, "/whole?title=Tea&words=one%20two");
  await expect(page).toHaveTitle("Tea · Whole page");
  await expect(page.locator("#words li")).toHaveText(["0: one", "1: two"]);
  await expect(page.locator("#some")).toHaveText("2 words.");
  await expect(page.locator("#none")).toHaveCount(0);
  const [first, second] = [page.locator("#first"), page.locator("#second")];
  await expect(first).toContainText("41");
  await expect(second).toContainText("7");
  await first.getByRole("button").first().click();
  await expect(first.locator(".own")).toHaveText("1");
  await expect(second.locator(".own")).toHaveText("0");
});

test("hostile values are text", async ({ page }) => {
  const hostile = `</title><script>window.hacked = 1</script>"><img src=x onerror="window.hacked=1">`;
  await open(page, `/whole?title=${encodeURIComponent(hostile)}&words=%3Cb%3E`);
  await expect(page).toHaveTitle(`${hostile} · Whole page`);
  await expect(page.locator("h1")).toHaveText(hostile);
  await expect(page.locator("meta[name=description]")).toHaveAttribute("content", hostile);
  await expect(page.locator("#words li")).toHaveText("0: <b>");
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
});
