// Deploys of a program with other nested types, and rollbacks: acknowledged state survives each of
// them.

import { type Page } from "@playwright/test";
import { Server } from "./server.ts";
import { expect, live, open, test as base } from "./test.ts";

const test = base.extend<{ server: Server }>({
  server: async ({ problems }, use) => {
    problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
    const server = await Server.start("e2e-app");
    await use(server);
    await server.remove();
    expect(server.output, "the server does not panic").not.toContain("panicked at");
  },
});

const heading = (page: Page) => page.getByRole("heading");
const count = (page: Page) => page.locator("#count");
const entries = (page: Page) => page.locator("li");

async function add(page: Page, then: number): Promise<void> {
  await page.getByRole("button", { name: "Add" }).click();
  await expect(count(page)).toHaveText(String(then));
}

async function replace(page: Page, server: Server, binary: string, signal: NodeJS.Signals): Promise<void> {
  await server.replace(binary, signal);
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await expect(heading(page)).toHaveText(binary === "e2e-next" ? "Second" : "First");
  await live(page);
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`${signal}, a deploy with a migration, and a rollback, twice: acknowledged state survives`, async ({ page, server }) => {
    await open(page, `${server.url}/ledger`);
    await add(page, 2);
    await expect(page.locator("#mood")).toHaveText("Loud");

    await replace(page, server, "e2e-next", signal);
    await expect(entries(page)).toHaveText(["entry 1: 100", "entry 2: 200"]);
    await expect(page.locator("#mood")).toHaveText("Plain");
    await add(page, 3);

    await replace(page, server, "e2e-app", signal);
    await expect(entries(page)).toHaveText(["entry 1", "entry 2", "entry 3"]);
    await add(page, 4);

    await replace(page, server, "e2e-next", signal);
    await expect(entries(page)).toHaveText(["entry 1: 100", "entry 2: 200", "entry 3: 300", "entry 4: 400"]);
    await server.replace("e2e-next", signal);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await live(page);
    await add(page, 5);
    await expect(entries(page).last()).toHaveText("entry 5: 7");
  });
}

/** Opens a page that the server has rendered, whose client loads only after `meanwhile`. */
async function rendered(page: Page, url: string, meanwhile: () => Promise<void>): Promise<void> {
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route("**/live/client-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(url, { waitUntil: "commit" });
  await expect(heading(page)).toHaveText(/First|Before/);
  await meanwhile();
  go();
}

for (const path of ["/ledger", "/pinned"]) {
  test(`a first paint of ${path} from before a deploy reloads without an error`, async ({ page, server, problems }) => {
    // The template that it was rendered with.
    problems.expect(/status of 404/);
    await rendered(page, `${server.url}${path}`, () => server.replace("e2e-next"));
    await expect(heading(page)).toHaveText("Second");
    await live(page);
    await expect(count(page)).toHaveText("0");
    await add(page, 1);
  });
}

test("a first paint of another template is rebuilt, also if its elements look alike", async ({ page, server, problems }) => {
  problems.expect(/status of 404/);
  await rendered(page, `${server.url}/motto`, async () => {
    await page.getByLabel("Motto").fill("typed before");
    await server.replace("e2e-next");
  });
  await live(page);
  await expect(heading(page)).toHaveText("After");
  await expect(page.getByLabel("Motto")).toHaveValue("typed before");
  await expect(page.locator("#said")).toHaveText("typed before");
});
