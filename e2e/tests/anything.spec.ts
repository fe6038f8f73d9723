// Two visitors make random changes to one list over failing connections: in the end both show the
// server's state.

import type { Page } from "@playwright/test";
import { Network } from "./network.ts";
import { expect, open, test } from "./test.ts";

const STEPS = 200;

/** A generator with the same numbers for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

/** Makes one random change to the list, without a pause before it. */
const act = (page: Page, what: number, which: number, step: number) =>
  page.evaluate(
    ([what, which, step]) => {
      const rows = document.querySelectorAll<HTMLElement>(".items > li");
      const row = rows[which % Math.max(rows.length, 1)];
      const click = (selector: string) => row?.querySelector<HTMLElement>(selector)?.click();
      const submit = (form: HTMLFormElement | null | undefined, text: string) => {
        const input = form?.elements.namedItem("text") as HTMLInputElement | null;
        if (!form || !input) return;
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        form.requestSubmit();
      };
      if (!row || what < 3) submit(document.querySelector<HTMLFormElement>("form.add"), `added ${step}`);
      else if (what < 5) click("input[type=checkbox]");
      else if (what == 5) click("[aria-label^=Up]");
      else if (what == 6) click("[aria-label^=Down]");
      else if (what == 7) click("[aria-label^=Remove]");
      else if (what == 8) {
        click(".rename");
        // One in five is too long and rejected.
        submit(row.querySelector("form"), which % 5 ? `renamed ${step}` : "x".repeat(90));
      } else if (which % 10 == 0) document.querySelector<HTMLElement>(".filters .last")?.click();
    },
    [what, which, step] as const,
  );

/** Returns the content of all rows. */
const shown = (page: Page) =>
  page.locator(".items > li").evaluateAll((rows) =>
    rows.map((row) => [
      (row as HTMLElement).dataset.id,
      row.className,
      row.querySelector(".text")?.textContent,
      row.querySelector<HTMLInputElement>("input[type=checkbox]")?.checked,
      ...[...row.querySelectorAll("button")].map((button) => [button.ariaLabel, button.ariaDisabled]),
    ]),
  );

for (const seed of [4711, 4712]) {
  test(`after random changes over failing connections two visitors see the same list (seed ${seed})`, async ({
    page,
    another,
    demo,
    problems,
  }) => {
    problems.expect(/WebSocket connection to .* failed/, /ERR_/);
    const other = await another();
    const sides = [
      { page, network: await Network.before(demo.url) },
      { page: other, network: await Network.before(demo.url) },
    ];
    for (const side of sides) await open(side.page, `${side.network.url}/todo`);
    const number = random(seed);
    for (let step = 0; step < STEPS; step++) {
      const side = sides[number(2)]!;
      const [what, which] = [number(12), number(1000)];
      if (what == 10) side.network.cut();
      else if (what == 11) {
        side.network.hold();
        setTimeout(() => side.network.release(), number(200));
      } else await act(side.page, what, which, step);
    }
    for (const side of sides) {
      side.network.release();
      await expect(side.page.locator("html")).toHaveAttribute("live-connection", "connected");
      await expect(side.page.locator("html")).not.toHaveAttribute("live-queued");
    }
    const fresh = await another();
    await open(fresh, `${demo.url}/todo`);
    expect(await shown(fresh)).not.toEqual([]);
    // The last changes may still be on their way to the server, so the new page changes too.
    for (const side of sides) {
      await expect(async () => expect(await shown(side.page)).toEqual(await shown(fresh))).toPass({ timeout: 20_000 });
    }
    for (const side of sides) await side.network.remove();
  });
}
