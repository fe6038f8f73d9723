// The first paint and a click.

import { expect, test } from "./test.ts";

test("the first paint has the text, and a click changes it", async ({ window, demo }) => {
  const html = await (await fetch(`${demo.url}/counter`)).text();
  expect(html).toMatch(/class="count"[^>]*>0</);
  await window.open(`${demo.url}/counter`);
  await window.showsText(".count", "0");
  await window.press("Increment");
  await window.showsText(".count", "1");
});

test("clicks before the client has loaded run once", async ({ window, app }) => {
  await window.openPainted(`${app.url}/elements`);
  for (let n = 0; n < 3; n++) await window.press("Tick");
  await window.showsText("#ticks", "0");
  await window.loadClient();
  await window.showsText("#ticks", "3");
  await window.press("Tick");
  await window.showsText("#ticks", "4");
});
