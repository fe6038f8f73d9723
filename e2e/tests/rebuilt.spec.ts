// A rebuilt view: typed text is restored in its own control and in no other one.

import type { Locator, Page } from "@playwright/test";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const LARGE = "9007199254740993";
const server = (page: Page, text: string) => expect(page.locator("#server")).toHaveText(text);
const row = (page: Page, list: string, at: number) => page.locator(`#${list} :is(input, textarea)`).nth(at);
const values = (page: Page, list: string) =>
  expect.poll(() => page.locator(`#${list} :is(input, textarea)`).evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value)));

/** Makes the next change, which a button triggers, rebuild the component's view. */
async function rebuild(page: Page, button: string): Promise<void> {
  const next = Number(await page.locator("#ticks").textContent()) + 1;
  await page.evaluate((name) => {
    document.querySelector("#spare")!.remove();
    [...document.querySelectorAll("button")].find((one) => one.textContent == name)!.click();
  }, button);
  await expect(page.locator("#ticks")).toHaveText(`${next}`);
  await expect(page.locator("#spare")).toHaveText(`${next}`);
  await live(page);
}

/** Records the messages to the page. */
const watch = (page: Page) =>
  page.addInitScript(() => {
    const told: unknown[] = Object.assign(window, { told: [] }).told;
    document.addEventListener("live:error", (event) => {
      const { code, details } = (event as CustomEvent).detail;
      told.push([code, details.field, details.value]);
    });
  });
const told = (page: Page) => page.evaluate(() => (window as unknown as { told: unknown[] }).told);
const edits = (page: Page) => {
  const found: string[] = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const text = payload.toString();
      if (text.includes('"PROPERTY_UPDATE"')) found.push(/"payload":(.*)\}$/.exec(text)![1]!);
    }),
  );
  return found;
};

test("text in a row with a field stays in its row and is sent once", async ({ page }) => {
  await watch(page);
  const sent = edits(page);
  await open(page, "/rebuilt");
  await row(page, "models", 2).pressSequentially("x");
  await server(page, `1: 2: ${LARGE}:x`);
  await rebuild(page, "Tick");
  await values(page, "models").toEqual(["", "", "x"]);
  await values(page, "bound").toEqual(["", "", ""]);
  await rebuild(page, "Turn");
  await values(page, "models").toEqual(["x", "", ""]);
  await server(page, `${LARGE}:x 1: 2:`);
  expect(sent).toHaveLength(1);
  expect(await told(page)).toEqual([]);
});

for (const list of ["bound", "plain"]) {
  test(`text in a row without a field follows its row: ${list}`, async ({ page }) => {
    await watch(page);
    await open(page, "/rebuilt");
    await row(page, list, 0).fill("first");
    await row(page, list, 2).fill("third");
    await rebuild(page, "Tick");
    await values(page, list).toEqual(["first", "", "third"]);
    await rebuild(page, "Turn");
    await values(page, list).toEqual(["third", "first", ""]);
    expect(await told(page)).toEqual([]);
    await rebuild(page, "Shift");
    await values(page, list).toEqual(["first", ""]);
    // It was removed with its row before the view was rebuilt.
    expect(await told(page)).toEqual([]);
    await server(page, "1: 2:");
  });
}

test("text is not put into the control that replaced its own", async ({ page }) => {
  await watch(page);
  await open(page, "/rebuilt");
  await page.locator("#two").fill("two");
  await rebuild(page, "Swap");
  await expect(page.locator("#one")).toHaveValue("");
  expect(await told(page)).toEqual([]);
});

test("text in a child is reported, and not put into a control of the same name", async ({ page }) => {
  await watch(page);
  await open(page, "/rebuilt");
  await page.getByLabel("Inner").fill("child's");
  await rebuild(page, "Tick");
  await values(page, "models").toEqual(["", "", ""]);
  await values(page, "bound").toEqual(["", "", ""]);
  await server(page, `1: 2: ${LARGE}:`);
  expect(await told(page)).toEqual([["typed_lost", "text", "child's"]]);
});

test("the focus and the selection are kept, also in a control without a name", async ({ page }) => {
  await open(page, "/rebuilt");
  const free = page.getByLabel("Free");
  await free.fill("some text");
  await free.evaluate((input: HTMLInputElement) => input.setSelectionRange(2, 4));
  await rebuild(page, "Tick");
  await expect(free).toHaveValue("some text");
  await expect(free).toBeFocused();
  expect(await free.evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd])).toEqual([2, 4]);
});

test("text typed before the client runs is kept if the page differs from its template", async ({ page }) => {
  await watch(page);
  await page.addInitScript(() => {
    document.addEventListener("readystatechange", () => {
      if (document.readyState != "interactive") return;
      document.querySelector("#spare")!.remove();
      const type = (selector: string, at = 0) => {
        document.querySelectorAll<HTMLElement>(selector)[at]!.focus();
        document.execCommand("insertText", false, "typed");
      };
      type("#models input", 1);
      type("[aria-label=Free]");
      type("[aria-label=Prose]");
      type("[aria-label=Late]");
    });
  });
  await open(page, "/rebuilt");
  await expect(page.locator("#spare")).toHaveText("0");
  await server(page, `1: 2:typed ${LARGE}:`);
  await values(page, "models").toEqual(["", "typed", ""]);
  await values(page, "bound").toEqual(["", "", ""]);
  await expect(page.getByLabel("Free")).toHaveValue("typed");
  await expect(page.locator("#prose")).toHaveText("typed");
  await expect(page.getByLabel("Late")).toHaveValue("typed");
  expect(await told(page)).toEqual([]);
});

const text = (locator: Locator) => locator.textContent();

test("a row with different content gets no text that was typed before the client runs", async ({ page }) => {
  await watch(page);
  await page.addInitScript(() => {
    document.addEventListener("readystatechange", () => {
      if (document.readyState != "interactive") return;
      document.querySelector("#spare")!.remove();
      document.querySelectorAll("#plain b")[1]!.textContent = "another row";
      document.querySelectorAll("textarea")[1]!.value = "typed";
    });
  });
  await open(page, "/rebuilt");
  await expect(page.locator("#spare")).toHaveText("0");
  await values(page, "plain").toEqual(["", "", ""]);
  expect(await text(page.locator("#plain b").nth(1))).toBe("row");
  await expect.poll(() => told(page)).toEqual([["typed_lost", "", "typed"]]);
});
