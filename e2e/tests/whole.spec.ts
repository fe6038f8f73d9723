// A page whose template is a whole document, with partials in it and in a component.

import { AxeBuilder } from "@axe-core/playwright";
import { Network } from "./network.ts";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

test("a page template shows its values and its components are live", async ({ page }) => {
  await open(page, "/whole?title=Tea&words=one%20two");
  await expect(page).toHaveTitle("Tea · Whole page");
  await expect(page.locator("#some")).toHaveText("2 words.");
  await expect(page.locator("#empty")).toHaveCount(0);
  const [first, second] = [page.locator("#first"), page.locator("#second")];
  await expect(first).toContainText("41");
  await expect(second).toContainText("7");
  await first.getByRole("button").first().click();
  await expect(first.locator(".own")).toHaveText("1");
  await expect(second.locator(".own")).toHaveText("0");
});

test("partials take expressions, and their slots the content of the page", async ({ page }) => {
  await open(page, "/whole?title=Tea&words=one%20two");
  const note = page.getByRole("region", { name: "Words of Tea" });
  await expect(note).toHaveClass("note many");
  await expect(note.getByRole("heading")).toHaveText("Words of Tea: 2");
  await expect(note.locator("li")).toHaveText(["0 one", "1 two"]);
  // The name `label` is the page's there, and not the partial's.
  await expect(note.locator(".inside p")).toHaveText(["1. one Tea", "2. two Tea"]);
  const none = page.getByRole("region", { name: "None" });
  await expect(none).toHaveClass("note plain");
  await expect(none.locator(".inside")).toHaveText("Nothing inside.");
  await expect(page.locator("footer")).toHaveText("7");
});

test("hostile values are text", async ({ page }) => {
  const hostile = `</title><script>window.hacked = 1</script>"><img src=x onerror="window.hacked=1">`;
  await open(page, `/whole?title=${encodeURIComponent(hostile)}&words=%3Cb%3E`);
  await expect(page).toHaveTitle(`${hostile} · Whole page`);
  await expect(page.locator("#title")).toHaveText(hostile);
  await expect(page.locator("meta[name=description]")).toHaveAttribute("content", hostile);
  await expect(page.getByRole("region", { name: hostile }).locator("li")).toHaveText("0 <b>");
  expect(await page.evaluate(() => "hacked" in window)).toBe(false);
});

test("partials in a component are updated like its own template", async ({ page }) => {
  await open(page, "/whole?title=Tea");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#errors-name li")).toHaveText("is required");
  await expect(page.locator("#errors-motto li")).toHaveCount(0);
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  await expect(page.locator("#left")).toHaveText("3 of 20");
  await page.getByLabel("Motto of Ada").fill("Onwards");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#saved")).toHaveText("Ada: Onwards");
  await expect(page.locator("#errors-name li")).toHaveCount(0);
  const rows = page.getByRole("region", { name: /First|Second/ });
  await expect(rows).toHaveCount(2);
  await expect(rows.first().locator("li")).toHaveText(["0 a", "1 b"]);
  await rows.first().getByRole("button").click();
  await expect(rows).toHaveCount(1);
  await expect(rows.getByRole("heading")).toHaveText("Second: 0");
});

test("links of typed routes keep hostile parameters in their place, and mark the current page", async ({ page }) => {
  const hostile = `../a b?c=d&e#f"'<%2F\u202e`;
  await open(page, `/whole?title=${encodeURIComponent(hostile)}`);
  await expect(page.locator("#here")).toHaveAttribute("aria-current", "page");
  await expect(page.locator("#words")).toHaveAttribute("aria-current", "page");
  await expect(page.locator("#word")).not.toHaveAttribute("aria-current");
  await page.locator("#word").click();
  await expect(page.locator("#title")).toHaveText(hostile);
  expect(new URL(page.url()).pathname).toBe(`/whole/words/${encodeURIComponent(hostile).replaceAll("'", "%27")}`);
  await expect(page.locator("#word")).toHaveAttribute("aria-current", "page");
  await expect(page.locator("#words")).toHaveAttribute("aria-current", "true");
  await expect(page.locator("#here")).not.toHaveAttribute("aria-current");
  await page.locator("#here").click();
  await expect(page.locator("#title")).toHaveText(hostile);
});

test("a parameter that no path can contain leads nowhere", async ({ page }) => {
  await open(page, "/whole?title=..");
  await expect(page.locator("#word")).toHaveAttribute("href", "about:invalid");
});

test("a page of partials is accessible", async ({ page }) => {
  await open(page, "/whole?title=Tea&words=one%20two");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`)).toEqual([]);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page is complete, with its components", async ({ page }) => {
    await page.goto("/whole?title=Tea&words=one");
    await expect(page).toHaveTitle("Tea · Whole page");
    await expect(page.locator("#first .given")).toHaveText("41");
    await expect(page.getByLabel("Name", { exact: true })).toBeVisible();
  });
});

for (const latency of [0, 300]) {
  test(`components of a page survive a cut socket at ${latency} ms`, async ({ page, app, problems }) => {
    problems.expect(/WebSocket connection to .* failed/);
    const network = await Network.before(app.url);
    network.latency = latency / 2;
    await open(page, `${network.url}/whole?title=Tea`);
    const own = page.locator("#first .own");
    await page.locator("#first").getByRole("button").first().click();
    network.cut();
    await page.locator("#first").getByRole("button").first().click();
    await expect(own).toHaveText("2");
    await expect(page.locator("#second .own")).toHaveText("0");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.locator("#errors-name li")).toHaveText("is required");
    await page.close();
    await network.remove();
  });
}
