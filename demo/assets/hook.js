// A counter that this script renders. The component runs on the server; no template is used.

import live from "/live/client.js";

const place = document.querySelector("#drawn");
const counter = await live.mount("counter", { title: "Drawn by a script" });

const title = element("h2", {});
const count = element("output", { className: "count" });
const failure = element("p", { className: "failure", role: "alert" });
const buttons = element("div", { className: "buttons" });
buttons.append(
  button("−", "Decrement", "round", () => counter.call("decrement")),
  button("Reset", "Reset", "", () => counter.call("reset")),
  button("+", "Increment", "round primary", () => counter.call("increment")),
  button("+10", "+10", "", () => counter.call("increment", 10)),
);

const draw = (state) => {
  title.textContent = state.title;
  count.textContent = state.count;
};
draw(counter.state);
counter.subscribe(draw);
place.replaceChildren(title, count, buttons, failure);

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

/** Creates a button that calls an action and shows the reason of a refusal. */
function button(text, label, className, act) {
  const made = element("button", { type: "button", textContent: text, ariaLabel: label, className });
  made.addEventListener("click", async () => {
    failure.textContent = "";
    await act().catch((error) => (failure.textContent = error.message));
  });
  return made;
}
