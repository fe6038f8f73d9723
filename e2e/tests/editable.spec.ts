// Elements with `contenteditable` text.

import type { Locator, Page } from "@playwright/test";
import { expect, open, test } from "./networked.ts";

const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
const server = (page: Page, part: string) => expect(page.locator("#server")).toContainText(`${part} |`);
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
type Area = HTMLElement & HTMLTextAreaElement;
const holds = (field: Locator, text: string) => expect.poll(() => field.evaluate((area: Area) => area.value)).toBe(text);
const caret = (field: Locator) => field.evaluate((area: Area) => [area.selectionStart, area.selectionEnd, area.selectionDirection]);
const call = (page: Page, action: string, ...args: unknown[]) =>
  page.evaluate(
    async ([action, args]) => {
      const { component } = await import("/live/client.js" as string);
      await component(document.querySelector("live-component")).call(action, ...args);
    },
    [action, args] as const,
  );
const TEXTS = ["", "x", "a\nb", "a\n", "\n", "\n\n", "\na", "a\n\nb\n", "a  b", " a ", "<b>&amp;"];

test("the first paint without a script contains the text", async ({ browser, app }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${app.url}/prose`);
  // The last line break of an element is not visible.
  expect(await field(page, "Plain").evaluate((node) => [node.innerHTML, node.childElementCount])).toEqual(["&lt;b&gt;one&lt;/b&gt;\ntwo\n\n", 0]);
  await context.close();
});

test("a page that loads sends no edit", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  await holds(field(page, "Plain"), "<b>one</b>\ntwo\n");
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#edits")).toHaveText("");
});

test("the server's text is shown, also in a focused element", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  for (const label of ["Plain", "Rich"]) {
    for (const text of TEXTS) {
      await call(page, "set", text);
      await holds(field(page, label), text);
      await field(page, label).focus();
    }
  }
  await expect(page.locator("#edits")).toHaveText("");
});

for (const label of ["Plain", "Rich"]) {
  const name = label.toLowerCase();

  test(`typed text is sent with the lines that the user sees: ${label}`, async ({ page, app }) => {
    await open(page, `${app.url}/prose`);
    await call(page, "set", "");
    await field(page, label).click();
    await page.keyboard.type("one");
    await page.keyboard.press("Enter");
    await server(page, `${name} "one\\n"`);
    await page.keyboard.press("Enter");
    await page.keyboard.type("three  x");
    await server(page, `${name} "one\\n\\nthree  x"`);
    for (let n = 0; n < 8; n++) await page.keyboard.press("Backspace");
    await server(page, `${name} "one\\n\\n"`);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.type("two");
    await server(page, `${name} "one\\ntwo\\n"`);
    expect((await caret(field(page, label))).slice(0, 2)).toEqual([7, 7]);
    await page.keyboard.press("ControlOrMeta+A");
    expect((await caret(field(page, label))).slice(0, 2)).toEqual([0, 8]);
    await page.keyboard.press("Delete");
    await server(page, `${name} ""`);
  });
}

for (const latency of [0, 300]) {
  for (const label of ["Upper", "Upper plain"]) {
    test(`text that the server makes upper case keeps every letter and the caret: ${label}, ${latency} ms`, async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/prose`);
      const upper = field(page, label);
      await upper.focus();
      await page.keyboard.type("hello", { delay: 40 });
      await page.keyboard.press("Enter");
      await page.keyboard.type("world", { delay: 40 });
      await holds(upper, "HELLO\nWORLD");
      await server(page, 'upper "HELLO\\nWORLD"');
      for (let n = 0; n < 6; n++) await page.keyboard.press("ArrowLeft");
      await page.keyboard.type("abc", { delay: 120 });
      await holds(upper, "HELLOABC\nWORLD");
      await server(page, 'upper "HELLOABC\\nWORLD"');
      expect((await caret(upper)).slice(0, 2)).toEqual([8, 8]);
      // The next keys are inserted at the caret.
      await page.keyboard.press("Enter");
      await page.keyboard.type("d");
      await holds(upper, "HELLOABC\nD\nWORLD");
      await page.keyboard.press("Backspace");
      await page.keyboard.press("Backspace");
      await holds(upper, "HELLOABC\nWORLD");
      await server(page, 'upper "HELLOABC\\nWORLD"');
    });
  }

  test(`a selection survives the reply: ${latency} ms`, async ({ page, network }) => {
    network.latency = latency / 2;
    await open(page, `${network.url}/prose`);
    const upper = field(page, "Upper plain");
    network.hold();
    await upper.focus();
    await page.keyboard.type("hello world");
    await upper.evaluate((area: Area) => area.setSelectionRange(2, 7, "backward"));
    network.release();
    await holds(upper, "HELLO WORLD");
    expect(await caret(upper)).toEqual([2, 7, "backward"]);
  });
}

test("older values do not overwrite typed text", async ({ page, network }) => {
  network.latency = 150;
  await open(page, `${network.url}/prose`);
  await call(page, "set", "");
  await field(page, "Plain").focus();
  const text = "the quick brown fox jumps over the lazy dog";
  await page.keyboard.type(text, { delay: 15 });
  await holds(field(page, "Plain"), text);
  await server(page, `plain "${text}"`);
  await holds(field(page, "Plain"), text);
});

test("text typed before the client runs is an edit", async ({ page, app }) => {
  await page.addInitScript(() => {
    document.addEventListener("readystatechange", () => {
      if (document.readyState != "interactive") return;
      document.querySelector<HTMLElement>("[aria-label=Plain]")!.focus();
      document.execCommand("insertText", false, "typed ");
    });
  });
  await open(page, `${app.url}/prose`);
  await server(page, 'plain "typed <b>one</b>\\ntwo\\n"');
  await holds(field(page, "Plain"), "typed <b>one</b>\ntwo\n");
  await expect(page.locator("#edits")).toHaveText("plain");
});

test("the server's values wait during a composition", async ({ page, network }) => {
  await open(page, `${network.url}/prose`);
  const upper = field(page, "Upper plain");
  await upper.focus();
  network.hold();
  await page.keyboard.type("abc");
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send("Input.imeSetComposition", { text: "n", selectionStart: 1, selectionEnd: 1 });
  network.release();
  await server(page, 'upper "ABC"');
  expect(await upper.evaluate((area: Area) => area.value)).toBe("abcn");
  await keyboard.send("Input.imeSetComposition", { text: "ni", selectionStart: 2, selectionEnd: 2 });
  await keyboard.send("Input.insertText", { text: "に" });
  await holds(upper, "ABCに");
  await server(page, 'upper "ABCに"');
  expect((await caret(upper)).slice(0, 2)).toEqual([4, 4]);
});

test("foreign nodes inside are no error, and their text is included", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  const rich = field(page, "Rich");
  await rich.evaluate((node) => {
    node.innerHTML = "<!-- x --><p>one</p><p><b>tw</b><i>o</i><br></p><grammar-check></grammar-check><span hidden>no</span>three<br>";
    node.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await server(page, 'rich "one\\ntwo\\nthree"');
  await rich.evaluate((node) => {
    node.querySelector("i")!.append("!");
    getSelection()!.collapse(node.querySelector("i"), 1);
    node.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await server(page, 'rich "one\\ntwo!\\nthree"');
  expect((await caret(rich)).slice(0, 2)).toEqual([7, 7]);
  await call(page, "set", "server");
  await holds(rich, "server");
  expect(await rich.evaluate((node) => node.childNodes.length)).toBe(1);
});

test("it is sent at the events of its modifiers, and before an action", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  await field(page, "Amount").focus();
  await page.keyboard.type("12");
  await field(page, "Later").focus();
  await server(page, "amount 12");
  await page.keyboard.type(" x ");
  await server(page, 'later ""');
  await press(page, "Tick");
  await server(page, 'later "x"');
});

test("text that the server rejects is kept and marked until it is accepted", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  const amount = field(page, "Amount");
  await amount.focus();
  await page.keyboard.type("1x");
  await amount.blur();
  await expect(amount).toHaveAttribute("aria-invalid", "true");
  await holds(amount, "1x");
  await server(page, "amount none");
  await amount.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await amount.blur();
  await server(page, "amount 1");
  await expect(amount).not.toHaveAttribute("aria-invalid");
});

test("it is shown as unsent until the server acknowledges it", async ({ page, network }) => {
  await open(page, `${network.url}/prose`);
  network.hold();
  await field(page, "Plain").focus();
  await page.keyboard.type("x");
  await expect(page.locator("#dirty")).toBeVisible();
  network.release();
  await expect(page.locator("#dirty")).toBeHidden();
});

test("rows have separate texts and keep the caret while other rows are inserted", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  await press(page, "Add");
  await field(page, "Row 1").click();
  await page.keyboard.press("End");
  await page.keyboard.type("!");
  await server(page, 'rows ["row 1!"]');
  await call(page, "add");
  await expect(page.locator("li")).toHaveText(["row 2", "row 1!"]);
  await page.keyboard.type("?");
  await server(page, 'rows ["row 2", "row 1!?"]');
});

for (const moves of [true, false]) {
  test(`a moved row keeps the focus and the selection${moves ? "" : ", without moveBefore"}`, async ({ page, app }) => {
    await page.addInitScript((moves) => {
      if (!moves) delete (Element.prototype as { moveBefore?: unknown }).moveBefore;
    }, moves);
    await open(page, `${app.url}/prose`);
    await press(page, "Add");
    await press(page, "Add");
    await expect(page.locator("li")).toHaveText(["row 2", "row 1"]);
    const first = field(page, "Row 1");
    await first.evaluate((area: Area) => {
      area.focus();
      area.setSelectionRange(1, 3, "backward");
    });
    await call(page, "turn");
    await expect(page.locator("li")).toHaveText(["row 1", "row 2"]);
    await expect(first).toBeFocused();
    expect(await caret(first)).toEqual([1, 3, "backward"]);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.type("!");
    await server(page, 'rows ["row! 1", "row 2"]');
  });
}

test("its text is the value of its events", async ({ page, app }) => {
  await open(page, `${app.url}/prose`);
  await field(page, "Said").focus();
  await page.keyboard.type("words");
  await expect(page.locator("#said output")).toHaveText("words");
});

test("without its module the page works and shows the server's text", async ({ page, app, problems }) => {
  problems.expect(/503|the module "editable" cannot be loaded/);
  await page.route(/\/live\/module\/.*\/editable\.js/, (route) => route.fulfill({ status: 503, body: "" }));
  await open(page, `${app.url}/prose`);
  const rich = field(page, "Rich");
  await rich.click();
  await page.keyboard.type("typed");
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await call(page, "set", "said");
  await expect(rich).toHaveText("said");
  await press(page, "Add");
  await expect(field(page, "Row 1")).toHaveText("row 1");
  await server(page, 'rich "said"');
});
