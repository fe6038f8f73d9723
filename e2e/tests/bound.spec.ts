// Controls without a model field show the server's state unless an edit is newer than the last
// reply.

import { expect, open, test } from "./networked.ts";

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(async ({ network, page }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/bound`);
    });

    test("text typed into a row keeps every letter while rows move", async ({ page }) => {
      const row = page.getByLabel("Row 2");
      await row.pressSequentially("t1", { delay: 60 });
      await page.getByRole("button", { name: "Turn" }).evaluate((button: HTMLElement) => button.click());
      await row.pressSequentially("y2", { delay: 60 });
      await expect(page.locator("li", { has: row }).locator("output")).toHaveText("t1y2");
      await expect(row).toHaveValue("t1y2");
      await expect(row).toBeFocused();
    });

    test("a focused control shows the server's text and keeps the caret", async ({ page }) => {
      const plain = page.getByLabel("Plain");
      await plain.pressSequentially("hello", { delay: 50 });
      await expect(page.locator("#plain")).toHaveText("HELLO");
      await expect(plain).toHaveValue("HELLO");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.type("ab", { delay: 50 });
      await expect(plain).toHaveValue("HELABLO");
      expect(await plain.evaluate((input: HTMLInputElement) => input.selectionStart)).toBe(5);
      // Characters that the server rejects are removed, even if its state does not change.
      const row = page.getByLabel("Row 1");
      await row.pressSequentially("ax", { delay: 50 });
      await expect(row).toHaveValue("a");
      await expect(row).toBeFocused();
    });

    test("a choice that the server ignores is reverted", async ({ page }) => {
      const choice = page.getByLabel("Choice");
      await expect(choice).toHaveValue("b");
      await choice.selectOption("c");
      await expect(choice).toHaveValue("b");
      await choice.selectOption("a");
      await page.getByRole("button", { name: "Touch" }).click();
      await expect(page.locator("#touches")).toHaveText("1");
      await expect(choice).toHaveValue("a");
      const tick = page.getByLabel("Tick");
      await tick.check();
      await tick.click();
      await expect(tick).toBeChecked();
    });

    test("a submit sends the current text, and a reply to another action does not remove it", async ({ page }) => {
      const note = page.getByLabel("Note");
      await note.pressSequentially("hel", { delay: 30 });
      await page.getByRole("button", { name: "Touch" }).click();
      await note.press("End");
      await note.pressSequentially("lo", { delay: 30 });
      await expect(page.locator("#touches")).toHaveText("1");
      await expect(note).toHaveValue("hello");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.locator("#saved")).toHaveText("hello");
      // The text was sent and acknowledged: the server's state is shown again.
      await expect(note).toHaveValue("");
    });

    test("text whose action fails is kept", async ({ page }) => {
      const note = page.getByLabel("Note");
      await note.pressSequentially("bad");
      await page.evaluate(() => {
        const refused = new Promise<void>((done) => document.addEventListener("live:error", () => done(), { once: true }));
        Object.assign(window, { refused });
      });
      await page.keyboard.press("Enter");
      await page.evaluate(() => (window as unknown as { refused: Promise<void> }).refused);
      await expect(note).toHaveValue("bad");
    });

    test("an action after an edit that changes the control's state is applied", async ({ page }) => {
      const note = page.getByLabel("Note");
      await note.pressSequentially("mine");
      await page.getByRole("button", { name: "Suggest" }).click();
      await expect(note).toHaveValue("suggested");
      await note.press("End");
      await note.pressSequentially("!");
      await page.getByRole("button", { name: "Clear" }).click();
      await expect(note).toHaveValue("");
    });

    test("a control that is bound to a value of the page follows it immediately", async ({ page }) => {
      const draft = page.getByLabel("Draft");
      await draft.pressSequentially("one");
      await page.keyboard.press("Enter");
      await draft.pressSequentially("two");
      await expect(draft).toHaveValue("two");
      await expect(page.locator("#saved")).toHaveText("one");
      await page.keyboard.press("Enter");
      await expect(page.locator("#saved")).toHaveText("two");
      await expect(draft).toHaveValue("");
      await expect(page.locator("#draft")).toHaveText("");
    });
  });
}
