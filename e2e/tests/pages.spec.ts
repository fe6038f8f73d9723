import { AxeBuilder } from "@axe-core/playwright";
import { expect, open, test } from "./test.ts";

const paths = ["/", "/counter", "/chat", "/form", "/todo", "/seats", "/rows", "/hook"];
const name = (path: string) => path.slice(1) || "home";

for (const path of paths) {
  test(`${path} is accessible in the light and the dark scheme`, async ({ page }) => {
    await open(page, path);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // The coloured sources are the same on every page, and long.
      const sources = path === "/counter" ? [] : ["pre.source code"];
      const { violations } = await sources.reduce((axe, one) => axe.exclude(one), new AxeBuilder({ page })).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`)).toEqual([]);
    }
  });

  test(`${path} fits every screen`, async ({ page }, info) => {
    for (const [device, width, height] of [["desktop", 1280, 900], ["phone", 390, 844], ["small", 320, 640]] as const) {
      await page.setViewportSize({ width, height });
      await open(page, path);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${device} does not scroll sideways`).toBeLessThanOrEqual(0);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.screenshot({ path: info.outputPath(`${name(path)}-${device}-${colorScheme}.png`) });
      }
    }
  });
}

test("every page has its title and its content", async ({ page }) => {
  await open(page, "/");
  for (const link of ["Counter", "Chat", "Form", "Todo", "Rows"]) {
    await page.getByRole("navigation").getByRole("link", { name: link }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(link);
    await expect(page.locator("html")).toHaveAttribute("live-connection", "connected");
    await expect(page.getByRole("status").filter({ hasText: "Live" }).first()).toBeVisible();
    const file = link.toLowerCase();
    await expect(page.getByText(`demo/src/components/${file}.rs`)).toBeVisible();
    await expect(page.getByText(`demo/src/components/${file}.html`)).toBeVisible();
    await expect(page.locator("pre.source").first()).toContainText("#[actions]");
  }
});

test("a visitor keeps a name", async ({ page }) => {
  await page.goto("/counter");
  const invented = await page.getByLabel("Your name").inputValue();
  expect(invented).toMatch(/^\w+ \w+$/);
  await page.goto("/todo");
  await expect(page.getByLabel("Your name")).toHaveValue(invented);
  await page.getByLabel("Your name").fill(" Zoë   the otter ");
  await page.getByRole("button", { name: "Change" }).click();
  await expect(page).toHaveURL(/\/todo$/);
  await expect(page.getByLabel("Your name")).toHaveValue("Zoë the otter");
  const cookies = await page.context().cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: "Lax" });
});

test("missing pages have status 404", async ({ page, problems }) => {
  problems.expect(/404/);
  const response = await page.goto("/nowhere");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not found");
  expect((await page.goto("/chat/not%20a%20room"))?.status()).toBe(404);
});

test("pages load nothing from other origins and are not stored", async ({ request }) => {
  for (const path of paths) {
    const headers = (await request.get(path)).headers();
    expect(headers["content-security-policy"]).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(headers["content-security-policy"]).not.toContain("unsafe-inline");
    expect(headers["cache-control"]).toContain("private, no-store");
  }
});

test("the client is cached permanently under its hash", async ({ request }) => {
  const entry = await request.get("/live/client.js");
  expect(entry.status()).toBe(200);
  expect(entry.headers()["cache-control"]).toBe("no-cache");
  const script = /client-[0-9a-f]+\.js/.exec(await entry.text())?.[0];
  const client = await request.get(`/live/${script}`);
  expect(client.headers()["cache-control"]).toContain("immutable");
  const wasm = /client-[0-9a-f]+\.wasm/.exec(await client.text())?.[0];
  expect(wasm).toBeTruthy();
  const response = await request.get(`/live/${wasm}`, { headers: { "accept-encoding": "br" } });
  expect(response.headers()).toMatchObject({
    "content-type": "application/wasm",
    "content-encoding": "br",
    "cache-control": expect.stringContaining("immutable"),
  });
});

test("rooms and health over plain HTTP", async ({ request }) => {
  expect((await request.get("/health")).status()).toBe(200);
  expect((await request.get("/ready")).status()).toBe(200);
  const made = await request.post("/chat/rooms");
  expect(made.status()).toBe(201);
  const room = (await made.json()) as { id: string };
  expect(room.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const found = await request.get(`/chat/rooms/${room.id}`);
  expect(found.status()).toBe(200);
  expect(await found.json()).toMatchObject({ id: room.id, messages: 0 });
  expect((await request.get("/chat/rooms/never-used")).status()).toBe(404);
});
