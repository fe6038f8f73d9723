// Tests the decoder of operations (`js/dom.js`) where the result depends on the browser: parsed
// HTML, focus, caret, typed text. The operations that the engine writes are tested natively, in
// client-wasm.

import { fileURLToPath } from "node:url";
import { expect, test } from "./test.ts";

const SOURCES = new URL("../../client-wasm/js/", import.meta.url);

declare global {
  var make: (html: string) => HTMLElement;
  var run: (words: number[], text?: string) => boolean;
  var set: (node: number, hole: number, kind: number, value: string) => boolean;
  var templates: (blocks: unknown[]) => void;
}

test.beforeEach(async ({ page }) => {
  await page.route("http://client.test/**", async (route) => {
    const path = new URL(route.request().url()).pathname.slice(1);
    if (path == "") await route.fulfill({ contentType: "text/html", body: "<!doctype html><title>decoder</title>" });
    else await route.fulfill({ path: fileURLToPath(new URL(path, SOURCES)), contentType: "text/javascript" });
  });
  await page.goto("http://client.test/");
  await page.evaluate(async () => {
    const load = (name: string) => import(`/${name}.js`);
    const [{ core }, dom, nodes] = [await load("core"), await load("dom"), await load("dom/nodes")];
    const { setClasses, setShown, writeAttribute } = await load("dom/attributes");
    const { toText } = await load("dom/hole");
    const { blocks, holeNodes } = nodes;
    Object.assign(core, { nodes: nodes.nodes, blocks, holeNodes, setClasses, setShown, toText, writeAttribute });
    for (const name of ["controls", "drafts", "html", "urls", "wire"]) (await load(`modules/${name}`)).default(core);
    // Adds a component's element with this content to the page, as component 0.
    globalThis.make = (html) => {
      nodes.resetNodes();
      const element = document.createElement("live-component");
      element.innerHTML = html;
      document.body.replaceChildren(element);
      nodes.elements.set(0, element);
      return element;
    };
    // Runs operations. Returns whether all nodes were at the positions of the template.
    globalThis.run = (words, text = "") => {
      let fits = true;
      core.rebuildView = () => { fits = false; };
      dom.run(Uint32Array.from(words), text);
      return fits;
    };
    // Shows a value in a hole; the kind 11 is text.
    globalThis.set = (node, hole, kind, value) => globalThis.run([9, node, hole, kind, value.length], value);
    // Registers blocks, the first of which is the component's; its element is node 1.
    globalThis.templates = (blocks) => {
      const text = JSON.stringify(blocks);
      if (!globalThis.run([1, 0, text.length, 4, 1, 0, 0, 0], text)) throw new Error("the page is not what the template says");
    };
  });
});

test("a text is found between markers and created if it was empty", async ({ page }) => {
  const shown = await page.evaluate(() => {
    const element = make("<p>a<!>b<!>c</p><p>a<!><!>c</p>");
    templates([["<p>a<!> <!>c</p><p>a<!> <!>c</p>", 0, [[0, [0], 65536], [0, [1], 65536]]]]);
    return [set(1, 0, 11, "x"), set(1, 1, 11, "y"), element.textContent];
  });
  expect(shown).toEqual([true, true, "axcayc"]);
});

test("rows are adopted, and a page that differs is detected", async ({ page }) => {
  const [right, wrong] = await page.evaluate(() => {
    make("<ul><li>1</li><li>2</li></ul>");
    templates([["<ul></ul>", 0, [[7, [0], 0, -1]]], ["<li><input></li>", 0, []]]);
    return [run([3, 1, 0, 10, 2, 1, 1]), run([3, 1, 0, 10, 3, 1, 1])];
  });
  expect(right).toBe(true);
  expect(wrong, "there are two rows, not three").toBe(false);
});

test("a moved row keeps focus and caret", async ({ page }) => {
  const caret = await page.evaluate(() => {
    const element = make("<ul><li><input value=abc></li><li><input></li></ul>");
    templates([["<ul></ul>", 0, [[7, [0], 0, -1]]], ["<li><input></li>", 0, []]]);
    const adopted = run([3, 1, 0, 10, 2, 1, 1]);
    const input = element.querySelector("input")!;
    input.focus();
    input.setSelectionRange(1, 2);
    const moved = run([5, 2, 10, 0]);
    const second = element.querySelectorAll("input")[1]!;
    return [adopted, moved, document.activeElement == second, second.selectionStart, second.selectionEnd];
  });
  expect(caret).toEqual([true, true, true, 1, 2]);
});

test("the caret keeps its position when the server's value arrives", async ({ page }) => {
  const shown = await page.evaluate(() => {
    const input = make("<input>").firstChild as HTMLInputElement;
    templates([["<input>", 0, [[9, [0], 0, "a", 0, 0]]]]);
    set(1, 0, 11, "hello");
    input.focus();
    input.setSelectionRange(5, 5);
    set(1, 0, 11, "Xhello");
    const after = [input.value, input.selectionStart];
    // Nothing is written during a composition.
    input.dispatchEvent(new Event("compositionstart", { bubbles: true }));
    set(1, 0, 11, "y");
    return [...after, input.value];
  });
  expect(shown).toEqual(["Xhello", 6, "Xhello"]);
});

test("an attribute changed for a request is restored to its current value", async ({ page }) => {
  const disabled = await page.evaluate(() => {
    const button = make("<button>b</button>").firstChild as HTMLButtonElement;
    templates([["<button>b</button>", 0, [[3, [0], "disabled", 0], [10, [0], 2, "disabled"]]]]);
    set(1, 1, 10, "true");
    const shown = [button.disabled];
    // The server disables it in the meantime: this applies when the request ends.
    set(1, 0, 10, "true");
    set(1, 1, 1, "false");
    shown.push(button.disabled);
    set(1, 1, 10, "true");
    set(1, 0, 1, "false");
    set(1, 1, 1, "false");
    return [...shown, button.disabled];
  });
  expect(disabled).toEqual([true, true, false]);
});

test("a selection survives new options", async ({ page }) => {
  const selected = await page.evaluate(() => {
    const select = make("<select></select>").firstChild as HTMLSelectElement;
    templates([["<select></select>", 0, [[7, [0], 0, -1], [9, [0], 4, "a", 0, 0]]], ["<option></option>", 0, [[3, [], "value", 0]]]]);
    // The option is inserted after the value was set.
    return [run([9, 1, 1, 11, 1, 2, 20, 1, 9, 20, 0, 11, 1, 5, 2, 20, 0], "bb"), select.value];
  });
  expect(selected).toEqual([true, "b"]);
});

test("text in a row of a rebuilt view goes only to the row of the same key", async ({ page }) => {
  const shown = await page.evaluate(async () => {
    const told: unknown[] = [];
    document.addEventListener("live:error", (event) => told.push((event as CustomEvent).detail.details));
    const element = make("<ul></ul>");
    templates([["<ul></ul>", 0, [[7, [0], 0, -1]]], ["<li><input name=a></li>", 0, [[16, [], "row"]]]]);
    const row = (node: number, key: number): [number[], string] => {
      const text = JSON.stringify({ id: key });
      return [[2, node, 1, 5, 2, node, 0, 9, node, 0, 11, text.length], text];
    };
    const fits = [row(10, 1), row(11, 2), row(12, 3)].map((of) => run(...of));
    [...element.querySelectorAll("input")].forEach((input, at) => { input.value = ["one", "two", ""][at]!; });
    // In another order, with one row removed and one inserted.
    const rows = [row(20, 4), row(21, 2), row(22, 3)];
    const before = [7, 1, 3, 7, 10, 1, 7, 11, 1, 7, 12, 1, 4, 1, 0, 0, 1];
    fits.push(run([...before, ...rows.flatMap(([words]) => words)], rows.map(([, text]) => text).join("")));
    await Promise.resolve();
    return [fits, [...element.querySelectorAll("input")].map(({ value }) => value), told];
  });
  expect(shown).toEqual([[true, true, true, true], ["", "two", ""], [{ field: "a", keys: [1], value: "one" }]]);
});

// The same as on the server: `vivaz_template::url`.
test("URLs that run scripts are rejected in the page", async ({ page }) => {
  const refused = "about:invalid";
  const cases = [
    ["/ok", "/ok"],
    ["JaVaScRiPt:alert(1)", refused],
    [" \u0001java\nscr\tipt:alert(1)", refused],
    ["vbscript:x", refused],
    ["data:text/html,<script>", refused],
    ["data:image/svg+xml,<svg onload=x>", refused],
    ["data:image/x+xml,<x>", refused],
    ["data:image/png+xml,<x>", refused],
    ["DATA:IMAGE/PNG;base64,AAAA", "DATA:IMAGE/PNG;base64,AAAA"],
    ["data:image/png;base64,AAAA", "data:image/png;base64,AAAA"],
    ["https://example.org/javascript:x", "https://example.org/javascript:x"],
    ["x javascript:y", "x javascript:y"],
  ] as const;
  const shown = await page.evaluate((urls) => {
    const element = make("<a></a><i></i>");
    templates([["<a></a><i></i>", 0, [[3, [0], "href", 1], [3, [1], "srcset", 2]]]]);
    const hrefs = urls.map((url) => {
      set(1, 0, 11, url);
      return element.firstElementChild!.getAttribute("href");
    });
    set(1, 1, 11, "/a.png 1x, javascript:b 2x");
    // Values that are not text have no URL.
    set(1, 0, 0, "");
    return { hrefs, srcset: element.lastElementChild!.getAttribute("srcset"), left: element.firstElementChild!.hasAttribute("href") };
  }, cases.map(([url]) => url));
  expect(shown).toEqual({ hrefs: cases.map(([, href]) => href), srcset: refused, left: false });
});

// The same as on the server: `vivaz_template::render`.
test("classes are set as the server writes them", async ({ page }) => {
  const cases = [
    [11, "a\u00a0b\u0085c", "a b\u0085c"],
    [11, "a\u000bb\u2003c\ufeffd", "a b c d"],
    [11, " a\tb\nc\fd\re  f", "a b c d e f"],
    // Values without a class leave no attribute.
    [10, "true", null],
    [11, "a", "a"],
    [0, "", null],
    [11, "a", "a"],
    [3, "", null],
  ] as const;
  const shown = await page.evaluate((values) => {
    const paragraph = make("<p></p>").firstElementChild!;
    templates([["<p></p>", 0, [[3, [0], "class", 5], [4, [0], "on"]]]]);
    const classes = values.map(([kind, value]) => {
      set(1, 0, kind, value);
      return paragraph.getAttribute("class");
    });
    set(1, 1, 10, "true");
    const on = paragraph.getAttribute("class");
    set(1, 1, 1, "false");
    return [...classes, on, paragraph.getAttribute("class")];
  }, cases.map(([kind, value]) => [kind, value] as const));
  expect(shown).toEqual([...cases.map(([, , classes]) => classes), "on", null]);
});

// An HTML parser replaces a NUL, so the first paint contains the replacement.
test("a NUL is shown as the server writes it", async ({ page }) => {
  const shown = await page.evaluate(() => {
    const element = make("<p></p><b></b><i></i>");
    templates([["<p> </p><b></b><i></i>", 0, [[0, [0], 0], [3, [0], "title", 0], [1, [1]], [2, [2]], [3, [0], "data-v", 4]]]]);
    for (let hole = 0; hole < 5; hole++) set(1, hole, 11, "a\0b");
    const [p, b, i] = element.children as unknown as HTMLElement[];
    return [p!.textContent, p!.title, b!.textContent, i!.textContent, p!.dataset.v];
  });
  expect(shown).toEqual(Array(5).fill("a\ufffdb"));
});
