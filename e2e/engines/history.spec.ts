// Back and forward, to pages in the back/forward cache and to other pages.

import { cannot, expect, test } from "./test.ts";

test("back and forward lead to live pages without the back/forward cache", async ({ window, demo }) => {
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

const limits = cannot({ firefox: "it keeps no page that has an open socket" });
test("a page from the back/forward cache continues with its session", limits, async ({ window, app }) => {
  await window.open(`${app.url}/ways?cached=true`);
  await window.press("Add");
  await window.showsText("#count", "1");
  await window.run(() => void (document.title = "kept"));
  await window.open(`${app.url}/lists`);
  await window.driver.navigate().back();
  expect(await window.driver.getTitle()).toBe("kept");
  await window.live();
  await window.showsText("#count", "1");
  await window.press("Add");
  await window.showsText("#count", "2");
});

test("a page that receives the cache event continues with its session", async ({ window, app }) => {
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
