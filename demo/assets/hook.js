// A counter that this script renders. The component runs on the server; no template is used.

import live from "/live/client.js";

let counter;
await show();
// The script runs once: a link shows this page again, or another one, without loading it.
document.addEventListener("live:navigated", show);

/** Draws a new counter into the page, if the page has a place for it. */
async function show() {
  counter?.unmount();
  counter = undefined;
  const place = document.querySelector("#drawn");
  if (!place) return;
  const mounted = await live.mount("counter", { title: "Drawn by a script" });
  if (!place.isConnected) return mounted.unmount();
  counter = mounted;

  const title = element("h2", {});
  const count = element("output", { className: "count" });
  const failure = element("p", { className: "failure", role: "alert" });
  const buttons = element("div", { className: "buttons" });
  const add = (...of) => buttons.append(button(failure, ...of));
  add("−", "Decrement", "round", () => mounted.call("decrement"));
  add("Reset", "Reset", "", () => mounted.call("reset"));
  add("+", "Increment", "round primary", () => mounted.call("increment"));
  add("+10", "+10", "", () => mounted.call("increment", 10));

  const draw = (state) => {
    title.textContent = state.title;
    count.textContent = state.count;
  };
  draw(mounted.state);
  mounted.subscribe(draw);
  place.replaceChildren(title, count, buttons, failure);
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

/** Creates a button that calls an action and shows the reason of a refusal. */
function button(failure, text, label, className, act) {
  const made = element("button", { type: "button", textContent: text, ariaLabel: label, className });
  made.addEventListener("click", async () => {
    failure.textContent = "";
    await act().catch((error) => (failure.textContent = error.message));
  });
  return made;
}
