// Checkboxes that share one list: the checked values are the items of the list.

import type { Page } from "@playwright/test";
import { expect, live, open, test } from "./networked.ts";

const box = (page: Page, name: string) => page.getByRole("checkbox", { name, exact: true });
const server = (page: Page, part: string) => expect(page.locator("#server")).toContainText(`${part} |`);
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const ticked = (page: Page, names: string[]) =>
  expect
    .poll(() => page.locator("input:checked:not([name=posted])").evaluateAll((boxes) => boxes.map((box) => box.parentElement!.textContent!.trim())))
    .toEqual(names);

// The boxes of each list, the list after the first, last and middle one are checked and the last
// one is unchecked (`both`), and the list after the first is checked again (`moved`).
const KINDS = [
  { kind: "texts, static", boxes: ["red", "green", "blue"], both: "colors gone red green", moved: "colors gone green red", begins: true },
  { kind: "texts, dynamic", boxes: ["one", "two", "three"], both: "picks one two", moved: "picks two one" },
  {
    kind: "numbers of all digits",
    boxes: ["1", "9007199254740993", "18446744073709551615"],
    both: "numbers 1 9007199254740993",
    moved: "numbers 9007199254740993 1",
  },
  { kind: "variants", boxes: ["small", "medium", "large"], both: "sizes [Small, Medium]", moved: "sizes [Medium, Small]" },
];

for (const latency of [0, 300]) {
  for (const { kind, boxes, both, moved, begins } of KINDS) {
    test(`boxes that are checked quickly are all in the list: ${kind}, ${latency} ms`, async ({ page, network }) => {
      network.latency = latency / 2;
      await open(page, `${network.url}/groups`);
      const [first, second, third] = boxes.map((name) => box(page, name));
      await expect(third!).toBeChecked({ checked: !!begins });
      await first!.check();
      if (!begins) await third!.check();
      await second!.check();
      await third!.uncheck();
      await server(page, both);
      await press(page, "Tick");
      await expect(page.locator("#ticks")).toHaveText("1");
      await ticked(page, begins ? ["red", "green"] : ["blue", boxes[0]!, boxes[1]!]);
      // The order of the others does not change.
      await first!.uncheck();
      await first!.check();
      await server(page, moved);
    });
  }
}

test("the first paint without a script has the checked boxes", async ({ browser, app }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${app.url}/groups`);
  await ticked(page, ["blue"]);
  await context.close();
});

test("the boxes show the server's changes of the list", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  const call = (action: string, ...args: unknown[]) =>
    page.evaluate(
      async ([action, args]) => {
        const { component } = await import("/live/client.js" as string);
        await component(document.querySelector("live-component")).call(action, ...args);
      },
      [action, args] as const,
    );
  await call("set", ["green", "red", "two"]);
  await ticked(page, ["red", "green", "two"]);
  await call("set", []);
  await ticked(page, []);
  // A box that is inserted later, and one whose value changes.
  await call("set", ["four", "five"]);
  await call("offer", ["one", "four"]);
  await ticked(page, ["four"]);
  await call("offer", ["five", "one", "four"]);
  await ticked(page, ["five", "four"]);
  await box(page, "four").uncheck();
  await server(page, "picks five");
});

test("an item whose box is removed stays in the list", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await box(page, "green").check();
  await press(page, "Hide");
  await expect(box(page, "green")).toHaveCount(0);
  await box(page, "red").check();
  await box(page, "blue").uncheck();
  await server(page, "colors gone green red");
  await press(page, "Show");
  await ticked(page, ["red", "green"]);
});

test("a null list has no items", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await server(page, "maybe None");
  await box(page, "y").check();
  await box(page, "x").check();
  await server(page, 'maybe Some(["y", "x"])');
  await press(page, "Forget");
  await ticked(page, ["blue"]);
  await box(page, "x").check();
  await server(page, 'maybe Some(["x"])');
  await box(page, "x").uncheck();
  await server(page, "maybe Some([])");
});

test("a boolean can have a box with a value", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await box(page, "agree").check();
  await server(page, "agree true");
  await box(page, "agree").uncheck();
  await server(page, "agree false");
});

test("the boxes of a row belong to its own list", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await press(page, "Start");
  await box(page, "b1").check();
  await box(page, "a2").check();
  await box(page, "a1").check();
  await server(page, "rows b a/a");
  await ticked(page, ["blue", "a1", "b1", "a2"]);
});

test("boxes are sent at the events of their modifiers, and before an action", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await box(page, "l").check();
  await box(page, "p").check();
  // The first edit is sent because its box lost the focus; the pause of the second one has not
  // ended.
  await server(page, "left l");
  await server(page, "paused ");
  await box(page, "q").check();
  await press(page, "Tick");
  await server(page, "paused p q");
  await ticked(page, ["blue", "l", "p", "q"]);
});

test("the list is shown as unsent until the server acknowledges it", async ({ page, network }) => {
  await open(page, `${network.url}/groups`);
  const dirty = page.locator("#dirty");
  await expect(dirty).toBeHidden();
  network.hold();
  await box(page, "red").check();
  await expect(dirty).toBeVisible();
  await box(page, "blue").uncheck();
  network.release();
  await expect(dirty).toBeHidden();
  await server(page, "colors gone red");
});

test("a rejected box stays checked with its error until the list is valid", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await box(page, "small").check();
  await server(page, "sizes [Small]");
  await box(page, "huge").check();
  await expect(box(page, "huge")).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator("#size-errors li")).toHaveCount(1);
  await expect(box(page, "huge")).toBeChecked();
  await server(page, "sizes [Small]");
  // Still rejected: the boxes show the values that were sent.
  await box(page, "medium").check();
  await expect(box(page, "medium")).toHaveAttribute("aria-invalid", "true");
  await server(page, "sizes [Small]");
  await box(page, "huge").uncheck();
  await server(page, "sizes [Small, Medium]");
  await expect(page.locator("#size-errors li")).toHaveCount(0);
  await expect(page.locator("[aria-invalid]")).toHaveCount(0);
  await ticked(page, ["blue", "small", "medium"]);
});

test("a reset of the form edits the list", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await box(page, "red").check();
  await box(page, "blue").uncheck();
  await server(page, "colors gone red");
  await press(page, "Reset");
  await expect(box(page, "blue")).toBeChecked({ checked: await box(page, "blue").evaluate((box: HTMLInputElement) => box.defaultChecked) });
  const shown = await page.locator("#colors input:checked").evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
  await server(page, ["colors gone", ...shown].join(" "));
});

test("boxes that are checked before the client runs are edits", async ({ page, app }) => {
  await page.addInitScript(() => {
    document.addEventListener("readystatechange", () => {
      if (document.readyState != "interactive") return;
      for (const value of ["red", "green"]) document.querySelector<HTMLInputElement>(`[value=${value}]`)!.click();
    });
  });
  await open(page, `${app.url}/groups`);
  await server(page, "colors blue gone red green");
  await ticked(page, ["red", "green", "blue"]);
});

test("checked boxes are restored by value after the client has reloaded the page", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  await page.evaluate(() => {
    const kept = ["red", "green", "pink"].map((value) => ({
      place: "groups 0", at: 0, count: 1, depth: 1, exact: "", alike: JSON.stringify([[[], "input", "checkbox", value], "colors"]), keys: [], name: "color", value: true,
    }));
    sessionStorage["live-typed /groups"] = JSON.stringify({ kept });
  });
  await page.addInitScript(() => {
    document.addEventListener("live:error", (event) => ((window as any).told = (event as CustomEvent).detail.details));
  });
  await page.reload();
  await live(page);
  await server(page, "colors blue gone red green");
  await ticked(page, ["red", "green", "blue"]);
  await expect.poll(() => page.evaluate(() => (window as any).told)).toEqual({ field: "color", value: true, keys: [] });
});

test("a form sends the values of its boxes as a list", async ({ page, app }) => {
  await open(page, `${app.url}/groups`);
  for (const [names, posted] of [[["4"], "1 4"], [["5"], "2 4 5"]] as const) {
    for (const name of names) await box(page, name).check();
    await press(page, "Post");
    await expect(page.locator("#posted")).toHaveText(posted);
  }
  for (const name of ["4", "5"]) await box(page, name).uncheck();
  await press(page, "Post");
  await expect(page.locator("#posted")).toHaveText("0");
});

test("an optimistic update reads the boxes of a form as a list, for any number of boxes", async ({ page, network }) => {
  await open(page, `${network.url}/groups`);
  network.hold();
  for (const [name, posted] of [["", "0"], ["5", "1 5"], ["4", "2 4 5"]] as const) {
    if (name) await box(page, name).check();
    await press(page, "Post");
    await expect(page.locator("#posted")).toHaveText(posted);
  }
  network.release();
  await press(page, "Tick");
  await expect(page.locator("#ticks")).toHaveText("1");
  await expect(page.locator("#posted")).toHaveText("2 4 5");
});
