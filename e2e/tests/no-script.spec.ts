// Forms without JavaScript: the demo's form is sent with the method POST.

import type { Page } from "@playwright/test";
import { expect, live, test } from "./test.ts";
import { Network } from "./network.ts";

const errors = (page: Page, field: string) => page.locator(`#form-${field}-errors p`);
const saved = (page: Page, name: string) => page.locator(".saved li").filter({ hasText: name });
const save = (page: Page) => page.getByRole("button", { name: "Save" });

async function fill(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Email").fill("ada@example.org");
  await page.getByRole("spinbutton", { name: "Age" }).fill("36");
  await page.getByLabel("I agree").check();
}

let names = 0;
const newName = () => `Ada ${Date.now()} ${process.pid} ${names++}`;

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  for (const latency of [0, 300]) {
    test(`a form shows its errors, then is saved, with ${latency} ms`, async ({ page, demo, problems }) => {
      problems.expect(/422 \(Unprocessable/);
      const network = await Network.before(demo.url);
      network.latency = latency / 2;
      await page.goto(`${network.url}/form`);
      const name = newName();
      await fill(page, name);
      await page.getByLabel("Email").fill("nowhere");
      await page.getByLabel("I agree").uncheck();
      await save(page).click();
      await expect(errors(page, "email")).toHaveCount(1);
      await expect(errors(page, "agree")).toHaveCount(1);
      await expect(errors(page, "name")).toHaveCount(0);
      await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
      await expect(page.getByLabel("Email")).toHaveValue("nowhere");
      await expect(page.getByRole("spinbutton", { name: "Age" })).toHaveValue("36");
      await expect(page.getByLabel("I agree")).not.toBeChecked();
      await expect(saved(page, name)).toHaveCount(0);

      await page.getByLabel("Email").fill("ada@example.org");
      await page.getByLabel("I agree").check();
      await save(page).click();
      await expect(saved(page, name)).toHaveCount(1);
      await expect(errors(page, "email")).toHaveCount(0);
      await expect(page.getByLabel("Name", { exact: true })).toHaveValue("");
      await expect(page).toHaveURL(`${network.url}/form`);

      // A reload sends the form again.
      await page.reload();
      await expect(saved(page, name)).toHaveCount(1);
      await page.goto(`${network.url}/form`);
      await expect(saved(page, name)).toHaveCount(1);
      await network.remove();
    });

    test(`a form that is sent twice is saved once, with ${latency} ms`, async ({ page, demo }) => {
      const network = await Network.before(demo.url);
      network.latency = latency / 2;
      await page.goto(`${network.url}/form`);
      const name = newName();
      await fill(page, name);
      await save(page).dblclick();
      await expect(saved(page, name)).toHaveCount(1);
      await page.goto(`${network.url}/form`);
      await expect(saved(page, name)).toHaveCount(1);
      await network.remove();
    });
  }

  test("a form that was sent is not sent again by going back", async ({ page }) => {
    await page.goto("/form");
    const name = newName();
    await fill(page, name);
    await save(page).click();
    await expect(saved(page, name)).toHaveCount(1);
    await page.goto("/");
    await page.goto("/form");
    await page.goBack();
    await expect(page).toHaveURL(/\/$/);
    await page.goto("/form");
    await expect(saved(page, name)).toHaveCount(1);
    // The page from before is rendered again, and its form is a new one.
    const second = newName();
    await fill(page, second);
    await save(page).click();
    await expect(saved(page, second)).toHaveCount(1);
    await expect(saved(page, name)).toHaveCount(1);
  });

  test("a connection that is cut while the form is sent leaves one entry", async ({ page, demo, problems }) => {
    problems.expect(/ERR_/);
    const network = await Network.before(demo.url);
    await page.goto(`${network.url}/form`);
    const name = newName();
    await fill(page, name);
    const body = await page.locator("form.sheet").evaluate((form: HTMLFormElement) =>
      Object.fromEntries([...form.elements].map((control) => [(control as HTMLInputElement).name, (control as HTMLInputElement).value])),
    );
    network.hold();
    const lost = page.request.post(`${network.url}/form`, { form: { ...body, agree: "on" } }).catch(() => undefined);
    await expect.poll(async () => (await (await page.request.get(`${demo.url}/form`)).text()).includes(name)).toBe(true);
    network.cut();
    await lost;
    const again = await page.request.post(`${network.url}/form`, { form: { ...body, agree: "on" } });
    expect(again.status()).toBe(200);
    expect((await again.text()).split(`<b>${name}</b>`)).toHaveLength(2);
    await network.remove();
  });
});

test("with JavaScript the form is sent over the socket", async ({ page }) => {
  await page.goto("/form");
  await live(page);
  const posts: string[] = [];
  page.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
  const name = newName();
  await fill(page, name);
  await save(page).click();
  await expect(saved(page, name)).toHaveCount(1);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("");
  expect(posts).toEqual([]);
});

test("a form that is sent before the engine has loaded waits for it", async ({ page }) => {
  const posts: string[] = [];
  page.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
  let loaded = () => {};
  const isLoaded = new Promise<void>((resolve) => (loaded = resolve));
  await page.route("**/*.wasm*", async (route) => {
    await isLoaded;
    await route.continue();
  });
  await page.goto("/form");
  const name = newName();
  await fill(page, name);
  await save(page).click();
  await expect(page).toHaveURL(/\/form$/);
  expect(posts).toEqual([]);
  loaded();
  await expect(saved(page, name)).toHaveCount(1);
  expect(posts).toEqual([]);
});

for (const [name, files] of [["client", "**/live/client-*.js"], ["engine", "**/*.wasm*"]] as const) {
  test(`a form that waits for the ${name} is sent when that cannot be loaded, and the next one at once`, async ({ page, problems }) => {
    // A script of the page imports the client, too.
    problems.expect(/ERR_FAILED/, /engine cannot be loaded/, /^uncaught: $/);
    let answer = () => {};
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    await page.route(files, async (route) => {
      await isAnswered;
      await route.abort();
    });
    await page.clock.install();
    await page.goto("/form", { waitUntil: "commit" });
    for (const isFirst of [true, false]) {
      const one = newName();
      await fill(page, one);
      const sent = page.waitForRequest((request) => request.method() === "POST");
      if (!isFirst) {
        await expect(async () => {
          await page.clock.runFor(30_000);
          expect(await page.locator("html").getAttribute("live-connection")).toBe("stopped");
        }).toPass();
      }
      await save(page).click();
      if (isFirst) {
        answer();
        if (name == "engine") await expect(async () => {
          await page.clock.runFor(30_000);
          await Promise.race([sent, Promise.reject(new Error("not sent"))]);
        }).toPass();
      }
      await sent;
      await expect(saved(page, one)).toHaveCount(1);
    }
  });
}

/** Answers the page with a policy that forbids the engine. */
async function forbidEngine(page: Page): Promise<void> {
  await page.route("**/form", async (route) => {
    if (route.request().resourceType() !== "document") return route.continue();
    const response = await route.fetch();
    const headers = response.headers();
    headers["content-security-policy"] = headers["content-security-policy"]?.replace("'wasm-unsafe-eval'", "") ?? "";
    await route.fulfill({ response, headers });
  });
}

// Chromium refuses sockets of pages that a test has answered.
const WITHOUT_ENGINE = [/wasm/i, /WebAssembly/, /engine/, /Content.Security.Policy/i, /WebSocket connection/];

test("a form is sent without the socket if the policy forbids the engine", async ({ page, problems }) => {
  problems.expect(...WITHOUT_ENGINE);
  await forbidEngine(page);
  await page.goto("/form");
  await expect(page.locator("html")).toHaveAttribute("live-connection", "stopped");
  const name = newName();
  await fill(page, name);
  await save(page).click();
  await expect(saved(page, name)).toHaveCount(1);
  await page.unroute("**/form");
  await page.goto("/form");
  await expect(saved(page, name)).toHaveCount(1);
});

test("a form that waits for the engine is sent when the policy forbids it", async ({ page, problems }) => {
  problems.expect(...WITHOUT_ENGINE);
  let answer = () => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/*.wasm*", async (route) => {
    await isAnswered;
    await route.continue();
  });
  await forbidEngine(page);
  await page.goto("/form");
  const name = newName();
  await fill(page, name);
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await save(page).click();
  answer();
  await sent;
  await expect(saved(page, name)).toHaveCount(1);
});
