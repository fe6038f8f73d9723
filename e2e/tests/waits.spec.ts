// What a page shows while it waits (live:loading, live:offline), what it asks (live:confirm), and
// what it polls (live:poll).

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, live, open, test } from "./networked.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const log = (page: Page) => page.locator("#log");
/** Clicks without Playwright's wait for what follows. */
const press = (page: Page, name: string) => button(page, name).evaluate((element: HTMLElement) => element.click());

/** Answers each question of the browser's dialog, and returns the list of the questions. */
function answer(page: Page, isAccepted: () => boolean): string[] {
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    void (isAccepted() ? dialog.accept() : dialog.dismiss());
  });
  return asked;
}

for (const latency of [0, 300]) {
  test.describe(`at ${latency} ms`, () => {
    test.beforeEach(async ({ page, network }) => {
      network.latency = latency;
      await page.clock.install();
      await open(page, `${network.url}/waits`);
      // A view that was made before a module has started is rebuilt.
      await page.waitForLoadState("networkidle");
    });

    test("a delayed state shows only if it lasts, and several targets are one", async ({ page, network }) => {
      network.hold();
      await press(page, "Save");
      await expect(page.locator("#any")).toBeVisible();
      await expect(page.locator("#either")).toBeVisible();
      await expect(page.locator("#rest")).toBeHidden();
      await expect(page.locator("#late")).toBeHidden();
      await expect(button(page, "Save")).toHaveAttribute("aria-busy", "true");
      await expect(button(page, "Save")).not.toHaveClass(/idle/);
      await page.clock.runFor(5000);
      await expect(page.locator("#late")).toBeVisible();
      network.release();
      await expect(log(page)).toHaveText("save");
      for (const id of ["#any", "#either", "#late"]) await expect(page.locator(id)).toBeHidden();
      await expect(page.locator("#rest")).toBeVisible();
      await expect(button(page, "Save")).not.toHaveAttribute("aria-busy");
      await expect(button(page, "Save")).toHaveClass("idle");
      network.hold();
      await press(page, "Rename");
      await expect(page.locator("#either")).toBeVisible();
      network.release();
      await expect(log(page)).toHaveText("save x");
      await page.clock.runFor(6000);
      await expect(page.locator("#late")).toBeHidden();
    });

    test("nothing is sent unless the visitor accepts", async ({ page }) => {
      let isAccepted = false;
      const asked = answer(page, () => isAccepted);
      await button(page, "Delete Ann").click();
      await button(page, "Delete <b>").click();
      await page.getByRole("link", { name: "Once" }).click();
      isAccepted = true;
      await button(page, "Delete Ann").focus();
      await page.keyboard.press("Enter");
      await expect(log(page)).toHaveText("-0");
      await page.getByRole("link", { name: "Once" }).click();
      await expect(log(page)).toHaveText("-0 once");
      await button(page, "Debounced").click();
      await page.clock.runFor(200);
      await expect(log(page)).toHaveText("-0 once debounced");
      await button(page, "Maybe").click();
      await expect(log(page)).toHaveText("-0 once debounced free");
      await press(page, "Empty");
      await expect(page.locator("li")).toHaveCount(0);
      await button(page, "Maybe").click();
      await expect(log(page)).toHaveText("-0 once debounced free free");
      expect(asked).toEqual(["Delete Ann?", "Delete <b>?", "Once?", "Delete Ann?", "Once?", "Debounced?", "Sure?"]);
      expect(new URL(page.url()).pathname).toBe("/waits");
    });

    test("a form asks for the button that submits it", async ({ page }) => {
      let isAccepted = false;
      const asked = answer(page, () => isAccepted);
      await page.getByLabel("Text").fill("a");
      // Enter submits by the first button, which asks nothing.
      await page.keyboard.press("Enter");
      await expect(log(page)).toHaveText("a/keep");
      await button(page, "Drop").click();
      await expect.poll(() => asked).toEqual(["Drop ?"]);
      isAccepted = true;
      await button(page, "Drop").click();
      await expect(log(page)).toHaveText("a/keep a/drop");
      await page.getByLabel("More").fill("b");
      await page.keyboard.press("Enter");
      await expect(log(page)).toHaveText("a/keep a/drop b/");
      expect(asked).toEqual(["Drop ?", "Drop ?", "Send?"]);
    });

    test("an application asks with its own dialog, once for a double click", async ({ page, network, problems }) => {
      problems.expect(/WebSocket connection to .* failed/);
      await useDialog(page);
      const dialog = page.getByRole("dialog");
      await button(page, "Delete Ben").dblclick();
      await expect(dialog).toHaveText(/Delete Ben\?/);
      await expect(dialog).toHaveCount(1);
      await page.keyboard.press("Escape");
      // A hidden dialog is not one any more, but answers with its event `close`, which removes it.
      await expect(page.locator("dialog")).toHaveCount(0);
      await expect(button(page, "Delete Ben")).toBeFocused();
      await page.keyboard.press("Enter");
      // The page loses its connection while the question is open: the action is sent afterwards.
      await expect(dialog).toHaveCount(1);
      network.down();
      await expect(page.locator("#offline")).toBeVisible();
      await dialog.getByRole("button", { name: "Yes" }).click();
      await expect(page.locator("html")).toHaveAttribute("live-queued", "1");
      network.up();
      await page.clock.runFor(20_000);
      await expect(log(page)).toHaveText("-1");
      await expect(page.locator("li")).toHaveText([/Ann/, /<b>/]);
    });

    test("an answer has no effect once its element is gone, or asks something else", async ({ page }) => {
      await useDialog(page);
      const dialog = page.getByRole("dialog");
      for (const change of ["Rename all", "Empty"]) {
        await button(page, change == "Empty" ? "Delete Ben!" : "Delete Ben").click();
        await expect(dialog).toHaveCount(1);
        await press(page, change);
        await expect(dialog).toHaveCount(0);
      }
      await press(page, "Save");
      await expect(log(page)).toHaveText("save");
    });

    test("an answer has no effect once the button that asks is gone", async ({ page }) => {
      await useDialog(page);
      const dialog = page.getByRole("dialog");
      await page.getByLabel("Text").fill("a");
      await button(page, "Drop").click();
      await expect(dialog).toHaveCount(1);
      await page.evaluate(() => document.querySelector("button[value=drop]")!.remove());
      await expect(dialog).toHaveCount(0);
      await press(page, "Save");
      await expect(log(page)).toHaveText("save");
    });

    test("the second click of a double click does not count for .once", async ({ page }) => {
      const asked = answer(page, () => true);
      const link = page.getByRole("link", { name: "Once" });
      await link.evaluate((link) => link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: 2 })));
      await press(page, "Save");
      await expect(log(page)).toHaveText("save");
      expect(asked).toEqual([]);
      await link.click();
      await expect(log(page)).toHaveText("save once");
      expect(asked).toEqual(["Once?"]);
    });

    test("a question that cannot be asked is not accepted", async ({ page, problems }) => {
      problems.expect(/no dialog/);
      await page.evaluate(async () => {
        const { default: live } = await import("/live/client.js" as string);
        live.configure({ confirm: () => Promise.reject(new Error("no dialog")) });
      });
      const error = page.waitForEvent("pageerror");
      await button(page, "Delete Ben").click();
      await error;
      await press(page, "Save");
      await expect(log(page)).toHaveText("save");
    });

    test("a page polls while it is visible and connected, and one call at a time", async ({ page, network, problems }) => {
      problems.expect(/WebSocket connection to .* failed/);
      const polled = page.locator("#polled");
      await page.getByLabel("Draft").focus();
      await page.keyboard.type("typed");
      await page.clock.runFor(5500);
      await expect(polled).toHaveText("1");
      // What is typed is not sent with a poll.
      await expect(log(page)).toHaveText("");
      network.hold();
      await page.clock.runFor(6000);
      await expect(page.locator("#polling")).toBeVisible();
      await expect(page.locator("#any")).toBeHidden();
      await page.clock.runFor(30_000);
      network.release();
      await expect(polled).toHaveText("2");
      await expect(page.locator("#polling")).toBeHidden();
      // Far below the window, so it does not poll.
      await expect(page.locator("#looked")).toHaveText("0");
      await setHidden(page, true);
      await page.clock.runFor(60_000);
      await setHidden(page, false);
      await expect(polled).toHaveText("3");
      await setHidden(page, true);
      await setHidden(page, false);
      network.down();
      await expect(page.locator("#offline")).toBeVisible();
      await page.clock.runFor(60_000);
      await expect(page.locator("html")).not.toHaveAttribute("live-queued");
      network.up();
      await page.clock.runFor(30_000);
      await expect(polled).toHaveText(/^[4-9]|1\d$/);
      await press(page, "Show");
      await expect(log(page)).toHaveText("edited");
      await expect(page.locator("#poll")).toHaveCount(0);
      const last = await polled.textContent();
      await page.clock.runFor(60_000);
      await press(page, "Save");
      await expect(log(page)).toHaveText("edited save");
      await expect(polled).toHaveText(last ?? "");
    });

    test("a poll with .visible runs at once when its element comes into view", async ({ page }) => {
      await page.clock.runFor(6000);
      await expect(page.locator("#looked")).toHaveText("0");
      await page.locator("#far").scrollIntoViewIfNeeded();
      await expect(page.locator("#looked")).toHaveText("1");
    });
  });
}

test("a click before the client runs asks, too", async ({ page, network }) => {
  const asked = answer(page, () => false);
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route("**/live/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${network.url}/waits`);
  await button(page, "Delete Ann").dblclick();
  await press(page, "Save");
  release();
  await live(page);
  await expect(log(page)).toHaveText("save");
  expect(asked).toEqual(["Delete Ann?"]);
});

test("a page that connects for the first time is not offline", async ({ page, network, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_/);
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const offline = document.querySelector<HTMLElement>("#offline");
      if (offline && !offline.hidden) seen.push("offline");
    }).observe(document, { childList: true, subtree: true, attributes: true });
  });
  network.latency = 300;
  await open(page, `${network.url}/waits`);
  expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual([]);
  await page.clock.install();
  network.down();
  await expect(page.locator("#offline")).toBeVisible();
  await expect(page.locator("#gone")).toBeHidden();
  await page.clock.runFor(5000);
  await expect(page.locator("#gone")).toBeVisible();
  network.up();
  await page.clock.runFor(20_000);
  await expect(page.locator("#offline")).toBeHidden();
  await expect(page.locator("#gone")).toBeHidden();
});

test("the page is accessible, offline too", async ({ page, network, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  await open(page, `${network.url}/waits`);
  for (const isOnline of [true, false]) {
    if (!isOnline) network.down();
    await expect(page.locator("#offline")).toBeVisible({ visible: !isOnline });
    expect((await new AxeBuilder({ page }).include("section").analyze()).violations).toEqual([]);
  }
});

/** Lets the page ask with a dialog of its own: the example of docs/loading.md. */
const useDialog = (page: Page) => page.evaluate(async () => {
  const { default: live } = await import("/live/client.js" as string);
  live.configure({
    confirm: (question: string, { signal }: { signal: AbortSignal }) => new Promise((answer) => {
      const dialog = document.createElement("dialog"), text = document.createElement("p"), form = document.createElement("form");
      form.method = "dialog";
      text.textContent = question;
      for (const [value, label] of [["no", "No"], ["yes", "Yes"]]) {
        form.append(Object.assign(document.createElement("button"), { value, textContent: label }));
      }
      dialog.append(text, form);
      dialog.addEventListener("close", () => {
        dialog.remove();
        answer(dialog.returnValue == "yes");
      });
      signal.addEventListener("abort", () => dialog.close());
      document.body.append(dialog);
      dialog.showModal();
    }),
  });
});

/** Hides the page, as another tab does, or shows it again. */
const setHidden = (page: Page, isHidden: boolean) => page.evaluate((isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}, isHidden);
