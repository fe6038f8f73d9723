// A pressed button is disabled only after it is released, and a submit button waits only for its
// own form.

import { expect, open, test } from "./networked.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

for (const name of ["Save", "Save inside"]) {
  test(`a submit button is disabled while its own form's action runs: ${name}`, async ({ page, network }) => {
    await open(page, `${network.url}/press`);
    const save = page.getByRole("button", { name, exact: true });
    const any = page.getByRole("button", { name: "Any" });
    network.hold();
    await page.getByRole("button", { name: "Check" }).click();
    await expect(any).toBeDisabled();
    await expect(save).toBeEnabled();
    network.release();
    await expect(page.locator("#checks")).toHaveText("1");
    network.hold();
    await save.click();
    await expect(save).toBeDisabled();
    network.release();
    await expect(page.locator("#saves")).toHaveText("1");
    await expect(save).toBeEnabled();
    await expect(save).toBeFocused();
  });

  test(`the first click counts if leaving a field runs an action: ${name}`, async ({ page, network }) => {
    await open(page, `${network.url}/press`);
    await page.getByLabel("Checked").focus();
    await page.getByRole("button", { name, exact: true }).hover();
    network.hold();
    await page.mouse.down();
    await expect(page.getByRole("button", { name: "Any" })).toBeDisabled();
    network.release();
    await expect(page.locator("#checks")).toHaveText("1");
    await page.mouse.up();
    await expect(page.locator("#saves")).toHaveText("1");
  });

  test(`a button that the server disables during a press is disabled after the click: ${name}`, async ({ page }) => {
    await open(page, "/press");
    const save = page.getByRole("button", { name, exact: true });
    const other = page.getByRole("button", { name: name == "Save" ? "Save inside" : "Save", exact: true });
    await page.getByLabel("Locked").focus();
    await save.hover();
    await page.mouse.down();
    await expect(other).toBeDisabled();
    await expect(save).toBeEnabled();
    await page.mouse.up();
    await expect(page.locator("#saves")).toHaveText("1");
    await expect(save).toBeDisabled();
    await page.getByRole("button", { name: "Unlock" }).click();
    await expect(save).toBeEnabled();
  });
}

test("a held key counts as a press", async ({ page }) => {
  await open(page, "/press");
  const save = page.getByRole("button", { name: "Save", exact: true });
  await save.focus();
  await page.keyboard.down("Space");
  await page.evaluate(async () => {
    const live = await import("/live/client.js" as string);
    await live.component(document.querySelector("live-component")).call("lock");
  });
  await expect(page.getByRole("button", { name: "Save inside" })).toBeDisabled();
  await expect(save).toBeEnabled();
  await page.keyboard.up("Space");
  await expect(page.locator("#saves")).toHaveText("1");
  await expect(save).toBeDisabled();
});
