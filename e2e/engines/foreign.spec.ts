// Other scripts insert elements into a component: password managers, translators, extensions.

import { test } from "./test.ts";
import type { Page } from "./page.ts";

/** Inserts an icon before each field, button and row without one. */
const decorate = (window: Page) =>
  window.run(() => {
    for (const element of document.querySelectorAll("input, button, li, #many")) {
      if (element.previousElementSibling?.hasAttribute("data-icon")) continue;
      const icon = document.createElement("div");
      icon.setAttribute("data-icon", "");
      element.before(icon, document.createComment("icon"));
    }
  });

for (const when of ["before", "after"]) {
  test(`icons that are inserted ${when} the client runs leave fields, texts and rows unchanged`, async ({ window, app }) => {
    await window.openPainted(`${app.url}/foreign`);
    if (when == "before") await decorate(window);
    await window.loadClient();
    await decorate(window);
    await window.fill("Name", "ada");
    await window.fill("Secret", "12345");
    await (await window.find("#enter")).click();
    await window.showsText("#entered", "ada/12345");
    await window.press("Tick");
    await window.showsText("#after", "after 1");
    await window.showsText("#enter", "Log in 1");
    await window.showsText("#sentence", "1 of 4 and ada");
    await window.showsText("#odd", "odd 1");
    // A click targets a position: elements under it must have stopped moving.
    const rows = (...texts: string[]) => window.showsTexts(".row", texts);
    await window.press("Rotate");
    await rows("4 touched 0", "1 touched 0", "2 touched 0", "3 touched 0");
    await window.press("Touch 2");
    await rows("4 touched 0", "1 touched 0", "2 touched 1", "3 touched 0");
    await window.press("Remove 3");
    await rows("4 touched 0", "1 touched 0", "2 touched 1");
    await window.press("Add");
    await rows("4 touched 0", "1 touched 0", "2 touched 1", "5 touched 0");
    await decorate(window);
    await window.press("Tick");
    await window.showsText("#after", "after 2");
    await window.showsTexts("#odd", []);
    await rows("4 touched 0", "1 touched 0", "2 touched 1", "5 touched 0");
    await window.showsTexts(".touch", ["Touch 4", "Touch 1", "Touch 2", "Touch 5"]);
    await window.showsValue("Name", "ada");
    await window.showsValue("Secret", "12345");
  });
}

test("the next text replaces the elements of a translator", async ({ window, app }) => {
  await window.open(`${app.url}/foreign`);
  for (let ticks = 1; ticks <= 3; ticks++) {
    await window.run(() => {
      const texts = document.createTreeWalker(document.querySelector("#rows")!.parentElement!, NodeFilter.SHOW_TEXT);
      const found: Text[] = [];
      while (texts.nextNode()) found.push(texts.currentNode as Text);
      for (const text of found.filter(({ data }) => data.trim() != "")) {
        const font = document.createElement("font");
        text.replaceWith(font);
        font.append(text.data.toUpperCase());
      }
    });
    await window.on(window.find("#tick"), (button: HTMLElement) => button.click());
    await window.showsText("#after", `after ${ticks}`);
    await window.showsText("#enter", `Log in ${ticks}`);
  }
});
