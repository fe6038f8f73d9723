// Elements that a visitor opens, closes and chooses, and the changes that a reply may make to them.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

/**
 * Waits for the reply to a new action: earlier requests have replies by then.
 */
const answered = (page: Page) =>
  page.evaluate(async () => {
    const { component } = await import("/live/client.js" as string);
    await component(document.querySelector("live-component")).call("tick");
  });

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/panels`);
    });

    test("open details stay open when another action is acknowledged", async ({ page }) => {
      const details = page.locator("#bound");
      await details.locator("summary").click();
      await page.getByRole("button", { name: "Tick" }).click();
      await expect(page.locator("#ticks")).toHaveText("1");
      await answered(page);
      await expect(details).toHaveAttribute("open");
    });

    test("details whose own action fails are restored", async ({ page }) => {
      const details = page.locator("#asking");
      await details.locator("summary").click();
      await expect(details).not.toHaveAttribute("open");
    });

    for (const [name, panel] of [["If", "#if"], ["Show", "#show"], ["Menu", "#menu"]] as const) {
      for (const way of ["click", "Enter"] as const) {
        test(`the ${way} that opens a panel is not outside of it: ${name}`, async ({ page }) => {
          const button = page.getByRole("button", { name, exact: true });
          const use = () => (way == "click" ? button.click() : button.press(way));
          await use();
          await expect(page.locator(panel)).toBeVisible();
          await answered(page);
          await expect(page.locator(panel)).toBeVisible();
          // Any other click is outside.
          await page.locator("#ticks").click({ force: true });
          await expect(page.locator(panel)).toBeHidden();
          await use();
          await expect(page.locator(panel)).toBeVisible();
        });
      }

      test(`a selection that ends outside of a panel leaves it open: ${name}`, async ({ page }) => {
        await page.getByRole("button", { name, exact: true }).click();
        const text = page.locator(`${panel} p`);
        await expect(text).toBeVisible();
        const box = (await text.boundingBox())!;
        await page.mouse.move(box.x + 40, box.y + box.height / 2);
        await page.mouse.down();
        await page.mouse.move(box.x + 10, 4, { steps: 5 });
        await page.mouse.up();
        await answered(page);
        await expect(text).toBeVisible();
        // A press that starts outside still counts.
        await page.mouse.click(box.x + 600, 4);
        await expect(text).toBeHidden();
      });
    }

    test("an event that does not propagate is not outside of any element", async ({ page }) => {
      await page.getByRole("button", { name: "Show", exact: true }).click();
      await page.getByRole("button", { name: "Stop" }).click();
      await expect(page.locator("#ticks")).toHaveText("1");
      await expect(page.locator("#show")).toBeVisible();
    });

    test("a panel with its own button opens, and closes by a click elsewhere", async ({ page }) => {
      await page.getByRole("button", { name: "Both" }).click();
      await expect(page.locator("#both p")).toBeVisible();
      await page.locator("#ticks").click({ force: true });
      await expect(page.locator("#both p")).toBeHidden();
    });

    test("a choice that the server ignores restores the earlier choice", async ({ page }) => {
      const chosen = () =>
        page.locator("[name=choice]").evaluateAll((all) => all.filter((one) => (one as HTMLInputElement).checked).map((one) => (one as HTMLInputElement).value));
      expect(await chosen()).toEqual(["3"]);
      await page.getByLabel("4").click();
      await expect.poll(chosen).toEqual(["3"]);
      await page.getByLabel("2").click();
      await expect(page.locator("#choice")).toHaveText("2");
      expect(await chosen()).toEqual(["2"]);
      await page.getByLabel("4").click();
      await expect.poll(chosen).toEqual(["2"]);
    });
  });
}

test("a form of a failed component does not put its fields into the address", async ({ page, network }) => {
  // An invalid seal.
  await page.goto(`${network.url}/panels?${new URLSearchParams({ from: 'seal="', to: 'seal="AAAA' })}`);
  await expect(page.locator("live-component")).toHaveAttribute("live-state", "error");
  await page.getByLabel("Secret").fill("hunter2");
  // A prevented submit is not sent later either.
  await page.evaluate(() => {
    const prevented: boolean[] = Object.assign(window, { prevented: [] }).prevented;
    addEventListener("submit", (event) => prevented.push(event.defaultPrevented));
  });
  await page.getByLabel("Secret").press("Enter");
  await page.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => page.evaluate(() => (window as unknown as { prevented: boolean[] }).prevented)).toEqual([true, true]);
  expect(page.url()).not.toContain("hunter2");
  await expect(page.getByLabel("Secret")).toHaveValue("hunter2");
});

test("a custom event named reset causes no error", async ({ page, network }) => {
  await open(page, `${network.url}/panels`);
  await page.evaluate(() => document.querySelector("p, output")!.dispatchEvent(new Event("reset", { bubbles: true })));
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(page.locator("#ticks")).toHaveText("1");
});
