import type { Page } from "@playwright/test";
import { Server } from "./server.ts";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const control = (page: Page, name: string) => page.locator(`[name=${name}]`);
const server = (page: Page) => page.locator("#server");

/** Returns the properties whose edits the page sends from now on. */
function edits(page: Page): string[] {
  const names: string[] = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const message = JSON.parse(payload.toString());
      if (message.type == "PROPERTY_UPDATE") names.push(message.payload.property);
    }),
  );
  return names;
}

async function use(page: Page): Promise<void> {
  await control(page, "text").fill("words");
  await control(page, "note").fill("more words");
  await control(page, "choice").selectOption("a");
  await control(page, "many").selectOption(["x", "z"]);
  await page.getByRole("radio", { name: "One" }).check();
  await page.getByRole("checkbox", { name: "Check" }).check();
  await control(page, "number").fill("1.5");
}

async function used(page: Page): Promise<void> {
  await expect(control(page, "text")).toHaveValue("words");
  await expect(control(page, "note")).toHaveValue("more words");
  await expect(control(page, "choice")).toHaveValue("a");
  await expect(control(page, "many")).toHaveValues(["x", "z"]);
  await expect(page.getByRole("radio", { name: "One" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "Check" })).toBeChecked();
  await expect(control(page, "number")).toHaveValue("1.5");
}

test("an edit of each kind of control reaches the server", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toHaveText("words|more words|a|2|one|true|1.5|");
  await used(page);
});

test("a debounced edit is sent with the next action", async ({ page }) => {
  await open(page, "/inputs");
  await control(page, "note").fill("not sent yet");
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toContainText("|not sent yet|");
});

test("each kind of control shows the server's value", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await page.getByRole("button", { name: "Overwrite" }).click();
  await expect(control(page, "text")).toHaveValue("server");
  await expect(control(page, "note")).toHaveValue("server");
  await expect(control(page, "choice")).toHaveValue("b");
  await expect(control(page, "many")).toHaveValues(["y"]);
  await expect(page.getByRole("radio", { name: "Two" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "Check" })).toBeChecked();
});

test("patches around controls do not change them", async ({ page }) => {
  await open(page, "/inputs");
  await use(page);
  await control(page, "text").focus();
  await control(page, "text").evaluate((input: HTMLInputElement) => input.setSelectionRange(1, 3));
  await page.getByRole("button", { name: "Tick" }).evaluate((button: HTMLElement) => {
    for (let n = 0; n < 5; n++) button.click();
  });
  await expect(page.locator("#ticks")).toHaveText("5");
  await used(page);
  await expect(control(page, "text")).toBeFocused();
  expect(await control(page, "text").evaluate((input: HTMLInputElement) => [input.selectionStart, input.selectionEnd])).toEqual([1, 3]);
});

test("a choice changes the options of another select", async ({ page }) => {
  await open(page, "/inputs");
  const cities = control(page, "city").locator("option");
  await expect(cities).toHaveText(["none"]);
  await control(page, "country").selectOption("pt");
  await expect(cities).toHaveText(["none", "Lisboa", "Porto"]);
  await control(page, "city").selectOption("Porto");
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toHaveText(/Porto$/);
  await expect(control(page, "city")).toHaveValue("Porto");
  await control(page, "country").selectOption("fr");
  await expect(cities).toHaveText(["none", "Paris", "Lyon"]);
  await expect(control(page, "city")).toHaveValue("");
});

test("a button is disabled while its action runs and keeps its state afterwards", async ({ page }) => {
  await open(page, "/inputs");
  const slow = page.getByRole("button", { name: "Slow" });
  // Records every change: the button may be enabled again before the test reads it.
  await slow.evaluate((button: HTMLButtonElement) => {
    const seen: boolean[] = Object.assign(window, { seen: [] }).seen;
    new MutationObserver(() => seen.push(button.disabled)).observe(button, { attributeFilter: ["disabled"] });
  });
  await slow.click();
  await expect(page.locator("#done")).toHaveText("1");
  await expect.poll(() => page.evaluate(() => (window as unknown as { seen: boolean[] }).seen)).toEqual([true, false]);
});

test("the name of the pressed button is sent", async ({ page }) => {
  await open(page, "/inputs");
  for (const name of ["Second", "First"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.locator("#pressed")).toHaveText(name.toLowerCase());
  }
});

test("inputs are removed and inserted, and keep typed text", async ({ page }) => {
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

test("choices survive a restart of the server", async ({ page, problems }) => {
  problems.expect(/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/);
  const own = await Server.start("e2e-app");
  try {
    await open(page, `${own.url}/inputs`);
    await control(page, "text").fill("words");
    await control(page, "choice").selectOption("a");
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

test("a value that is filled in with a change event alone reaches the server once", async ({ page }) => {
  const sent = edits(page);
  await open(page, "/inputs");
  // Some autofill and password managers do this.
  const fill = (name: string, value: string, types: string[]) =>
    page.locator(`[name="${name}"]`).evaluate(
      (control: HTMLInputElement, { value, types }) => {
        control.value = value;
        for (const type of types) control.dispatchEvent(new Event(type, { bubbles: true }));
      },
      { value, types },
    );
  await fill("text", "filled in", ["change"]);
  await expect(page.locator("#server")).toContainText("filled in|");
  await fill("choice", "b", ["change"]);
  await expect(page.locator("#server")).toContainText("filled in||b|");
  await fill("text", "typed", ["input", "change"]);
  await expect(page.locator("#server")).toContainText("typed||b|");
  expect(sent).toEqual(["text", "choice", "text"]);
});

test("each choice is sent once", async ({ page }) => {
  const sent = edits(page);
  await open(page, "/inputs");
  await control(page, "choice").selectOption("a");
  await page.getByRole("radio", { name: "One" }).check();
  await page.getByRole("checkbox", { name: "Check" }).check();
  await page.getByRole("radio", { name: "Two" }).check();
  await page.getByRole("radio", { name: "One" }).check();
  await page.getByRole("checkbox", { name: "Check" }).uncheck();
  await control(page, "many").selectOption(["x", "z"]);
  // Some password managers do this.
  await page.getByRole("checkbox", { name: "Check" }).evaluate((box: HTMLInputElement) => {
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.getByRole("button", { name: "Tick" }).click();
  await expect(server(page)).toHaveText("||a|2|one|true||");
  expect(sent).toEqual(["choice", "radio", "check", "radio", "radio", "check", "many", "check"]);
});
