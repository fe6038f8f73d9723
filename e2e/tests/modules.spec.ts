// Optional modules of the client: loaded only by pages that request them; pages work without them.

import { type Page } from "@playwright/test";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const count = (page: Page) => page.locator("#count");
const press = (page: Page, name: string) => page.locator("section > button", { hasText: name }).click();

/** Returns the page with attributes on its script. */
const withScript = (attributes: string) =>
  `/ways?${new URLSearchParams({ from: '<script type="module"', to: `<script type="module" ${attributes}` })}`;

/** Returns the modules that the page has requested. Each of these pages has controls. */
function asked(page: Page): string[] {
  const names: string[] = [];
  page.on("request", (request) => {
    const name = /\/live\/module\/[0-9a-f]{16}\/([\w-]+)\.js/.exec(request.url())?.[1];
    if (name) names.push(name);
  });
  return names;
}

test("a page loads the module that its script's tag names, and no other", async ({ page }) => {
  const names = asked(page);
  await open(page, "/ways");
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
  expect(names.sort()).toEqual(["build", "children", "controls", "drafts", "html", "marks"]);
});

test("an attribute of the script loads its module once, under a strict policy", async ({ page }) => {
  const names = asked(page);
  await open(page, withScript("live-keep-queue"));
  await expect.poll(() => names.sort()).toEqual(["build", "children", "controls", "drafts", "html", "keep-queue", "marks"]);
  await page.evaluate("import('/live/client.js').then(live => live.configure({ keepQueue: true, warnUnsent: true }))");
  await expect.poll(() => names.sort()).toEqual(["build", "children", "controls", "drafts", "html", "keep-queue", "marks", "warn-unsent"]);
});

test("a template loads the modules that its blocks name", async ({ page }) => {
  const names = asked(page);
  await page.route("**/live/template/*.json", async (route) => {
    const response = await route.fetch();
    const template = await response.json();
    template[3][0][3] = ["warn-unsent"];
    await route.fulfill({ response, json: template });
  });
  await open(page, "/ways");
  await expect.poll(() => names.sort()).toEqual(["build", "controls", "marks", "warn-unsent"]);
  await press(page, "Add");
  await expect(count(page)).toHaveText("1");
});

test("a module that loads at the second attempt works like one that loads at once", async ({ page, problems }) => {
  problems.expect(/503/);
  let tries = 0;
  await page.route(/\/live\/module\/.*\/(keep-queue|warn-unsent)\.js/, async (route) => {
    tries += 1;
    if (tries == 1) await route.fulfill({ status: 503, body: "" });
    else await route.continue();
  });
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs += 1;
    void dialog.accept();
  });
  let hold = false;
  await page.routeWebSocket("**/live", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((frame) => {
      if (!hold) socket.send(frame);
    });
  });
  const loaded = page.waitForResponse((response) => response.url().includes("/warn-unsent.js") && response.ok());
  await open(page, withScript("live-warn-unsent"));
  await loaded;
  hold = true;
  await press(page, "Add");
  await page.reload();
  expect(dialogs).toBe(1);
  // The reloaded page requests the module too.
  await expect.poll(() => tries).toBe(3);
});

test("a page with an unsent edit asks before it is left", async ({ page }) => {
  const loaded = page.waitForResponse((response) => response.url().includes("/warn-unsent.js") && response.ok());
  await open(page, `/rebuilt?${new URLSearchParams({ from: '<script type="module"', to: '<script type="module" live-warn-unsent' })}`);
  await loaded;
  let dialogs = 0;
  page.on("dialog", (dialog) => {
    dialogs += 1;
    void dialog.accept();
  });
  // The edit is sent when the field loses the focus, which it does not.
  await page.getByLabel("Late").fill("unsent");
  await page.reload();
  expect(dialogs).toBe(1);
  await live(page);
  await page.reload();
  expect(dialogs).toBe(1);
});

for (const [what, response] of [
  ["503", { status: 503, body: "" }],
  ["HTML with 200", { status: 200, contentType: "text/html", body: "<!DOCTYPE html><p>Sign in</p>" }],
  ["a script that does not parse", { status: 200, contentType: "text/javascript", body: "export default (" }],
] as const) {
  test(`a module that cannot be loaded (${what}) is reported, and the page works`, async ({ page, problems }) => {
    problems.expect(/503|Failed to load module script|Expected a JavaScript|the module "keep-queue" cannot be loaded/);
    let tries = 0;
    await page.route(/\/live\/module\/.*\/(keep-queue|warn-unsent)\.js/, async (route) => {
      tries += 1;
      await route.fulfill(response);
    });
    const report = page.waitForEvent("pageerror", (error) => error.message.includes('the module "keep-queue" cannot be loaded'));
    await page.goto(withScript("live-keep-queue"));
    await live(page);
    await press(page, "Add");
    await expect(count(page)).toHaveText("1");
    await report;
    expect(tries).toBe(4);
    await press(page, "Add");
    await expect(count(page)).toHaveText("2");
  });
}
