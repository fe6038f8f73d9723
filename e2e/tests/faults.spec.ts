import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Collects what the page is told of failures. */
const listen = (page: import("@playwright/test").Page) =>
  page.evaluate(() => {
    const heard: { code: string; message: string }[] = [];
    Object.assign(window, { heard });
    document.addEventListener("live:error", (event) => heard.push((event as CustomEvent).detail));
  });
const heard = (page: import("@playwright/test").Page) =>
  page.evaluate(() => (window as unknown as { heard: { code: string; message: string }[] }).heard);

test("a handler that fails leaves the state as it was, and the page goes on", async ({ page }) => {
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

test("a page whose component cannot be mounted is a 500, and the server lives", async ({ page, problems }) => {
  // The second is the icon that a page of plain text does not name.
  problems.expect(/500/, /404/);
  const response = await page.goto("/broken");
  expect(response?.status()).toBe(500);
  expect(await response?.text()).not.toContain("secret");
  await open(page, "/faults");
});

test("a component that cannot be mounted leaves the others alone", async ({ page }) => {
  await page.goto("/broken-by-hand");
  await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
  await page.getByRole("button", { name: "Fine" }).click();
  await expect(page.locator("#count")).toHaveText("1");
  await expect(page.locator("live-component[name=broken]")).toHaveAttribute("live-state", "error");
});

test("a child's fault is the child's alone, and props reach it", async ({ page }) => {
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

  // A child that comes, goes and comes again is a new one.
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

test("a component that cannot be mounted is not tried for ever, and the page goes on", async ({ page }) => {
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
  // The page lives, however long; what is given up is not tried again by what happens beside it.
  for (let n = 1; n <= 5; n++) {
    await page.getByRole("button", { name: "Fine" }).click();
    await expect(page.locator("#count")).toHaveText(String(n));
  }
  expect(tries).toBe(before);
});
