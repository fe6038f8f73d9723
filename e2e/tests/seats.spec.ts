import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

const seat = (page: Page, id: string) => page.getByRole("button", { name: new RegExp(`^${id},`) });
const mine = (page: Page) => page.locator(".seat.mine");

// All tests share one hall: each gives back its seats.
test.describe.configure({ mode: "serial" });

test("two visitors book the same seat: one gets it, the other sees an error and the owner", async ({ page, another }) => {
  const other = await another();
  await open(page, "/seats");
  await open(other, "/seats");
  await expect(seat(page, "C4")).toHaveAccessibleName("C4, free");
  await Promise.all([seat(page, "C4").click(), seat(other, "C4").click()]);
  await expect(page.locator(".seat.mine, .seat.taken")).toHaveCount(1);
  await expect(other.locator(".seat.mine, .seat.taken")).toHaveCount(1);
  const won = (await seat(page, "C4").getAttribute("aria-pressed")) === "true";
  const [winner, loser] = won ? [page, other] : [other, page];
  await expect(seat(winner, "C4")).toHaveAccessibleName("C4, yours");
  const name = await winner.locator(".end .name").textContent();
  await expect(seat(loser, "C4")).toHaveAccessibleName(`C4, taken by ${name}`);
  await expect(loser.getByText("47 free")).toBeVisible();
  // The winner keeps it after a reload.
  await loser.reload();
  await expect(seat(loser, "C4")).toHaveAccessibleName(`C4, taken by ${name}`);
  // The other visitor sees an error.
  await seat(loser, "C4").click();
  await expect(loser.locator(".notes")).toContainText("Another visitor was faster.");
  await seat(winner, "C4").click();
  await expect(seat(loser, "C4")).toHaveAccessibleName("C4, free");
});

test("a visitor can book four seats at most, also with the keyboard", async ({ page }) => {
  await open(page, "/seats");
  await seat(page, "A1").focus();
  for (let n = 1; n <= 4; n++) {
    await page.keyboard.press("Enter");
    await expect(seat(page, `A${n}`)).toHaveAttribute("aria-pressed", "true");
    await expect(seat(page, `A${n}`)).toBeFocused();
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await expect(page.locator(".notes")).toContainText("at most four seats");
  await expect(mine(page)).toHaveCount(4);
  for (let n = 1; n <= 4; n++) await seat(page, `A${n}`).click();
  await expect(mine(page)).toHaveCount(0);
  await expect(page.getByText("48 free")).toBeVisible();
});
