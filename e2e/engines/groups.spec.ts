// Checkboxes that share one list.

import { expect, test } from "./test.ts";

for (const latency of [0, 300]) {
  test(`boxes that are checked quickly are all in the list: ${latency} ms`, async ({ window, network }) => {
    network.latency = latency / 2;
    await window.open(`${network.url}/groups`);
    for (const name of ["red", "green", "blue", "9007199254740993", "1"]) await (await window.field(name)).click();
    await window.showsPart("#server", "colors gone red green |");
    await window.showsPart("#server", "numbers 9007199254740993 1 |");
    const ticked = () =>
      window.run(() => [...document.querySelectorAll("input:checked")].map((box) => box.parentElement!.textContent!.trim()));
    expect(await ticked()).toEqual(["red", "green", "1", "9007199254740993"]);
  });
}
