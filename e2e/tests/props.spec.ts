import type { Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

type Message = { type: string; componentId?: string; payload?: Record<string, unknown> };

/** Returns the messages that the page sends from now on. */
const sent = (page: Page): Message[] => {
  const messages: Message[] = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => messages.push(JSON.parse(payload.toString()))),
  );
  return messages;
};
const of = (messages: Message[], type: string) => messages.filter((message) => message.type === type);
const button = (page: Page, name: string) => page.getByRole("button", { name });

test("the server computes a child's props, and the page sends only the child's place", async ({ page }) => {
  const messages = sent(page);
  await open(page, "/kin");
  const relatives = page.locator(".relative");
  const degrees = Number((await relatives.first().textContent())!.split(" ")[2]);
  await expect(relatives).toHaveText([`p1 30 ${degrees} short`]);
  const [parent, child] = of(messages, "COMPONENT_MOUNT");
  expect(Object.keys(parent!.payload!)).toEqual(["seal"]);
  expect(Object.keys(child!.payload!).sort()).toEqual(["painted", "parent", "place", "seal"]);
  expect(child!.payload!.parent).toBe(parent!.componentId);

  // The parent's state reaches the child without a message of the page.
  await button(page, "Grow").click();
  await expect(relatives).toHaveText([`p1 31 ${degrees} short`]);
  expect(of(messages, "PROPS_UPDATE")).toEqual([]);

  // The page subscribes to a topic, and reports only that it changed.
  await button(page, "Warm").click();
  await expect(relatives).toHaveText([`p1 31 ${degrees + 5} short`]);
  await expect.poll(() => of(messages, "PROPS_UPDATE").length).toBe(1);
  expect(JSON.stringify(of(messages, "PROPS_UPDATE"))).not.toContain("degrees");

  // The page sends values of its own.
  await button(page, "Manner").click();
  await expect(relatives).toHaveText([`p1 31 ${degrees + 5} long`]);
  expect(of(messages, "PROPS_UPDATE").at(-1)!.payload!.page).toEqual({ manner: "long" });
});

test("a child in a row with a temporary key is mounted when the permanent key arrives", async ({ page }) => {
  const messages = sent(page);
  await open(page, "/kin");
  await button(page, "Join").click();
  await expect(page.locator(".relative")).toHaveText([/^p1 30 /, /^p2 30 /]);
  const mounts = of(messages, "COMPONENT_MOUNT").slice(2);
  expect(mounts.map((mount) => mount.payload!.place)).toEqual([expect.arrayContaining(["p2"])]);
  await button(page, "Grow").click();
  await expect(page.locator(".relative")).toHaveText([/^p1 31 /, /^p2 31 /]);
});

test("a child that an edit shows is mounted after the edit", async ({ page }) => {
  await open(page, "/kin");
  await page.getByLabel("Word").fill("open");
  await expect(page.locator("#guest .relative")).toHaveText(/^guest 1 /);
  await button(page, "Join").click();
  await expect(page.locator("#guest .relative")).toHaveText(/^guest 2 /);
  await page.getByLabel("Word").fill("");
  await expect(page.locator("#guest")).toHaveCount(0);
  await button(page, "Grow").click();
  await expect(page.locator(".relative")).toHaveText([/^p1 31 /, /^p2 31 /]);
});

test("no page can change a prop of a component that the server rendered", async ({ page }) => {
  await open(page, "/kin");
  await expect(page.locator(".relative")).toHaveText([/^p1 30 /]);
  // A hostile page can send this: the engine's own request with props.
  const answers = await page.evaluate(async () => {
    const seal = document.querySelector("live-component[name=kin]")!.getAttribute("seal");
    const child = document.querySelector("live-component[name=relative]")!;
    const line = new WebSocket(`${location.origin.replace("http", "ws")}/live`, "vivaz.v1.json");
    const answers: Record<number, { type: string; payload?: { code?: string; state?: unknown } }> = {};
    const { place } = JSON.parse(child.getAttribute("child")!);
    const say = (ref: number, type: string, componentId: string, payload: unknown) =>
      line.send(JSON.stringify({ v: 1, type, ref, componentId, payload }));
    await new Promise((done) => line.addEventListener("open", done));
    line.send(JSON.stringify({ v: 1, type: "HELLO", payload: {} }));
    say(1, "COMPONENT_MOUNT", "k", { seal });
    say(2, "COMPONENT_MOUNT", "r", { parent: "k", place, seal: child.getAttribute("seal"), props: { age: 99 } });
    say(3, "PROPS_UPDATE", "r", { props: { age: 99 } });
    say(4, "PROPS_UPDATE", "r", { page: { age: 99 } });
    say(5, "PROPS_UPDATE", "k", { props: {} });
    say(6, "COMPONENT_MOUNT", "s", { seal: child.getAttribute("seal") });
    say(7, "COMPONENT_MOUNT", "t", { component: "relative", props: { name: "me", age: 99, degrees: 0 } });
    await new Promise<void>((done) =>
      line.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data);
        if (message.ref) answers[message.ref] = message;
        if (Object.keys(answers).length === 7) done();
      }),
    );
    line.close(4000);
    return answers;
  });
  const codes = [1, 2, 3, 4, 5, 6, 7].map((ref) => answers[ref]!.payload?.code ?? answers[ref]!.type);
  // Another prop may have changed since the page was rendered: the reply then contains its patch.
  expect(["ACK", "STATE_UPDATE"]).toContain(codes[2]);
  expect(answers[3]!.payload ?? {}).not.toHaveProperty("age");
  expect(codes.toSpliced(2, 1)).toEqual([
    "COMPONENT_MOUNTED",
    "COMPONENT_MOUNTED",
    "bad_props",
    "forbidden",
    "bad_seal",
    "unknown_component",
  ]);
  expect(answers[2]!.payload!.state).toMatchObject({ age: 30 });
});
