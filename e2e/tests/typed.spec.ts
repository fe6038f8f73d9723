// Typed and unsent text when the page must reload because the visitor's cookie is gone.

import { Network } from "./network.ts";
import { expect, live, open, test } from "./test.ts";

for (const path of ["/chat/typed", "/form"]) {
  test(`typed text survives the loss of the cookie: ${path}`, async ({ page, demo, problems }) => {
    problems.expect(/WebSocket connection to .* failed/);
    const network = await Network.before(demo.url);
    await open(page, network.url + path);
    const fields = page.locator("main").getByRole("textbox");
    const texts = ["half a line", "second", "third", "fourth"];
    const filled = (await fields.count()) > 1 ? 2 : 1;
    for (let at = 0; at < filled; at++) await fields.nth(at).fill(texts[at]!);
    await page.context().clearCookies();
    const reload = page.waitForEvent("load");
    network.cut();
    await reload;
    await live(page);
    for (let at = 0; at < filled; at++) await expect(fields.nth(at)).toHaveValue(texts[at]!);
    // It counts as an edit.
    await page.evaluate(() => document.querySelector<HTMLElement>("main input")!.focus());
    await page.keyboard.press("End");
    await page.keyboard.type("!");
    await expect(fields.first()).toHaveValue(`${texts[0]}!`);
    expect(await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith("live-typed")))).toEqual([]);
    await page.close();
    await network.remove();
  });
}

test("text that cannot be restored is reported", async ({ page }) => {
  await open(page, "/counter");
  await page.evaluate(() => {
    sessionStorage["live-typed /counter"] = JSON.stringify({ kept: [{ place: "counter 0", at: 0, count: 1, exact: "absent", alike: "absent", keys: [7], name: "title", value: "mine" }] });
  });
  await page.addInitScript(() => {
    document.addEventListener("live:error", (event) => ((window as any).told = (event as CustomEvent).detail));
  });
  await page.reload();
  await expect.poll(() => page.evaluate(() => (window as any).told?.details)).toEqual({ field: "title", value: "mine", keys: [7] });
  expect(await page.evaluate(() => (window as any).told.code)).toBe("typed_lost");
  await expect(page.getByRole("alert")).toContainText("could not be put back");
});

test("a password is not stored", async ({ page, demo, problems }) => {
  problems.expect(/WebSocket connection to .* failed/);
  const network = await Network.before(demo.url);
  await open(page, `${network.url}/form`);
  const password = page.locator("main input[type=password]").first();
  if ((await password.count()) == 0) {
    // The demo has no password field: the test adds one.
    await page.evaluate(() => {
      const input = document.querySelector("main live-component")!.appendChild(document.createElement("input"));
      input.type = "password";
      input.value = "secret";
    });
  } else await password.fill("secret");
  await page.addInitScript(() => ((window as any).kept = JSON.stringify({ ...sessionStorage })));
  await page.context().clearCookies();
  const reload = page.waitForEvent("load");
  network.cut();
  await reload;
  expect(await page.evaluate(() => (window as any).kept)).toContain("live-reload");
  expect(await page.evaluate(() => (window as any).kept)).not.toContain("secret");
  await page.close();
  await network.remove();
});
