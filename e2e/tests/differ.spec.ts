// Compares three documents with the same state: a page that reached it through patches (A), a page
// that was loaded without JavaScript (B), and the same page after its script adopted it (C). `cargo
// xtask differ` makes a long run.

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { difference, snapshot } from "./differ/snapshot.ts";
import { FIELDS, json, next, random } from "./differ/states.ts";
import { expect, live, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

const STEPS = Number(process.env.DIFFER_STEPS ?? 8);
const SEED = Number(process.env.DIFFER_SEED ?? 1);

const url = (name: string, state: string) => `/differ/${name}?state=${encodeURIComponent(state)}`;

const set = (page: Page, state: string) =>
  page.evaluate(async (state) => {
    const { component } = await import("/live/client.js" as string);
    const differ = component(document.querySelector("live-component"));
    await differ.call("set", state);
    // The server updates the children before it replies to another action.
    await differ.call("set", state);
  }, state);

// The name of a construct in the documentation and its form in a template.
const constructs = (docs: string): Map<string, RegExp> => {
  const found = new Map<string, RegExp>();
  const examples = [...docs.matchAll(/^```html\n(.*?)^```/gms)].map((block) => block[1]!).join("\n");
  const words = docs.slice(docs.indexOf("## All directives"));
  for (const [word] of (examples + words).matchAll(/live:[a-z-]+/g)) found.set(word, new RegExp(`${word}[\\s=:.>]`));
  for (const [, element] of examples.matchAll(/<([a-z]+\d?)[\s>]/g)) found.set(`<${element}>`, new RegExp(`<${element}[\\s>]`));
  // The attributes in the tables and in the text beside them.
  const attributes = docs.slice(docs.indexOf("## Text and attributes"), docs.indexOf("## Conditions"));
  for (const [, name] of attributes.matchAll(/`([a-z:]+(?:-\*)?)`/g)) {
    if (/^(live:.*|null|true|false|javascript:|vbscript:|data:|about:invalid|innerHTML|input|option|select|x-icon)$/.test(name!)) continue;
    found.set(`${name}=`, new RegExp(` ${name!.replace("*", "\\w+")}="[^"]*\\{\\{`));
  }
  // The operators.
  const table = docs.slice(docs.indexOf("From the lowest"), docs.indexOf("Literals are"));
  for (const [, operator] of table.matchAll(/`([^`a-z\s]+|a\.len\(\)|a\.is_empty\(\)|a\.contains\(b\)|a \S+ b(?: : c)?|a\[b\]|a\.b)`/g)) {
    const text = operator!.replaceAll("\\|", "|");
    const like = { "a.b": "a.id", "a[b]": "a[0]" }[text] ?? text;
    found.set(text, new RegExp(like.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  }
  return found;
};

test("every construct of the documentation is compared", async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");
  const names = [...Object.keys(FIELDS), "part"];
  const templates = (await Promise.all(names.map((name) => read(`../app/src/differ/${name}.html`)))).join("\n");
  const all = constructs(await read("../../docs/templates.md"));
  expect(all.size).toBeGreaterThan(80);
  // Constructs that occur only with another name.
  const instead: Record<string, string> = { "live:chat": "<live:", "live:card": "<live:", "live:todos": "<live:" };
  // Constructs of pages and partials, of which nothing is left when a component is patched.
  const once = ["live:navigate", "live:persist", "live:current", "live:head", "live:params", "live:slot", "live:fill"];
  for (const name of once) expect(all.delete(name), name).toBe(true);
  expect([...all].filter(([name, like]) => !(instead[name] ? templates.includes(instead[name]) : like.test(templates))).map(([name]) => name)).toEqual([]);
});

for (const name of Object.keys(FIELDS)) {
  test(`a patched page equals a new one, with and without its script: ${name}`, async ({ page, browser, app, problems }) => {
    test.setTimeout(120_000 + STEPS * 2000);
    // Excludes the target of a random address, and text that differs from the value of a control.
    problems.expect(/Failed to load resource/, /Content Security Policy/, /cannot be parsed|does not conform/, /Error: <\w+> attribute/);
    const bare = await (await browser.newContext({ baseURL: app.url, javaScriptEnabled: false })).newPage();
    const fresh = await (await browser.newContext({ baseURL: app.url })).newPage();
    problems.watch(fresh);
    const number = random(SEED);
    let state = next(name, {}, number);
    const way = [json(state)];
    await open(page, url(name, json(state)));
    for (let step = 0; step < STEPS; step++) {
      state = next(name, state, number);
      const text = json(state);
      way.push(text);
      await Promise.all([
        set(page, text),
        bare.goto(url(name, text)),
        fresh.goto(url(name, text)).then(() => live(fresh)),
      ]);
      const [a, b, c] = [await snapshot(page), await snapshot(bare), await snapshot(fresh)];
      const said = `seed ${SEED}, step ${step}:\n${way.slice(-2).join("\n")}`;
      expect.soft(difference(b.lines, c.lines), `without a script (-) and with it (+), ${said}`).toEqual([]);
      expect.soft(difference(c.lines, a.lines), `fresh (-) and patched (+), ${said}`).toEqual([]);
      expect.soft(difference(c.styles, a.styles), `styles, fresh (-) and patched (+), ${said}`).toEqual([]);
      if (test.info().errors.length) break;
    }
    await bare.context().close();
    await fresh.context().close();
  });
}
