// Measures operations on many rows in the page's engine, compared with hand-written DOM code for
// the same messages. The ratios matter: both run alternately in the same page of the same browser.
//
// The page simulates the server, so that only the work of the page is measured: from the arrival of
// a message, including parsing, to the end of layout.

import { expect, test } from "../tests/test.ts";

type Bench = {
  deliver: (payload: unknown) => void;
  rev: number;
};

test("rows", async ({ page }) => {
  await page.addInitScript(() => {
    // A socket whose server is this page.
    const bench = { rev: 0, deliver: (_: unknown) => {} };
    Object.assign(window, { bench });
    class Line extends EventTarget {
      static readonly CONNECTING = 0;
      static readonly OPEN = 1;
      static readonly CLOSING = 2;
      static readonly CLOSED = 3;
      binaryType = "blob";
      protocol = "vivaz.v1.json";
      readyState = 0;
      onopen: ((event: Event) => void) | null = null;
      onmessage: ((event: Event) => void) | null = null;
      onclose: ((event: Event) => void) | null = null;
      onerror: ((event: Event) => void) | null = null;
      constructor() {
        super();
        setTimeout(() => {
          this.readyState = 1;
          this.tell(new Event("open"));
        });
        bench.deliver = (payload) => {
          bench.rev += 1;
          this.answer({ type: "STATE_UPDATE", componentId: this.id, rev: bench.rev, payload });
        };
      }
      private id = "";
      private tell(event: Event): void {
        (this as unknown as Record<string, ((event: Event) => void) | null>)[`on${event.type}`]?.(event);
        this.dispatchEvent(event);
      }
      private answer(message: object): void {
        this.tell(new MessageEvent("message", { data: JSON.stringify({ v: 1, ...message }) }));
      }
      send(frame: string): void {
        const { type, ref, componentId } = JSON.parse(frame);
        if (type === "HELLO") {
          const payload = { session: "s", resume: "r", connection: "k", resumed: false, done: [], heartbeatMs: 60_000 };
          setTimeout(() => this.answer({ type: "WELCOME", payload }));
        } else if (type === "COMPONENT_MOUNT") {
          this.id = componentId;
          const template = document.querySelector("live-component")?.getAttribute("template");
          const payload = { component: "rows", template, state: { rows: [], selected: null }, topics: {} };
          setTimeout(() => this.answer({ type: "COMPONENT_MOUNTED", ref, componentId, rev: 0, epoch: "e", payload }));
        }
      }
      close(): void {
        this.readyState = 3;
      }
    }
    Object.assign(window, { WebSocket: Line });
  });
  await page.goto("/rows");
  await page.waitForFunction(() => (document.querySelector("live-component") as unknown as { $ready?: boolean }).$ready);

  const figures = await page.evaluate(async () => {
    const { bench } = window as unknown as { bench: Bench };
    type Row = { id: number; label: string };
    type Op = ["+", number, Row] | ["-", number] | ["~", number, { label: string }] | [">", number, number];
    type Patch = { rows: Row[] | { $list: Op[] } };

    // The same rows in hand-written code.
    const place = document.createElement("div");
    place.innerHTML = '<div class="card rows"><p class="tally"></p><div class="table"><table><tbody></tbody></table></div></div>';
    const model = document.createElement("template");
    model.innerHTML =
      '<tr><td> </td><td><button type="button" class="pick"> </button></td><td><button type="button" class="icon" aria-label="">✕</button></td></tr>';
    const stage = document.querySelector("live-component") as HTMLElement;
    const body = place.querySelector("tbody") as HTMLElement;
    const tally = place.querySelector(".tally") as HTMLElement;
    const known = new Map<number, HTMLElement>();
    const make = (row: Row) => {
      const tr = (model.content.firstElementChild as HTMLElement).cloneNode(true) as HTMLElement;
      const [id, pick, remove] = tr.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
      (id.firstChild as Text).data = String(row.id);
      (pick.firstElementChild?.firstChild as Text).data = row.label;
      remove.firstElementChild?.setAttribute("aria-label", `Remove row ${row.id}`);
      known.set(row.id, tr);
      return tr;
    };
    const byHand = (patch: Patch) => {
      if (Array.isArray(patch.rows)) {
        body.textContent = "";
        known.clear();
        for (const row of patch.rows) body.append(make(row));
      } else {
        for (const op of patch.rows.$list) {
          if (op[0] === "+") body.insertBefore(make(op[2]), body.children[op[1]] ?? null);
          else if (op[0] === "-") {
            known.get(op[1])?.remove();
            known.delete(op[1]);
          } else if (op[0] === "~") {
            (known.get(op[1])?.children[1]?.firstElementChild?.firstChild as Text).data = op[2].label;
          } else {
            const tr = known.get(op[1]) as HTMLElement;
            tr.remove();
            body.insertBefore(tr, body.children[op[2]] ?? null);
          }
        }
      }
      tally.textContent = `${known.size} rows`;
    };

    const rows = (n: number, from = 1): Row[] =>
      Array.from({ length: n }, (_, at) => ({ id: from + at, label: `large yellow chair ${from + at}` }));
    const swap = (n: number): Op[] => [[">", 2, n - 2], [">", n - 1, 1]];
    let turn = 0;
    const cases: Record<string, { before: Patch; patch: () => Patch }> = {
      "create 1,000": { before: { rows: [] }, patch: () => ({ rows: rows(1000) }) },
      "create 10,000": { before: { rows: [] }, patch: () => ({ rows: rows(10_000) }) },
      "replace 1,000": { before: { rows: rows(1000) }, patch: () => ({ rows: rows(1000, 5001) }) },
      "append 1,000 to 1,000": {
        before: { rows: rows(1000) },
        patch: () => ({ rows: { $list: rows(1000, 1001).map((row, at): Op => ["+", 1000 + at, row]) } }),
      },
      "update every 10th of 1,000": {
        before: { rows: rows(1000) },
        patch: () => {
          turn += 1;
          return { rows: { $list: rows(1000).filter((_, at) => at % 10 === 0).map((row): Op => ["~", row.id, { label: `${row.label} ${turn}` }]) } };
        },
      },
      "swap two of 1,000": { before: { rows: rows(1000) }, patch: () => ({ rows: { $list: swap(1000) } }) },
      "remove one of 1,000": { before: { rows: rows(1000) }, patch: () => ({ rows: { $list: [["-", 500]] } }) },
      "clear 10,000": { before: { rows: rows(10_000) }, patch: () => ({ rows: [] }) },
    };
    const settle = () => new Promise((done) => setTimeout(done, 30));
    const figures: { name: string; live: number; hand: number; same: boolean }[] = [];
    for (const [name, { before, patch }] of Object.entries(cases)) {
      const times: Record<"live" | "hand", number[]> = { live: [], hand: [] };
      let same = true;
      for (let round = 0; round < 8; round++) {
        const message = patch();
        const shown: (string | null | undefined)[] = [];
        for (const who of round % 2 ? (["live", "hand"] as const) : (["hand", "live"] as const)) {
          // Only the measured table is in the page.
          if (who === "live") {
            bench.deliver(before);
            place.remove();
          } else {
            byHand(before);
            stage.after(place);
            stage.hidden = true;
          }
          await settle();
          document.body.getBoundingClientRect();
          const started = performance.now();
          if (who === "live") bench.deliver(message);
          else byHand((JSON.parse(JSON.stringify({ payload: message })) as { payload: Patch }).payload);
          // Lets the promises that depend on the message run.
          for (let n = 0; n < 20; n++) await null;
          document.body.getBoundingClientRect();
          times[who].push(performance.now() - started);
          shown.push((who === "live" ? stage : place).querySelector("tbody")?.textContent);
          place.remove();
          stage.hidden = false;
        }
        same &&= shown[0] === shown[1];
      }
      // The first two rounds warm up.
      const median = (all: number[]) => all.slice(2).sort((a, b) => a - b)[3] ?? 0;
      figures.push({ name, live: median(times.live), hand: median(times.hand), same });
    }
    return figures;
  });

  console.log(`\n${"operation".padEnd(30)}${"engine, ms".padStart(12)}${"by hand, ms".padStart(13)}${"ratio".padStart(8)}`);
  for (const { name, live, hand } of figures) {
    console.log(`${name.padEnd(30)}${live.toFixed(1).padStart(12)}${hand.toFixed(1).padStart(13)}${(live / hand).toFixed(2).padStart(8)}`);
  }
  for (const { name, same } of figures) expect(same, `${name}: both show the same`).toBe(true);
});
