import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const tick = (page: Page) => page.getByRole("button", { name: "Tick" }).evaluate((button: HTMLElement) => button.click());

test("elements that the visitor opened or scrolled stay so", async ({ page }) => {
  await open(page, "/patching");
  await page.locator("#details summary").click();
  await page.evaluate(() => {
    (document.getElementById("dialog") as HTMLDialogElement).show();
    const scroll = document.getElementById("scroll")!;
    scroll.style.height = "40px";
    scroll.style.overflow = "auto";
    scroll.querySelector("p")!.style.height = "400px";
    scroll.scrollTop = 120;
  });
  await tick(page);
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#details")).toHaveAttribute("open", "");
  await expect(page.locator("#details p")).toHaveText("1");
  await expect(page.locator("#dialog")).toHaveAttribute("open", "");
  await expect(page.locator("#dialog")).toHaveText("1");
  expect(await page.locator("#scroll").evaluate((element) => element.scrollTop)).toBe(120);
});

test("an animation continues while its element and its surroundings are patched", async ({ page }) => {
  await open(page, "/patching");
  await page.locator("#details").evaluate((element) => {
    const animation = element.animate({ opacity: [0.2, 1] }, { duration: 600_000 });
    animation.currentTime = 300_000;
  });
  await tick(page);
  await page.getByRole("button", { name: "Switch" }).click();
  await tick(page);
  await expect(page.locator("#details")).toHaveAttribute("data-ticks", "2");
  const animations = await page.locator("#details").evaluate((element) =>
    element.getAnimations().map(({ playState, currentTime }) => [playState, Number(currentTime) >= 300_000]),
  );
  expect(animations).toEqual([["running", true]]);
});

test("an ignored element keeps its content, and its attributes follow", async ({ page }) => {
  await open(page, "/patching");
  await page.locator("#ignored").evaluate((element) => (element.innerHTML = "<b>somebody else's</b>"));
  await tick(page);
  await expect(page.locator("#ignored")).toHaveAttribute("data-ticks", "1");
  await expect(page.locator("#ignored b")).toHaveText("somebody else's");
});

test("attributes, classes and styles are added and removed", async ({ page }) => {
  await open(page, "/patching");
  const link = page.locator("#attributes");
  for (let round = 0; round < 2; round++) {
    await expect(link).not.toHaveAttribute("href");
    await expect(link).not.toHaveAttribute("title");
    await expect(link).toHaveClass("base");
    expect(await link.evaluate((element) => element.style.color)).toBe("");
    await page.getByRole("button", { name: "Switch" }).click();
    await expect(link).toHaveAttribute("href", "/somewhere");
    await expect(link).toHaveAttribute("title", "on");
    await expect(link).toHaveAttribute("hidden", "");
    await expect(link).toHaveClass(/^base\s+lit\s+active$/);
    expect(await link.evaluate((element) => element.style.color)).toBe("red");
    await page.getByRole("button", { name: "Switch" }).click();
  }
});

test("a URL that is a script is rejected", async ({ page }) => {
  await open(page, "/patching");
  await expect(page.locator("#url")).toHaveAttribute("href", "/fine");
  await page.getByRole("button", { name: "Switch" }).click();
  await expect(page.locator("#url")).toHaveAttribute("href", "about:invalid");
});

test("adjacent texts, and one arm of two", async ({ page }) => {
  await open(page, "/patching");
  await expect(page.locator("#text")).toHaveText("before 0 between false after");
  await expect(page.locator("#arms")).toHaveText("two");
  await tick(page);
  await page.getByRole("button", { name: "Switch" }).click();
  await expect(page.locator("#text")).toHaveText("before 1 between true after");
  await expect(page.locator("#arms")).toHaveText("one");
  await expect(page.locator("#arms > *")).toHaveCount(1);
});
