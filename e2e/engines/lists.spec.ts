// Lists whose items are inserted, removed and moved.

import { cannot, expect, test } from "./test.ts";
import type { Page } from "./page.ts";

/** Returns the lists of the page in the format of the server. */
const shown = (window: Page) =>
  window.run(() =>
    [...document.querySelectorAll("#groups > .group")]
      .map((group) => {
        const items = [...group.querySelectorAll("ol > li")].map((item) => item.textContent);
        return `${group.querySelector("b")?.textContent}: ${items.join(", ")}`;
      })
      .join("; "),
  );
const order = async (window: Page) => (await window.texts("#order"))[0];

/** Clicks a button without focusing it, and waits for the change. */
async function change(window: Page, button: string): Promise<void> {
  const before = await order(window);
  await window.on(window.button(button), (element: HTMLElement) => element.click());
  await expect.poll(() => order(window)).not.toBe(before);
  expect(await shown(window)).toBe(await order(window));
}

test("any sequence of changes gives the server's order", async ({ window, app }) => {
  await window.open(`${app.url}/lists`);
  for (let round = 0; round < 10; round++) await change(window, "Shuffle");
});

test("moved items keep their element, text, selection and focus", async ({ window, app }) => {
  await window.open(`${app.url}/lists`);
  await window.fill("Of 5", "typed");
  const input = await window.field("Of 5");
  await window.on(input, (element: HTMLInputElement) => element.setSelectionRange(1, 4));
  for (const button of ["Last first", "Reverse"]) {
    await change(window, button);
    const state = (element: HTMLInputElement) => [
      element == document.activeElement,
      element.value,
      element.selectionStart,
      element.selectionEnd,
    ];
    // The same element: a reference to another one would be stale.
    expect(await window.on(input, state)).toEqual([true, "typed", 1, 4]);
  }
});

test("animations in moved items continue", async ({ window, app }) => {
  await window.open(`${app.url}/lists`);
  const input = await window.field("Of 5");
  await window.on(input, (element: HTMLElement) => {
    element.animate({ opacity: [0.2, 1] }, { duration: 600_000 }).currentTime = 300_000;
  });
  for (const button of ["Last first", "Reverse"]) await change(window, button);
  const state = (element: HTMLElement) =>
    element.getAnimations().map(({ playState, currentTime }) => [playState, Number(currentTime) >= 300_000]);
  expect(await window.on(input, state)).toEqual([["running", true]]);
});

const limits = cannot({
  firefox: "its moveBefore sets scroll positions back",
  webkitgtk: "it has no moveBefore, and insertBefore sets scroll positions back",
});
test("scroll positions in moved items are kept", limits, async ({ window, app }) => {
  await window.open(`${app.url}/lists`);
  const input = await window.field("Of 5");
  await window.on(input, (element: HTMLElement) => {
    const scroller = document.createElement("div");
    Object.assign(scroller.style, { height: "40px", overflow: "auto" });
    const tall = document.createElement("p");
    tall.style.height = "400px";
    scroller.append(tall);
    element.after(scroller);
    scroller.scrollTop = 120;
  });
  for (const button of ["Last first", "Reverse"]) await change(window, button);
  expect(await window.on(input, (element) => element.nextElementSibling?.scrollTop)).toBe(120);
});

test("the empty state is shown and hidden beside the list", async ({ window, app }) => {
  await window.open(`${app.url}/lists`);
  for (let round = 0; round < 2; round++) {
    await window.press("Clear");
    await window.showsTexts(".group", []);
    await window.showsPart("section", "Empty.");
    await window.press("Refill");
    await window.showsTexts(".group b", ["1", "2", "3", "4", "5"]);
    expect(await shown(window)).toBe(await order(window));
    expect((await window.texts("section"))[0]).not.toContain("Empty.");
  }
});

test("thousands of rows are created, swapped, reversed and cleared", async ({ window, demo }) => {
  await window.open(`${demo.url}/rows`);
  const ids = async () => (await window.texts("tbody tr td:first-child")).map(Number);
  await window.press("Create 1,000");
  await window.showsText(".tally", "1000 rows");
  await window.press("Prepend 1,000");
  await window.showsText(".tally", "2000 rows");
  const range = (from: number) => Array.from({ length: 1000 }, (_, n) => from + n);
  const expected = [...range(1001), ...range(1)];
  expect(await ids()).toEqual(expected);
  await window.press("Swap");
  [expected[1], expected[1998]] = [expected[1998]!, expected[1]!];
  await expect.poll(ids).toEqual(expected);
  await window.press("Reverse");
  await expect.poll(ids).toEqual(expected.reverse());
  await window.press("Clear");
  await window.showsText(".tally", "0 rows");
  expect(await ids()).toEqual([]);
});
