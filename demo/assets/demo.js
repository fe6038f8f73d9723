// What belongs to the browser and not to a component: the visitor's own time zone, and notes about refusals.
// Everything on these pages works without it.

customElements.define("local-time", class extends HTMLElement {
  static observedAttributes = ["datetime"];
  #text = this.attachShadow({ mode: "open" }).appendChild(new Text());

  attributeChangedCallback(_name, _old, value) {
    const date = new Date(value);
    if (Number.isNaN(date.getTime())) {
      this.#text.data = value;
      return;
    }
    const today = date.toDateString() === new Date().toDateString();
    this.#text.data = date.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
    this.title = date.toLocaleString();
  }
});

const notes = document.querySelector(".notes");
document.addEventListener("live:error", (event) => {
  const { code, message, details } = event.detail;
  // A form says beside its fields what is wrong with them.
  if (code === "invalid" && event.target.querySelector(".errors")) return;
  const said = code === "invalid" ? Object.values(details ?? {}).flat().join(" ") : "";
  const note = notes.appendChild(document.createElement("p"));
  note.textContent = said || message || "That did not work.";
  setTimeout(() => note.remove(), 6000);
});
