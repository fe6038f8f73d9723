// The screenshot in the README: two users in a room.

import { resolve } from "node:path";
import { expect, open, test } from "../tests/test.ts";

test.use({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 2, colorScheme: "light" });

test("chat", async ({ page, another }) => {
  const other = await another();
  for (const [visitor, name] of [[page, "Ada Lovelace"], [other, "Grace Hopper"]] as const) {
    await visitor.goto("/chat");
    await visitor.getByLabel("Your name").fill(name);
    await visitor.getByRole("button", { name: "Change" }).click();
    await open(visitor, "/chat");
  }
  const say = async (visitor: typeof page, text: string) => {
    await visitor.getByRole("textbox", { name: "Message" }).fill(text);
    await visitor.keyboard.press("Enter");
    await expect(page.locator(".said").last()).toHaveText(text);
  };
  await say(page, "Did the deploy go through?");
  await say(other, "It did. Nobody noticed, which is the point.");
  await say(other, "I was half way through a sentence and it is still here.");
  await say(page, "Good. Then let us move on to the list.");
  await other.getByRole("textbox", { name: "Message" }).pressSequentially("One mo");
  await expect(page.getByText("Grace Hopper is typing…")).toBeVisible();
  // The component itself, without its imports.
  await page.locator("pre.source").first().evaluate((source) => {
    const text = document.createTreeWalker(source, NodeFilter.SHOW_TEXT);
    const range = new Range();
    while (text.nextNode()) {
      if (text.currentNode.textContent?.includes("#[derive(LiveComponent")) break;
    }
    range.selectNode(text.currentNode);
    source.scrollTop = range.getBoundingClientRect().top - source.getBoundingClientRect().top - 16;
  });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: resolve(import.meta.dirname, "../../docs/images/chat.png") });
});
