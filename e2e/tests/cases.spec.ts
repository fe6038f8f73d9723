// Runs the cases of `client-wasm/cases.json` in a browser: operations and events with their
// results. The in-memory document of `vivaz::testing` runs the same cases
// (`engine/src/testing/tests.rs`).

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "./test.ts";

const SOURCES = new URL("../../client-wasm/js/", import.meta.url);

interface Case {
  name: string;
  /** The content of the component's element. */
  page: string;
  /** The blocks of the template. */
  blocks: unknown[];
  steps: Step[];
  html?: string;
  /** The values of controls, by selector. */
  values?: Record<string, unknown>;
  /** The calls of the engine. */
  heard?: unknown[];
  /** Whether all nodes are at the positions of the template. */
  fits?: boolean;
}

interface Step {
  /** An operation that shows a value: root, hole, kind, value. */
  set?: [number, number, number, string];
  /** Other operations, with their text. */
  run?: number[];
  text?: string;
  /** A text that is typed or chosen. */
  put?: [string, string];
  /** A control that is checked. */
  tick?: [string, boolean];
  /** An element that is clicked, with the default action of the click. */
  click?: string;
  /** An event: its target, its type and its properties. */
  happens?: [string, string, Record<string, unknown>?];
}

const cases: Case[] = JSON.parse(readFileSync(new URL("../../client-wasm/cases.json", import.meta.url), "utf8"));

for (const one of cases) {
  test(one.name, async ({ page }) => {
    await page.route("http://client.test/**", async (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      if (path == "") await route.fulfill({ contentType: "text/html", body: "<!doctype html><title>cases</title>" });
      else await route.fulfill({ path: fileURLToPath(new URL(path, SOURCES)), contentType: "text/javascript" });
    });
    await page.goto("http://client.test/");
    const outcome = await page.evaluate(async (one) => {
      const load = (name: string) => import(`/${name}.js`);
      const [{ core }, dom, nodes, events] =
        [await load("core"), await load("dom"), await load("dom/nodes"), await load("events")];
      const { setClasses, setShown, writeAttribute } = await load("dom/attributes");
      const { toText } = await load("dom/hole");
      const { eachListener, listenTo, runListener } = events;
      const { blocks: compiled, holeNodes } = nodes;
      const heard: unknown[] = [];
      let fits = true;
      Object.assign(core, { nodes: nodes.nodes, blocks: compiled, holeNodes, setClasses, setShown, toText, writeAttribute });
      Object.assign(core, { eachListener, listenTo, runListener });
      core.rebuildView = () => { fits = false; };
      core.sendEdit = (_: number, property: string, json: string) => heard.push(["edit", property, json]);
      core.sendCommit = (_: number, property: string) => heard.push(["commit", property]);
      core.sendEvent = (root: { $root: number }, address: number, json: string, reads: unknown) => {
        heard.push(["event", root.$root, address, JSON.parse(json)]);
        core.formControls.actionSent(root, reads);
      };
      for (const name of ["controls", "html", "styles", "targets", "urls", "wire"]) (await load(`modules/${name}`)).default(core);

      const element: HTMLElement & { $slot?: number } = document.createElement("live-component");
      element.innerHTML = one.page;
      element.$slot = 0;
      document.body.replaceChildren(element);
      nodes.elements.set(0, element);
      const run = (words: number[], text = "") => dom.run(Uint32Array.from([24, 0, ...words]), text);
      const find = (selector: string) => element.querySelector(selector) as HTMLInputElement;
      const blocks = JSON.stringify(one.blocks);
      run([1, 0, blocks.length, 4, 1, 0, 0, 0], blocks);
      for (const { set, run: words, text, put, tick, click, happens } of one.steps) {
        if (set) run([9, set[0], set[1], set[2], set[3].length], set[3]);
        else if (words) run(words, text);
        else if (put) find(put[0]).value = put[1];
        else if (tick) find(tick[0]).checked = tick[1];
        else if (click) find(click).click();
        else if (happens) {
          const [selector, type, has] = happens;
          const event = new Event(type, { bubbles: type != "focus" && type != "blur" });
          find(selector).dispatchEvent(Object.assign(event, has));
        }
      }
      const held = (node: HTMLInputElement | HTMLSelectElement) => {
        if ("options" in node && node.multiple) return [...node.selectedOptions].map((option) => option.value);
        return "checked" in node && /^(checkbox|radio)$/.test(node.type) ? node.checked : node.value;
      };
      const values = Object.keys(one.values ?? {}).map((selector) => [selector, held(find(selector))]);
      return { fits, heard, html: element.innerHTML, values: Object.fromEntries(values) };
    }, one);
    expect(outcome.fits).toBe(one.fits ?? true);
    if (one.html !== undefined) expect(outcome.html).toBe(one.html);
    if (one.values) expect(outcome.values).toEqual(one.values);
    if (one.heard) expect(outcome.heard).toEqual(one.heard);
  });
}
