// Fields whose handler changes the typed text.

import type { Locator } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

const WORDS = [
  { label: "Plain", shown: "HELLO WORLD", longer: "HELLOABC WORLD" },
  { label: "Area", shown: "HELLO WORLD", longer: "HELLOABC WORLD" },
  { label: "Mail", shown: "HELLO@WORLD", longer: "HELLOABC@WORLD" },
];
const caret = (field: Locator) => field.evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd]);

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    for (const { label, shown, longer } of WORDS) {
      test(`text that the server makes upper case keeps every letter and the caret: ${label}`, async ({ page, network }) => {
        network.latency = latency / 2;
        await open(page, `${network.url}/typing`);
        const field = page.getByLabel(label);
        await field.pressSequentially(shown.toLowerCase(), { delay: 40 });
        await expect(field).toHaveValue(shown);
        await expect(page.locator("#server")).toContainText(shown);
        for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowLeft");
        await page.keyboard.type("abc", { delay: 120 });
        await expect(field).toHaveValue(longer);
        await expect(page.locator("#server")).toContainText(longer);
        if (label != "Mail") expect(await caret(field)).toEqual([8, 8]);
        // The next key is inserted at the caret.
        await page.keyboard.type("d");
        await expect(field).toHaveValue(longer.replace("ABC", "ABCD"));
        await page.keyboard.press("Backspace");
        await expect(field).toHaveValue(longer);
      });
    }

    for (const name of ["typed", "text", "plain", "bound"]) {
      test(`a fraction is the number that was typed: ${name}`, async ({ page, network }) => {
        network.latency = latency / 2;
        await open(page, `${network.url}/decimals`);
        const field = page.locator(`input[name=${name}]`);
        for (const text of ["1.05", "19.05", "-0.5", "1.505", "1e5", "0.05"]) {
          await field.click();
          await page.keyboard.press("ControlOrMeta+A");
          // Slower than the replies, so that each prefix is echoed.
          await page.keyboard.type(text, { delay: latency ? 450 : 120 });
          await expect(page.locator(`output#${name}`)).toHaveText(`${+text}`);
          expect(+(await field.inputValue())).toBe(+text);
        }
        // Without the focus it may be formatted differently, with the same value.
        await field.blur();
        await expect(page.locator(`output#${name}`)).toHaveText("0.05");
        await expect(field).toHaveValue("0.05");
      });
    }

    test("a number that the server rounds is shown rounded", async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/decimals`);
      const field = page.getByLabel("Rounded");
      await field.pressSequentially("1.26");
      await expect(page.locator("output#rounded")).toHaveText("1.3");
      await expect(field).toHaveValue("1.3");
    });

    test("a selection survives the reply", async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/typing`);
      const field = page.getByLabel("Plain");
      network.hold();
      await field.pressSequentially("hello world");
      await field.evaluate((input: HTMLInputElement) => input.setSelectionRange(2, 7, "backward"));
      network.release();
      await expect(field).toHaveValue("HELLO WORLD");
      expect(await caret(field)).toEqual([2, 7]);
      expect(await field.evaluate((input: HTMLInputElement) => input.selectionDirection)).toBe("backward");
    });

    test("digits keep their order when the server inserts separators", async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/typing`);
      const amount = page.getByLabel("Amount");
      await amount.pressSequentially("1234567", { delay: 150 });
      await expect(amount).toHaveValue("1,234,567");
      for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
      await page.keyboard.type("0");
      await expect(amount).toHaveValue("12,340,567");
      await page.keyboard.type("8");
      await expect(amount).toHaveValue("123,408,567");
      const number = page.getByLabel("Number");
      await number.pressSequentially("1934", { delay: 150 });
      await expect(number).toHaveValue("1834");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.type("95", { delay: 500 });
      await expect(number).toHaveValue("183854");
      await expect(page.locator("#server")).toContainText("183854|123,408,567");
    });
  });
}

test("a field with an event at its first focus can be edited", async ({ page, app }) => {
  await open(page, `${app.url}/typing`);
  const field = page.getByLabel("Plain");
  for (const text of ["ONE", "TWO"]) {
    await field.fill(text.toLowerCase());
    await expect(field).toHaveValue(text);
    await field.blur();
  }
  await field.focus();
  await field.pressSequentially("s");
  await expect(field).toHaveValue("TWOS");
  await expect(page.locator("#greetings")).toHaveText("1");
});
