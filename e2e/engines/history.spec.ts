// Back, forward and reload.

import { expect, test } from "./test.ts";

test("back and forward lead to live pages, also where the browser keeps none", async ({ window, demo }) => {
  await window.open(`${demo.url}/counter`);
  await window.press("Increment");
  await window.showsText(".count", "1");
  await window.press("Todo");
  await window.showsText("h1", "Todo");
  await window.live();
  await window.driver.navigate().back();
  await window.showsText("h1", "Counter");
  await window.live();
  const count = Number((await window.texts(".count"))[0]);
  await window.press("Increment");
  await window.showsText(".count", String(count + 1));
  await window.driver.navigate().forward();
  await window.showsText("h1", "Todo");
  await window.live();
});

test("a page from the browser's cache goes on with its session", async ({ window, app }) => {
  await window.open(`${app.url}/ways`);
  await window.press("Add");
  await window.showsText("#count", "1");
  await window.run(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  await expect.poll(() => window.run(() => document.documentElement.getAttribute("live-connection"))).toBe("stopped");
  await window.run(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await window.live();
  await window.press("Add");
  await window.showsText("#count", "2");
});
