// Components that are removed from the page release all their memory.

import { type Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

/** Exposes the memory of the engine: its exports have meaningless short names. */
async function watchMemory(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const Original = WebAssembly.Instance;
    const replaced = function (module: WebAssembly.Module, imports: WebAssembly.Imports) {
      const instance = new Original(module, imports);
      const memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
      Object.assign(window, { memory });
      return instance;
    };
    Object.assign(WebAssembly, { Instance: replaced });
  });
}

/**
 * Mounts components, uses them and removes them again; collects weak references to all their
 * objects.
 */
async function round(page: Page, name: string, count: number): Promise<void> {
  await page.evaluate(
    async ({ name, count }) => {
      const { default: client } = await import("/live/client.js" as string);
      const weak = ((window as unknown as { weak?: WeakRef<object>[] }).weak ??= []);
      const moment = () => new Promise((done) => setTimeout(done, 5));
      for (let made = 0; made < count; made += 10) {
        const box = document.createElement("div");
        for (let at = 0; at < 10; at++) {
          const element = document.createElement("live-component");
          element.setAttribute("name", name);
          box.append(element);
        }
        document.body.append(box);
        const ready = (element: Element) => (element as unknown as { $ready?: boolean }).$ready;
        while (![...box.querySelectorAll("live-component")].every(ready)) await moment();
        for (const element of box.querySelectorAll("live-component")) {
          const component = client.component(element);
          component.subscribe(() => element);
          component.on("SOMETHING", () => element);
          weak.push(new WeakRef(element), new WeakRef(component));
          for (const inner of element.querySelectorAll("*")) weak.push(new WeakRef(inner));
        }
        // A pending debounce, and a pending request when its component is removed.
        for (const element of box.children) {
          element.querySelector("input")?.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }
        for (const button of box.querySelectorAll<HTMLElement>("button[type=button]:first-of-type")) button.click();
        box.remove();
        // Limited to the message rate of a session.
        await new Promise((done) => setTimeout(done, 500));
      }
    },
    { name, count },
  );
}

/** Returns how many of the references are alive after a collection. */
async function alive(page: Page): Promise<{ alive: number; of: number }> {
  const session = await page.context().newCDPSession(page);
  for (let pass = 0; pass < 3; pass++) {
    await session.send("HeapProfiler.collectGarbage");
    await page.evaluate(() => new Promise((done) => setTimeout(done, 20)));
  }
  await session.detach();
  return page.evaluate(() => {
    const { weak } = window as unknown as { weak: WeakRef<object>[] };
    return { alive: weak.filter((one) => one.deref()).length, of: weak.length };
  });
}

for (const name of ["faults", "ways", "inputs"]) {
  test(`nothing of 200 removed components remains (${name})`, async ({ page }) => {
    const ids = new Set<string>();
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => {
        const message = JSON.parse(payload.toString());
        if (message.type === "COMPONENT_MOUNT") ids.add(message.componentId);
      });
    });
    await watchMemory(page);
    await open(page, "/ways");
    const bytes = () =>
      page.evaluate(() => (window as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength);
    await round(page, name, 50);
    const before = await bytes();
    await round(page, name, 150);
    await expect.poll(async () => (await alive(page)).alive).toBe(0);
    expect((await alive(page)).of).toBeGreaterThan(200 * 2);
    expect(await bytes()).toBe(before);
    // Ten components of the page at a time, with their children.
    expect(ids.size).toBeLessThanOrEqual(2 + 10 * 2);
    // The page works.
    await page.locator("section > button", { hasText: "Add" }).click();
    await expect(page.locator("#count")).toHaveText("1");
  });
}

test("a moved element keeps its component, which is freed when it is removed", async ({ page }) => {
  await open(page, "/ways");
  await page.evaluate(() => {
    const portal = document.createElement("dialog");
    document.body.append(portal);
    portal.append(document.querySelector("live-component") as Element);
    portal.show();
  });
  await page.locator("section > button", { hasText: "Add" }).click();
  await expect(page.locator("dialog #count")).toHaveText("1");
  await page.evaluate(async () => {
    const { default: client } = await import("/live/client.js" as string);
    const element = document.querySelector("live-component") as Element;
    Object.assign(window, { weak: [new WeakRef(element), new WeakRef(client.component(element))] });
    element.remove();
  });
  await expect.poll(async () => (await alive(page)).alive).toBe(0);
});

test("a call on a removed component fails at once", async ({ page }) => {
  await open(page, "/ways");
  const code = await page.evaluate(async () => {
    const { default: client } = await import("/live/client.js" as string);
    const component = client.component(document.querySelector("live-component"));
    component.unmount();
    await Promise.resolve();
    await Promise.resolve();
    return Promise.all(
      [component.call("add"), component.set("count", 1)].map((one) => one.catch((error: { code: string }) => error.code)),
    );
  });
  expect(code).toEqual(["not_mounted", "not_mounted"]);
});
