// The first paint, and the way of a click.

import { expect, test } from "./test.ts";

test("the first paint has the text, and a click changes it", async ({ window, demo }) => {
  const html = await (await fetch(`${demo.url}/counter`)).text();
  expect(html).toMatch(/class="count"[^>]*>0</);
  await window.open(`${demo.url}/counter`);
  await window.showsText(".count", "0");
  await window.press("Increment");
  await window.showsText(".count", "1");
});
