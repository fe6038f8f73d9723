import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** The references that a test keeps in the page. */
interface Kept {
  pauses: number;
  video: HTMLVideoElement;
  scroller: HTMLElement;
  animation: Animation;
}

/** Returns the lists of the page in the format of the server. */
const shown = (page: Page) =>
  page.locator("#groups > .group").evaluateAll((groups) =>
    groups
      .map((group) => {
        const items = [...group.querySelectorAll("ol > li")].map((item) => item.textContent);
        return `${group.querySelector("b")?.textContent}: ${items.join(", ")}`;
      })
      .join("; "),
  );
const order = async (page: Page) => (await page.locator("#order").textContent()) ?? "";

test("any sequence of changes gives the server's order", async ({ page }) => {
  await open(page, "/lists");
  expect(await shown(page)).toBe(await order(page));
  for (let round = 0; round < 10; round++) {
    const before = await order(page);
    await page.getByRole("button", { name: "Shuffle" }).click();
    await expect.poll(() => order(page)).not.toBe(before);
    expect(await shown(page)).toBe(await order(page));
  }
});

test("moved items keep their element, text and focus", async ({ page }) => {
  await open(page, "/lists");
  const input = page.getByRole("textbox", { name: "Of 5" });
  await input.fill("typed");
  await input.evaluate((element: HTMLInputElement) => {
    element.setSelectionRange(1, 4);
    Object.assign(window, { kept: element });
  });
  for (const button of ["Last first", "Reverse"]) {
    const before = await order(page);
    await page.getByRole("button", { name: button }).evaluate((element: HTMLElement) => element.click());
    await expect.poll(() => order(page)).not.toBe(before);
    expect(await shown(page)).toBe(await order(page));
    await expect(input).toBeFocused();
    await expect(input).toHaveValue("typed");
    expect(
      await input.evaluate((element: HTMLInputElement) => [
        element === (window as unknown as { kept: Element }).kept,
        element.selectionStart,
        element.selectionEnd,
      ]),
    ).toEqual([true, 1, 4]);
  }
});

test("media, scroll positions and animations in moved items continue", async ({ page }) => {
  await open(page, "/lists");
  const item = page.locator(".group", { has: page.getByRole("textbox", { name: "Of 5" }) });
  await item.evaluate(async (element: HTMLElement) => {
    const canvas = document.createElement("canvas");
    setInterval(() => canvas.getContext("2d")?.fillRect(0, 0, Math.random() * 100, 9), 20);
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = canvas.captureStream();
    const scroller = document.createElement("div");
    Object.assign(scroller.style, { height: "40px", overflow: "auto" });
    const tall = document.createElement("p");
    tall.style.height = "400px";
    scroller.append(tall);
    element.append(video, scroller);
    await video.play();
    scroller.scrollTop = 120;
    const animation = element.animate({ opacity: [0.2, 1] }, { duration: 600_000 });
    animation.currentTime = 300_000;
    const kept = { pauses: 0, video, scroller, animation };
    video.addEventListener("pause", () => kept.pauses++);
    Object.assign(window, { kept });
  });
  for (const button of ["Last first", "Reverse"]) {
    const before = await order(page);
    await page.getByRole("button", { name: button }).click();
    await expect.poll(() => order(page)).not.toBe(before);
    expect(await shown(page)).toBe(await order(page));
  }
  expect(
    await page.evaluate(() => {
      const { pauses, video, scroller, animation } = (window as unknown as { kept: Kept }).kept;
      return [pauses, video.paused, scroller.scrollTop, animation.playState, Number(animation.currentTime) >= 300_000];
    }),
  ).toEqual([0, false, 120, "running", true]);
});

test("the empty state is shown and hidden beside the list", async ({ page }) => {
  await open(page, "/lists");
  for (let round = 0; round < 2; round++) {
    await page.getByRole("button", { name: "Clear" }).click();
    await expect(page.getByText("Empty.")).toBeVisible();
    await expect(page.locator(".group")).toHaveCount(0);
    await page.getByRole("button", { name: "Refill" }).click();
    await expect(page.getByText("Empty.")).toHaveCount(0);
    expect(await shown(page)).toBe(await order(page));
  }
});
