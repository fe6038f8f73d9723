// Other scripts insert elements into a component: password managers, translators, extensions.

import type { Locator, Page } from "@playwright/test";
import { expect, open, test } from "./test.ts";

test.use({ baseURL: async ({ app }, use) => use(app.url) });

// Finds and clicks in one step: a rebuilt view would remove the button in between.
const press = (page: Page, selector: string) =>
  page.evaluate((selector) => document.querySelector<HTMLElement>(selector)!.click(), selector);
const text = (locator: Locator) => locator.evaluate((element) => element.textContent);

/** The expected content of the page. */
class Model {
  ticks = 0;
  entered = "";
  name = "";
  secret = "";
  rows = [1, 2, 3, 4].map((id) => ({ id, touched: 0 }));
}

/**
 * Compares the text of every binding. Foreign elements have no text, or the text that they
 * replaced.
 */
async function check(page: Page, model: Model): Promise<void> {
  const { ticks, name, secret, rows, entered } = model;
  await expect
    .poll(() =>
      page.evaluate(() => {
        const of = (selector: string) => document.querySelector(selector)?.textContent ?? null;
        const all = (selector: string) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
        const value = (name: string) => document.querySelector<HTMLInputElement>(`input[name="${name}"]`)?.value;
        return {
          button: of("#enter"), entered: of("#entered"), sentence: of("#sentence"), odd: of("#odd"), after: of("#after"),
          title: document.querySelector("#after")?.getAttribute("title"),
          rows: all(".row"), touch: all(".touch"), remove: all(".remove"), name: value("name"), secret: value("secret"),
        };
      }),
    )
    .toEqual({
      button: `Log in ${ticks}`, entered, sentence: `${ticks} of ${rows.length} and ${name}`,
      odd: ticks % 2 ? `odd ${ticks}` : null, after: `after ${ticks}`, title: `tick ${ticks}`,
      rows: rows.map(({ id, touched }) => `${id} touched ${touched}`),
      touch: rows.map(({ id }) => `Touch ${id}`), remove: rows.map(({ id }) => `Remove ${id}`), name, secret,
    });
}

test("a password manager inserts icons beside the fields before the client runs", async ({ page }) => {
  await page.addInitScript(() => {
    new MutationObserver(() => {
      for (const field of document.querySelectorAll("input, li, #many")) {
        if (field.previousElementSibling?.hasAttribute("data-icon-root")) continue;
        const icon = document.createElement("div");
        icon.setAttribute("data-icon-root", "");
        field.before(icon, document.createComment("icon"));
      }
    }).observe(document, { childList: true, subtree: true });
  });
  await open(page, "/foreign");
  const model = new Model();
  await check(page, model);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Secret").fill("12345");
  Object.assign(model, { name: "ada", secret: "12345" });
  await check(page, model);
  await page.getByRole("button", { name: "Log in" }).click();
  model.entered = "ada/12345";
  await check(page, model);
  await page.getByRole("button", { name: "Touch 2" }).click();
  model.rows[1]!.touched++;
  await press(page, "#tick");
  model.ticks++;
  await check(page, model);
});

test("the next text replaces the elements of a translator, without accumulating them", async ({ page }) => {
  await open(page, "/foreign");
  const model = new Model();
  const translate = () =>
    page.evaluate(() => {
      const texts = document.createTreeWalker(document.querySelector("live-component")!, NodeFilter.SHOW_TEXT);
      const found: Text[] = [];
      while (texts.nextNode()) {
        const text = texts.currentNode as Text;
        if (text.data.trim() && text.parentElement!.localName != "font") found.push(text);
      }
      for (const text of found) {
        const [outer, inner] = [document.createElement("font"), document.createElement("font")];
        inner.textContent = text.data.toUpperCase();
        outer.append(inner);
        text.replaceWith(outer);
      }
    });
  for (let round = 0; round < 3; round++) {
    await translate();
    await expect(page.locator("#enter")).toHaveText(`LOG IN ${model.ticks}`);
    await press(page, "#tick");
    model.ticks++;
    await expect(page.locator("#after")).toHaveText(`after ${model.ticks}`);
    expect(await text(page.locator("#enter"))).toBe(`Log in ${model.ticks}`);
    expect(await text(page.locator("#sentence"))).toBe(`${model.ticks} of 4 AND `);
  }
  await page.getByLabel("Name").fill("ada");
  model.name = "ada";
  await press(page, "#add");
  model.rows.push({ id: 5, touched: 0 });
  await expect(page.locator("#many")).toHaveText("5");
  expect(await page.locator("#sentence").evaluate((element) => element.lastChild!.textContent)).toBe(" and ada");
});

test("removed elements are restored at the next change, and typed text is kept", async ({ page }) => {
  await open(page, "/foreign");
  const model = new Model();
  await page.getByLabel("Name").fill("ada");
  model.name = "ada";
  for (const gone of ["#after", "#rows", "#rows li", "#many", "form", "#enter"]) {
    await check(page, model);
    await page.locator(gone).first().evaluate((element) => element.remove());
    await press(page, "#tick");
    model.ticks++;
    await press(page, "#add");
    model.rows.push({ id: model.rows.length + 1, touched: 0 });
    await check(page, model);
    await page.getByRole("button", { name: "Touch 1", exact: true }).click();
    model.rows[0]!.touched++;
  }
});

/** A small seeded generator (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const SEEDS = Number(process.env["SEEDS"] ?? 6);
for (let seed = 1; seed <= SEEDS; seed++) {
  test(`every binding shows its text although other scripts insert, wrap, move and remove elements (seed ${seed})`, async ({ page }) => {
    await open(page, "/foreign");
    const model = new Model();
    const next = random(seed), pick = (n: number) => Math.floor(next() * n);
    for (let step = 0; step < 40; step++) {
      const done = await page.evaluate(
        ([kind, one, other]) => {
          const root = document.querySelector("live-component")!;
          const all = [...root.querySelectorAll("*")];
          const ours = all.filter((element) => !element.closest("[data-other]:not(:has(*))"));
          const others = all.filter((element) => element.hasAttribute("data-other"));
          const at = ours[Math.floor(one! * ours.length)]!, there = ours[Math.floor(other! * ours.length)]!;
          const made = document.createElement(["div", "span", "li", "x-icon", "button"][Math.floor(other! * 5)]!);
          made.setAttribute("data-other", "");
          switch (kind) {
            case 0: at.before(made); return `before ${at.localName}#${at.id}`;
            case 1: at.after(made, document.createComment("other")); return `after ${at.localName}#${at.id}`;
            case 2: at.prepend(made); return `into ${at.localName}#${at.id}`;
            case 3: if (at.contains(document.activeElement)) return "";
              at.replaceWith(made); made.append(at); return `around ${at.localName}#${at.id}`;
            case 4: { const other = others[Math.floor(one! * others.length)];
              // An element of ours inside of it would be removed too, for instance from its form.
              if (!other || other.firstElementChild) return "";
              there.after(other); return `move after ${there.localName}#${there.id}`; }
            default: { const other = others[Math.floor(one! * others.length)];
              if (!other || other.firstElementChild) return "";
              other.remove(); return "remove"; }
          }
        },
        [pick(6), next(), next()],
      );
      await test.step(done, async () => {
        const row = model.rows[pick(model.rows.length)];
        switch (pick(7)) {
          case 0: await press(page, "#tick"); model.ticks++; break;
          case 1: await press(page, "#add"); model.rows.push({ id: Math.max(0, ...model.rows.map((r) => r.id)) + 1, touched: 0 }); break;
          case 2: await press(page, "#rotate"); if (model.rows.length) model.rows.unshift(model.rows.pop()!); break;
          case 3: if (row && model.rows.length > 2) { await page.getByText(`Remove ${row.id}`, { exact: true }).evaluate((b: HTMLElement) => b.click()); model.rows.splice(model.rows.indexOf(row), 1); } break;
          case 4: if (row) { await page.getByText(`Touch ${row.id}`, { exact: true }).evaluate((b: HTMLElement) => b.click()); row.touched++; } break;
          case 5: await page.locator("input[name=name]").press("End"); await page.keyboard.type("x"); model.name += "x"; break;
          default: await press(page, "#enter"); model.entered = `${model.name}/${model.secret}`; break;
        }
        await check(page, model);
      });
    }
  });
}
