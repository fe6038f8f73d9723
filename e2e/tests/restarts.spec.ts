// The server of open pages is stopped or killed and started again: nothing is lost or repeated.

import type { Page } from "@playwright/test";
import { Server } from "./server.ts";
import { test as base } from "./own-server.ts";
import { expect, live, open } from "./test.ts";

const test = base.extend<{ more: () => Promise<Page> }>({
  more: async ({ context, problems }, use) =>
    use(async () => {
      const page = await context.newPage();
      problems.watch(page);
      return page;
    }),
});

const count = (page: Page) => page.locator(".count, #count");
const plus = (page: Page) => page.getByRole("button", { name: "Increment" });
const items = (page: Page) => page.locator(".items .text");
const away = (page: Page) => expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");

/** Returns for each connection of a page whether it resumed a session. */
function welcomes(page: Page): boolean[] {
  const resumed: boolean[] = [];
  page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      const message = JSON.parse(payload.toString());
      if (message.type === "WELCOME") resumed.push(message.payload.resumed);
    }),
  );
  return resumed;
}

/** Reconnects at once, without the pause before the next attempt. */
async function back(...pages: Page[]): Promise<void> {
  for (const page of pages) {
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await live(page);
  }
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`${signal} during a half-filled form, a pending row and three clicks: all of them arrive once`, async ({ page, more, server }) => {
    await open(page, `${server.url}/counter`);
    await plus(page).click();
    await expect(count(page)).toHaveText("1");
    const form = await more();
    await open(form, `${server.url}/form`);
    await form.getByLabel("Name", { exact: true }).fill("Ada Love");
    await form.getByLabel("Name", { exact: true }).blur();
    await form.getByLabel("Email").fill("ada@exa");
    const todo = await more();
    await open(todo, `${server.url}/todo`);

    await server.stop(signal);
    for (const each of [page, form, todo]) await away(each);
    for (let n = 0; n < 3; n++) await plus(page).click();
    await todo.getByRole("textbox", { name: "What is to be done?" }).fill("made without a server");
    await todo.keyboard.press("Enter");
    await expect(items(todo)).toHaveText(["made without a server"]);
    await form.getByLabel("Email").focus();
    await form.keyboard.press("End");
    await form.keyboard.type("mple.org");

    await server.run();
    await back(page, form, todo);
    await expect(count(page)).toHaveText("4");
    await plus(page).click();
    await expect(count(page)).toHaveText("5");
    await expect(items(todo)).toHaveText(["made without a server"]);
    await todo.reload();
    await expect(items(todo)).toHaveText(["made without a server"]);
    await expect(form.getByLabel("Name", { exact: true })).toHaveValue("Ada Love");
    await expect(form.getByLabel("Email")).toHaveValue("ada@example.org");
    await expect(form.getByLabel("Email")).toBeFocused();
    // The server has the values of the form.
    await form.getByRole("spinbutton", { name: "Age" }).fill("36");
    await form.getByLabel("I agree").check();
    await form.getByRole("button", { name: "Save" }).click();
    await expect(form.locator(".saved li")).toHaveCount(1);
    await expect(form.locator(".saved li")).toContainText("ada@example.org");
  });
}

test("after a deploy the page continues with its session and the counter keeps its value", async ({ page, server }) => {
  const resumed = welcomes(page);
  await open(page, `${server.url}/counter`);
  for (let n = 1; n <= 2; n++) {
    await plus(page).click();
    await expect(count(page)).toHaveText(String(n));
  }
  expect(await server.stop()).toBe(0);
  await away(page);
  await server.run();
  await back(page);
  expect(resumed).toEqual([false, true]);
  await expect(count(page)).toHaveText("2");
  await plus(page).click();
  await expect(count(page)).toHaveText("3");
});

test("a deploy with another template updates the open page and keeps state, text and focus", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const server = await Server.start("e2e-app");
  try {
    const resumed = welcomes(page);
    await open(page, `${server.url}/notice`);
    await expect(page.getByRole("heading")).toHaveText("Before");
    await page.getByRole("button", { name: "Add" }).click();
    await expect(count(page)).toHaveText("1");
    await page.getByLabel("Note").fill("known to the page alone");
    await page.getByLabel("Draft").pressSequentially("half a sen");
    await page.keyboard.press("ArrowLeft");

    await server.replace("e2e-next");
    await back(page);
    await expect(page.getByRole("heading")).toHaveText("After");
    expect(resumed).toEqual([false, true]);
    await expect(count(page)).toHaveText("1");
    await expect(page.locator("#wrote")).toHaveText("You wrote half a sen");
    await expect(page.getByLabel("Note")).toHaveValue("known to the page alone");
    await expect(page.getByLabel("Draft")).toHaveValue("half a sen");
    await expect(page.getByLabel("Draft")).toBeFocused();
    // The page is that of the new server: later clicks and edits have their new effect.
    await page.keyboard.press("End");
    await page.keyboard.type("tence");
    await page.getByRole("button", { name: "Add ten" }).click();
    await expect(count(page)).toHaveText("11");
    await expect(page.locator("#wrote")).toHaveText("You wrote half a sentence");
  } finally {
    await server.remove();
  }
});

test("acknowledged state survives repeated kills of the server", async ({ page, server }) => {
  await open(page, `${server.url}/counter`);
  for (let n = 1; n <= 3; n++) {
    await plus(page).click();
    await expect(count(page)).toHaveText(String(n));
    await server.stop("SIGKILL");
    await away(page);
    await server.run();
    await back(page);
    await expect(count(page)).toHaveText(String(n));
  }
});
