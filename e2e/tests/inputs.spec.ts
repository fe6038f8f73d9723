import type { Page } from "@playwright/test";
import { Server } from "./server.ts";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const server = (page: Page) => page.locator("#server");

async function use(page: Page): Promise<void> {
  await page.getByLabel("Text").fill("words");
  await page.getByLabel("Note").fill("more words");
  await page.getByLabel("Choice").selectOption("a");
  await page.getByLabel("Many").selectOption(["x", "z"]);
  await page.getByLabel("One").check();
  await page.getByLabel("Check").check();
  await page.getByLabel("Number").fill("1.5");
}

async function used(page: Page): Promise<void> {
  await expect(page.getByLabel("Text")).toHaveValue("words");
  await expect(page.getByLabel("Note")).toHaveValue("more words");
  await expect(page.getByLabel("Choice")).toHaveValue("a");
  await expect(page.getByLabel("Many")).toHaveValues(["x", "z"]);
  await expect(page.getByLabel("One")).toBeChecked();
  await expect(page.getByLabel("Check")).toBeChecked();
  await expect(page.getByLabel("Number")).toHaveValue("1.5");
}

test("every kind of control reaches the server", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toHaveText("words|more words|a|2|one|true|1.5|");
  await used(page);
});

test("an edit that waits for its pause goes along with the next action", async ({ page }) => {
  await open(page, "/inputs");
  await page.getByLabel("Note").fill("not sent yet");
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toContainText("|not sent yet|");
});

test("the server's values show in every control", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await page.getByRole("button", { name: "Overwrite" }).click();
  await expect(page.getByLabel("Text")).toHaveValue("server");
  await expect(page.getByLabel("Note")).toHaveValue("server");
  await expect(page.getByLabel("Choice")).toHaveValue("b");
  await expect(page.getByLabel("Many")).toHaveValues(["y"]);
  await expect(page.getByLabel("Two")).toBeChecked();
  await expect(page.getByLabel("Check")).toBeChecked();
});

test("patches of the surroundings leave controls alone", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await page.getByLabel("Text").focus();
  await page.getByLabel("Text").evaluate((input: HTMLInputElement) => input.setSelectionRange(1, 3));
  await page.getByRole("button", { name: "Tick" }).evaluate((button: HTMLElement) => {
    for (let n = 0; n < 5; n++) button.click();
  });
  await expect(page.locator("#ticks")).toHaveText("5");
  await used(page);
  await expect(page.getByLabel("Text")).toBeFocused();
  expect(await page.getByLabel("Text").evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd])).toEqual([1, 3]);
});

test("a choice changes another one's options", async ({ page }) => {
  await open(page, "/inputs");
  const cities = page.getByLabel("City").locator("option");
  await expect(cities).toHaveText(["none"]);
  await page.getByLabel("Country").selectOption("pt");
  await expect(cities).toHaveText(["none", "Lisboa", "Porto"]);
  await page.getByLabel("City").selectOption("Porto");
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toHaveText(/Porto$/);
  await expect(page.getByLabel("City")).toHaveValue("Porto");
  await page.getByLabel("Country").selectOption("fr");
  await expect(cities).toHaveText(["none", "Paris", "Lyon"]);
  await expect(page.getByLabel("City")).toHaveValue("");
});

test("a button is disabled while its action runs, and then as before", async ({ page }) => {
  await open(page, "/inputs");
  const slow = page.getByRole("button", { name: "Slow" });
  await slow.click();
  await expect(slow).toBeDisabled();
  await expect(slow).toBeEnabled();
  await expect(page.locator("#done")).toHaveText("1");
});

test("the name of the button that was pressed is sent", async ({ page }) => {
  await open(page, "/inputs");
  for (const name of ["Second", "First"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.locator("#pressed")).toHaveText(name.toLowerCase());
  }
});

test("inputs come and go, and keep what was typed", async ({ page }) => {
  await open(page, "/inputs");
  for (let n = 0; n < 3; n++) await page.getByRole("button", { name: "Add line" }).click();
  await expect(page.locator("#lines li")).toHaveCount(3);
  await page.getByRole("textbox", { name: "line 1" }).fill("first");
  await page.getByRole("textbox", { name: "line 3" }).fill("third");
  await page.getByRole("button", { name: "Remove line 2" }).click();
  await expect(page.locator("#lines li")).toHaveCount(2);
  await expect(page.getByRole("textbox", { name: "line 1" })).toHaveValue("first");
  await expect(page.getByRole("textbox", { name: "line 3" })).toHaveValue("third");
});

test("what is chosen survives the server's restart", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const own = await Server.start("e2e-app");
  try {
    await open(page, `${own.url}/inputs`);
    await page.getByLabel("Text").fill("words");
    await page.getByLabel("Choice").selectOption("a");
    await own.stop();
    await use(page);
    await own.run();
    await live(page);
    await used(page);
    await page.getByRole("button", { name: "Tick" }).click();
    await expect(server(page)).toHaveText("words|more words|a|2|one|true|1.5|");
  } finally {
    await own.remove();
  }
});
