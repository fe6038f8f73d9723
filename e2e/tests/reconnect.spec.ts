// The server of an open page stops and starts again. Each test has its own server.

import { test } from "./own-server.ts";
import { expect, live, open } from "./test.ts";

test("the page shows that it is offline, and that it is connected again", async ({ page, server }) => {
  await open(page, `${server.url}/counter`);
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(".count")).toHaveText("1");
  expect(await server.stop()).toBe(0);
  await expect(page.locator("html")).not.toHaveAttribute("live-connection", "connected");
  await expect(page.getByText("Live", { exact: true })).toBeHidden();
  await server.run();
  await live(page);
  await page.getByRole("button", { name: "Increment" }).click();
  await expect(page.locator(".count")).toHaveText("2");
});

test("fields edited before or during a restart are restored", async ({ page, server }) => {
  await open(page, `${server.url}/form`);
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("Before");
  await page.getByLabel("I agree").check();
  await server.stop();
  await page.getByLabel("Email").fill("meanwhile@example.org");
  await page.getByRole("spinbutton", { name: "Age" }).fill("36");
  await page.getByRole("spinbutton", { name: "Age" }).evaluate((element: HTMLInputElement) => element.focus());
  await server.run();
  await live(page);
  await expect(name).toHaveValue("Before");
  await expect(page.getByLabel("Email")).toHaveValue("meanwhile@example.org");
  await expect(page.getByRole("spinbutton", { name: "Age" })).toHaveValue("36");
  await expect(page.getByLabel("I agree")).toBeChecked();
  await expect(page.getByRole("spinbutton", { name: "Age" })).toBeFocused();
  // The server has them too.
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator(".saved li")).toHaveCount(1);
  await expect(page.locator(".saved li")).toContainText("Before");
});

test("messages of a room survive a restart", async ({ page, server }) => {
  await open(page, `${server.url}/chat/attic`);
  await page.getByRole("textbox", { name: "Message" }).fill("kept");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.locator(".said")).toHaveText(["kept"]);
  await page.getByRole("textbox", { name: "Message" }).fill("half a sen");
  await server.stop("SIGKILL");
  await server.run();
  await live(page);
  await expect(page.locator(".said")).toHaveText(["kept"]);
  await expect(page.getByRole("textbox", { name: "Message" })).toHaveValue("half a sen");
  await expect(page.locator(".people li")).toHaveCount(1);
  await page.keyboard.press("Tab");
  await page.getByRole("textbox", { name: "Message" }).fill("half a sentence");
  await page.keyboard.press("Enter");
  await expect(page.locator(".said")).toHaveText(["kept", "half a sentence"]);
});

test("a list shows the server's state again", async ({ page, server }) => {
  await open(page, `${server.url}/todo`);
  for (const text of ["one", "two"]) {
    await page.getByRole("textbox", { name: "What is to be done?" }).fill(text);
    await page.keyboard.press("Enter");
  }
  await expect(page.locator(".items .text")).toHaveText(["one", "two"]);
  await server.stop();
  await server.run();
  await live(page);
  await expect(page.locator(".items .text")).toHaveText(["one", "two"]);
  await page.getByRole("checkbox", { name: "Done: two" }).check();
  await page.reload();
  await expect(page.getByRole("checkbox", { name: "Done: two" })).toBeChecked();
});
