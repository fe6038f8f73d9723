import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Collects the failures that the page reports. */
const listen = (page: import("@playwright/test").Page) =>
  page.evaluate(() => {
    const heard: { code: string; message: string }[] = [];
    Object.assign(window, { heard });
    document.addEventListener("live:error", (event) => heard.push((event as CustomEvent).detail));
  });
const heard = (page: import("@playwright/test").Page) =>
  page.evaluate(() => (window as unknown as { heard: { code: string; message: string }[] }).heard);

test("a failed handler leaves the state unchanged, and the page continues", async ({ page }) => {
  await open(page, "/faults");
  await listen(page);
  const count = page.locator("#count");
  await page.getByRole("button", { name: "Fine" }).click();
  await expect(count).toHaveText("1");
  for (const [button, code] of [["Explode", "panicked"], ["Refuse", "action_failed"], ["Fail", "action_failed"]] as const) {
    const before = (await heard(page)).length;
    await page.getByRole("button", { name: button }).click();
    await expect.poll(async () => (await heard(page)).length).toBe(before + 1);
    expect((await heard(page)).at(-1)?.code).toBe(code);
    await expect(count).toHaveText("1");
  }
  await page.getByRole("button", { name: "Fine" }).click();
  await expect(count).toHaveText("2");
  const messages = (await heard(page)).map((error) => error.message);
  expect(messages[1]).toBe("Not today.");
  expect(messages.join(" ")).not.toContain("secret");
});

test("a page whose component cannot be mounted has status 500, and the server continues", async ({ page, problems }) => {
  // The second error is the icon, because the text page names none.
  problems.expect(/500/, /404/);
  const response = await page.goto("/broken");
  expect(response?.status()).toBe(500);
  expect(await response?.text()).not.toContain("secret");
  await open(page, "/faults");
});

test("a component that cannot be mounted does not affect others", async ({ page }) => {
  await page.goto("/broken-by-hand");
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await page.getByRole("button", { name: "Fine" }).click();
  await expect(page.locator("#count")).toHaveText("1");
  await expect(page.locator("live-component[name=broken]")).toHaveAttribute("live-state", "error");
});

test("an error of a child does not affect its parent, and props reach it", async ({ page }) => {
  await open(page, "/family");
  const given = page.locator(".given");
  const own = page.locator(".own");
  await expect(given).toHaveText(["0"]);
  await page.getByRole("button", { name: "Add" }).click();
  await expect(own).toHaveText(["1"]);
  await page.getByRole("button", { name: "Raise" }).click();
  await expect(given).toHaveText(["10"]);
  await expect(own).toHaveText(["1"]);
  await page.getByRole("button", { name: "Break" }).click();
  await page.getByRole("button", { name: "Add" }).click();
  await expect(own).toHaveText(["2"]);
  await expect(page.locator("#start")).toHaveText("10");

  // A child that is removed and shown again is a new one.
  await page.getByRole("button", { name: "Toggle" }).click();
  await live(page);
  await expect(given).toHaveText(["10", "11"]);
  await page.getByRole("button", { name: "Add" }).last().click();
  await expect(own).toHaveText(["2", "1"]);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect(given).toHaveCount(1);
  await page.getByRole("button", { name: "Toggle" }).click();
  await expect(own).toHaveText(["2", "0"]);
});

test("a component that cannot be mounted is not retried without end, and the page continues", async ({ page }) => {
  let tries = 0;
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const { type, payload: what } = JSON.parse(payload.toString());
      if (type === "COMPONENT_MOUNT" && what.component === "broken") tries++;
    }),
  );
  await page.goto("/broken-by-hand");
  await expect(page.locator("live-component[name=broken]")).toHaveAttribute("live-state", "error");
  const before = tries;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThanOrEqual(3);
  // The page works for any time; changes beside the failed component do not retry it.
  for (let n = 1; n <= 5; n++) {
    await page.getByRole("button", { name: "Fine" }).click();
    await expect(page.locator("#count")).toHaveText(String(n));
  }
  expect(tries).toBe(before);
});
