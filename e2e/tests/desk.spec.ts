// Controls in rows, each of which edits a field of its item.

import type { Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

const LARGE = "9007199254740993";
const text = (page: Page, id: number | string) => page.getByLabel(`Text ${id}`, { exact: true });
const row = (page: Page, id: number | string) => page.locator("li", { has: text(page, id) });
const said = (page: Page, id: number | string) => row(page, id).locator("output");
/** Clicks without moving the focus. */
const press = (page: Page, name: string) =>
  page.getByRole("button", { name }).evaluate((button: HTMLElement) => button.click());

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(async ({ network, page }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/desk`);
    });

    test("every letter is kept while rows are moved, inserted and removed", async ({ page }) => {
      const two = text(page, 2);
      await two.pressSequentially("a1", { delay: 40 });
      await press(page, "Turn");
      await two.pressSequentially("b2", { delay: 40 });
      await press(page, "Insert");
      await two.pressSequentially("c3", { delay: 40 });
      await press(page, "Remove");
      await two.pressSequentially("d4", { delay: 40 });
      await expect(said(page, 2)).toHaveText("a1b2c3d4");
      await expect(two).toHaveValue("a1b2c3d4");
      await expect(two).toBeFocused();
      await expect(page.locator("li")).toHaveCount(3);
      await press(page, "Read");
      await expect(page.locator("#read")).toHaveText("::a a1b2c3d4::a ::a");
    });

    test("letters typed into a row without an id are kept", async ({ network, page }) => {
      network.hold();
      await press(page, "Append");
      const added = page.locator("li").last();
      const [typed, lazy] = [added.getByLabel(/^Text/), added.getByLabel(/^Lazy/)];
      await expect(added.getByLabel(/^Text \$temp/)).toBeVisible();
      await typed.pressSequentially("abc", { delay: 40 });
      await lazy.pressSequentially("later", { delay: 40 });
      network.release();
      await expect(text(page, 3)).toHaveValue("abc");
      // The field loses the focus when the row has its id.
      await lazy.blur();
      await press(page, "Read");
      await expect(page.locator("#read")).toHaveText("::a ::a ::a abc:later:a");
      await expect(row(page, 3).locator("u")).toBeHidden();
    });

    test("another page's text is shown, and newer local text is kept", async ({ network, page, context }) => {
      const other = await context.newPage();
      await open(other, `${network.url}/desk`);
      await text(page, 2).fill("mine");
      await expect(text(other, 2)).toHaveValue("mine");
      await text(other, 2).press("End");
      await text(other, 2).pressSequentially(" too", { delay: 40 });
      await expect(text(page, 2)).toHaveValue("mine too");
      // Both type at once: each ends with the same text.
      await Promise.all([
        text(page, 2).pressSequentially("abc", { delay: 50 }),
        text(other, LARGE).pressSequentially("xyz", { delay: 50 }),
      ]);
      for (const [of, id] of [[other, 2], [page, LARGE]] as const) {
        await expect(text(of, id)).toHaveValue(id === 2 ? /abc$/ : "xyz");
      }
      await other.close();
    });

    test("each kind of control edits its own item", async ({ page }) => {
      await text(page, LARGE).fill("large");
      await expect(said(page, LARGE)).toHaveText("large");
      await page.getByLabel("Kind 1").selectOption("b");
      await page.getByLabel('Part x"y of 2').check();
      await page.getByLabel("Street").pressSequentially("elm", { delay: 40 });
      await expect(page.locator("#street")).toHaveText("ELM");
      await expect(page.getByLabel("Street")).toHaveValue("ELM");
      // The edit waits for its event and is sent before an action.
      await page.getByLabel("Lazy 1").pressSequentially("later");
      await expect(row(page, 1).locator("u")).toBeVisible();
      await press(page, "Read");
      await expect(page.locator("#read")).toHaveText(":later:b ::a large::a");
      await expect(row(page, 1).locator("u")).toBeHidden();
      await press(page, "Turn");
      await expect(page.locator("li").last().getByLabel("Text 1")).toBeVisible();
      await expect(page.getByLabel("Kind 1")).toHaveValue("b");
      await expect(page.getByLabel('Part x"y of 2')).toBeChecked();
      await expect(page.getByLabel("Part 1 of 2")).not.toBeChecked();
    });

    test("an invalid value is marked in its own row", async ({ page }) => {
      await page.getByLabel("Count 2").fill("999");
      await expect(row(page, 2).locator("small")).toHaveCount(1);
      await expect(page.locator("small")).toHaveCount(1);
      await expect(page.getByLabel("Count 2")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel("Count 1")).not.toHaveAttribute("aria-invalid", "true");
      await press(page, "Turn");
      await expect(page.getByLabel("Count 2")).toHaveValue("999");
      await page.getByLabel("Count 2").fill("9");
      await expect(page.locator("small")).toHaveCount(0);
      await expect(page.getByLabel("Count 2")).not.toHaveAttribute("aria-invalid", "true");
    });
  });
}

test("an edit of a removed row is rejected, and the page continues", async ({ network, page }) => {
  await open(page, `${network.url}/desk`);
  const failures = page.evaluate(
    () =>
      new Promise((heard) =>
        document.addEventListener("live:error", (e) => heard((e as CustomEvent).detail.code), { once: true }),
      ),
  );
  network.hold();
  await press(page, "Remove");
  await text(page, 1).pressSequentially("late");
  network.release();
  expect(await failures).toBe("unknown_item");
  await expect(page.locator("li")).toHaveCount(2);
  await text(page, 2).fill("on");
  await expect(said(page, 2)).toHaveText("on");
});

test("text typed into a row is restored after a lost session", async ({ network, page, problems }) => {
  problems.expect(/WebSocket connection/);
  await open(page, `${network.url}/desk`);
  await text(page, 2).fill("before");
  await expect(said(page, 2)).toHaveText("before");
  network.down();
  await text(page, 2).fill("while away");
  await expect(said(page, 2)).toHaveText("while away");
  network.up();
  await press(page, "Read");
  await expect(page.locator("#read")).toHaveText("::a while away::a ::a");
});

test("the page's own code writes to a path", async ({ app, page }) => {
  await open(page, `${app.url}/desk`);
  await page.evaluate(async () => {
    const { component } = await import("/live/client.js" as string);
    await component(document.querySelector("li")).set(["items", 2, "text"], "by code");
  });
  await expect(said(page, 2)).toHaveText("by code");
  await expect(text(page, 2)).toHaveValue("by code");
});
