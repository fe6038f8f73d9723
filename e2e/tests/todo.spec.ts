import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, open, test } from "./test.ts";

// All visitors share the list, so the tests run one after the other.
test.describe.configure({ mode: "serial" });

const items = (page: Page) => page.locator(".items > li:visible");
const texts = (page: Page) => page.locator(".items > li:visible .text");
const item = (page: Page, text: string) => items(page).filter({ hasText: text });

async function add(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "What is to be done?" }).fill(text);
  await page.getByRole("button", { name: "Add" }).click();
}

/** Holds all messages to the server until the test releases them. */
async function hold(page: Page): Promise<() => void> {
  const waiting: (() => void)[] = [];
  let held = true;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (held && !String(message).includes("WELCOME") && !String(message).includes("COMPONENT_MOUNTED") && !String(message).includes("STATE_SNAPSHOT")) {
        waiting.push(() => socket.send(message));
      } else socket.send(message);
    });
  });
  return () => {
    held = false;
    for (const send of waiting.splice(0)) send();
  };
}

test.beforeEach(async ({ page }) => {
  await open(page, "/todo");
  for (let left = await items(page).count(); left > 0; left--) {
    await page.getByRole("button", { name: /^Remove/ }).first().click();
    await expect(items(page)).toHaveCount(left - 1);
  }
  // The server has removed the items before the test starts.
  await expect.poll(async () => (await (await page.request.get("/todo")).text()).includes("aria-label=\"Remove:")).toBe(false);
});

test("add, complete, filter, rename, move, remove", async ({ page, another }) => {
  await open(page, "/todo");
  const other = await another();
  await open(other, "/todo");
  for (const text of ["bread", "milk", "tea"]) await add(page, text);
  await expect(texts(page)).toHaveText(["bread", "milk", "tea"]);
  await expect(texts(other)).toHaveText(["bread", "milk", "tea"]);
  await expect(page.getByRole("textbox", { name: "What is to be done?" })).toHaveValue("");

  await page.getByRole("checkbox", { name: "Done: milk" }).check();
  await expect(other.getByRole("checkbox", { name: "Done: milk" })).toBeChecked();

  await page.getByRole("button", { name: "Active" }).click();
  await expect(texts(page)).toHaveText(["bread", "tea"]);
  await expect(texts(other)).toHaveText(["bread", "milk", "tea"]);
  await page.getByRole("button", { name: "Completed", exact: true }).click();
  await expect(texts(page)).toHaveText(["milk"]);
  await page.getByRole("button", { name: "All" }).click();

  await page.getByRole("button", { name: "Rename: tea" }).click();
  await page.getByRole("textbox", { name: "New text" }).fill("coffee");
  await page.keyboard.press("Enter");
  await expect(texts(other)).toHaveText(["bread", "milk", "coffee"]);

  await page.getByRole("button", { name: "Up: coffee" }).click();
  await expect(texts(other)).toHaveText(["bread", "coffee", "milk"]);
  await page.getByRole("button", { name: "Down: bread" }).click();
  await expect(texts(other)).toHaveText(["coffee", "bread", "milk"]);

  await page.getByRole("button", { name: "Clear completed" }).click();
  await expect(texts(other)).toHaveText(["coffee", "bread"]);
  await page.getByRole("button", { name: "Remove: coffee" }).click();
  await expect(texts(other)).toHaveText(["bread"]);
  await page.reload();
  await expect(texts(page)).toHaveText(["bread"]);
});

test("an optimistic update is shown before the reply", async ({ page }) => {
  const release = await hold(page);
  await open(page, "/todo");
  await add(page, "at once");
  await expect(texts(page)).toHaveText(["at once"]);
  release();
  await expect(page.getByRole("checkbox", { name: "Done: at once" })).toBeVisible();
  await expect(texts(page)).toHaveText(["at once"]);
});

test("an optimistic move and an optimistic clearing are shown before the reply", async ({ page, another }) => {
  for (const text of ["one", "two", "three", "four"]) await add(page, text);
  await expect(texts(page)).toHaveText(["one", "two", "three", "four"]);
  const other = await another();
  const release = await hold(other);
  await open(other, "/todo");
  await expect(texts(other)).toHaveText(["one", "two", "three", "four"]);
  await other.getByRole("button", { name: "Up: four" }).click();
  await expect(texts(other)).toHaveText(["one", "two", "four", "three"]);
  await other.getByRole("checkbox", { name: "Done: two" }).check();
  await other.getByRole("button", { name: "Clear completed" }).click();
  await expect(texts(other)).toHaveText(["one", "four", "three"]);
  // Moves beside visible items; hidden ones are skipped.
  await other.getByRole("checkbox", { name: "Done: one" }).check();
  await other.getByRole("button", { name: "Active" }).click();
  await other.getByRole("button", { name: "Up: three" }).focus();
  await other.keyboard.press("Alt+ArrowUp");
  await expect(texts(other)).toHaveText(["three", "four"]);
  release();
  await expect(texts(page)).toHaveText(["one", "three", "four"]);
  await expect(texts(other)).toHaveText(["three", "four"]);
});

test("a move that the server rejects is reverted", async ({ page, another }) => {
  for (const text of ["stays", "goes"]) await add(page, text);
  await expect(texts(page)).toHaveText(["stays", "goes"]);
  const other = await another();
  const release = await hold(other);
  await open(other, "/todo");
  await page.getByRole("button", { name: "Remove: goes" }).click();
  await expect(texts(page)).toHaveText(["stays"]);
  await expect.poll(async () => (await (await page.request.get("/todo")).text()).includes("Remove: goes")).toBe(false);
  await other.getByRole("button", { name: "Up: goes" }).click();
  await expect(texts(other)).toHaveText(["goes", "stays"]);
  release();
  await expect(texts(other)).toHaveText(["stays"]);
  await expect(other.getByRole("alert")).toContainText("removed");
});

test("an optimistic update that the server rejects is reverted", async ({ page }) => {
  const release = await hold(page);
  await open(page, "/todo");
  const long = "x".repeat(81);
  await add(page, long);
  await expect(item(page, long)).toHaveCount(1);
  release();
  await expect(item(page, long)).toHaveCount(0);
  await expect(page.getByRole("alert")).toContainText("80");
});

test("a rejected new text is replaced by the old one", async ({ page }) => {
  await add(page, "short");
  await expect(texts(page)).toHaveText(["short"]);
  await page.getByRole("button", { name: "Rename: short" }).click();
  await page.getByRole("textbox", { name: "New text" }).fill("y".repeat(81));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("80");
  await expect(texts(page)).toHaveText(["short"]);
});

test("Escape cancels a change of a text", async ({ page }) => {
  await add(page, "as it is");
  await page.getByRole("button", { name: "Rename: as it is" }).click();
  await page.getByRole("textbox", { name: "New text" }).fill("changed");
  await page.keyboard.press("Escape");
  await expect(texts(page)).toHaveText(["as it is"]);
});

test("the empty state is shown and hidden beside the list", async ({ page }) => {
  await expect(page.locator(".todo .empty")).toBeVisible();
  await add(page, "something");
  await expect(page.locator(".todo .empty")).toHaveCount(0);
  await page.getByRole("button", { name: "Remove: something" }).click();
  await expect(page.locator(".todo .empty")).toBeVisible();
});

test("texts and order can be changed with the keyboard, and the focus stays with the item", async ({ page }) => {
  for (const text of ["one", "two", "three"]) await add(page, text);
  await expect(texts(page)).toHaveText(["one", "two", "three"]);

  const rename = page.getByRole("button", { name: "Rename: two" });
  await rename.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "New text" })).toBeFocused();
  await page.keyboard.type("zwei");
  await page.keyboard.press("Enter");
  await expect(texts(page)).toHaveText(["one", "zwei", "three"]);
  await expect(page.getByRole("button", { name: "Rename: zwei" })).toBeFocused();
  await page.keyboard.press("Space");
  await page.keyboard.type("not this");
  await page.keyboard.press("Escape");
  await expect(texts(page)).toHaveText(["one", "zwei", "three"]);
  await expect(page.getByRole("button", { name: "Rename: zwei" })).toBeFocused();

  const up = page.getByRole("button", { name: "Up: three" });
  await up.focus();
  await page.keyboard.press("Enter");
  await expect(texts(page)).toHaveText(["one", "three", "zwei"]);
  await page.keyboard.press("Enter");
  await expect(texts(page)).toHaveText(["three", "one", "zwei"]);
  await expect(up).toBeFocused();
  await expect(up).toHaveAttribute("aria-disabled", "true");
  // The first one stays first.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(texts(page)).toHaveText(["one", "three", "zwei"]);
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(texts(page)).toHaveText(["one", "zwei", "three"]);
  await page.keyboard.press("Alt+ArrowUp");
  await expect(texts(page)).toHaveText(["one", "three", "zwei"]);
  await expect(up).toBeFocused();
});

test("a filter without results shows a message", async ({ page }) => {
  await add(page, "open");
  await page.getByRole("button", { name: "Completed", exact: true }).click();
  await expect(items(page)).toHaveCount(0);
  await expect(page.getByText("Nothing to show here.", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "All" }).click();
  await expect(page.getByText("Nothing to show here.", { exact: true })).toBeHidden();
});

for (const latency of [0, 300]) {
  test(`changes of an item before the reply to its addition take effect, at ${latency} ms`, async ({ page, demo }) => {
    const network = await Network.before(demo.url);
    network.latency = latency / 2;
    await open(page, `${network.url}/todo`);
    await add(page, "stays");
    await expect(item(page, "stays")).not.toHaveAttribute("data-id", /temp/);
    // All changes of an item run in one task of the page: the reply to its addition has not
    // arrived.
    const done = await page.evaluate(() => {
      const ids: string[] = [];
      const add = (text: string): Element => {
        const input = document.querySelector<HTMLInputElement>(".add input")!;
        input.value = text;
        input.form!.requestSubmit();
        const row = [...document.querySelectorAll(".items > li")].at(-1)!;
        ids.push(row.getAttribute("data-id")!);
        return row;
      };
      const press = (row: Element, name: string) => row.querySelector<HTMLElement>(name)!.click();
      const renamed = add("renamed");
      press(renamed, ".rename");
      renamed.querySelector<HTMLInputElement>("form input")!.value = "new name";
      renamed.querySelector("form")!.requestSubmit();
      press(add("ticked"), "input[type=checkbox]");
      press(add("removed"), "[aria-label^=Remove]");
      const moved = add("moved");
      press(moved, "[aria-label^=Up]");
      return ids;
    });
    expect(done.every((id) => id.startsWith("$temp"))).toBe(true);
    await expect(texts(page)).toHaveText(["stays", "new name", "moved", "ticked"]);
    await expect(item(page, "ticked").getByRole("checkbox")).toBeChecked();
    await expect(page.locator("[data-id^='$temp']")).toHaveCount(0);
    // The server has the same state.
    await page.reload();
    await expect(texts(page)).toHaveText(["stays", "new name", "moved", "ticked"]);
    await expect(item(page, "ticked").getByRole("checkbox")).toBeChecked();
    await page.close();
    await network.remove();
  });
}
