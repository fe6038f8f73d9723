// Behaviour that belongs to the browser and not to a component: the visitor's time zone, notices
// about refusals, the numbers beside the connection, the focus, earlier messages of a room, and
// optimistic updates that a template cannot express. All pages also work without this script.
//
// It runs once, and a link shows the next page without loading it: so elements are looked up when
// they are needed.

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

const say = (text) => {
  const note = document.querySelector(".notes").appendChild(document.createElement("p"));
  note.textContent = text;
  setTimeout(() => note.remove(), 6000);
};
document.addEventListener("live:error", (event) => {
  const { code, message, details } = event.detail;
  // A form shows its errors beside its fields.
  if (code === "invalid" && event.target.querySelector(".errors")) return;
  const said = code === "invalid" ? Object.values(details ?? {}).flat().join(" ") : "";
  say(said || message || "That did not work.");
});

if (document.querySelector("live-component, #drawn")) {
  const { default: live } = await import("/live/client.js");
  connection(live);
  live.configure({ warnUnsent: true });
  live.hook("editor", { mounted: edit });
  const ends = new WeakMap();
  live.hook("earlier", {
    mounted: (element) => ends.set(element, lookBack(element, live.component(element))),
    destroyed: (element) => ends.get(element)?.(),
  });
  atOnce((list) => live.component(list));
}

/**
 * Shows the attempt, the number of waiting messages and a button to reconnect, which the page's
 * attribute does not contain.
 */
function connection(live) {
  const page = document.documentElement;
  const show = () => {
    const [waiting, tries, again] = [".waiting", ".tries", ".again"].map((name) => document.querySelector(name));
    if (!again) return;
    const status = page.getAttribute("live-connection");
    const { attempt, queued } = live.connection;
    waiting.textContent = queued ? `${queued} waiting` : "";
    tries.textContent = status !== "connected" && attempt > 1 ? `try ${attempt}` : "";
    again.hidden = status !== "offline" && status !== "stopped";
  };
  document.addEventListener("click", ({ target }) => target.closest?.(".again") && live.reconnect());
  for (const type of ["live:connection", "live:navigated"]) document.addEventListener(type, show);
  new MutationObserver(show).observe(page, { attributeFilter: ["live-connection", "live-queued"] });
  show();
}

/**
 * Focuses an input that replaces a text, and returns the focus to its button when the input is
 * removed.
 */
function edit(input) {
  const row = input.closest("li");
  input.focus();
  input.select();
  // The whole form is removed, after which no element has the focus.
  const back = new MutationObserver(() => {
    if (input.isConnected) return;
    back.disconnect();
    if (document.activeElement === document.body) row.querySelector(".rename")?.focus();
  });
  back.observe(row, { childList: true });
}

/**
 * Shows a move and a clearing in the todo list before the server has answered. The template's
 * optimistic updates cannot express them. This handles the event before the template does, and
 * calls the same action with its effect as a patch.
 */
function atOnce(component) {
  const show = (todo, operations, action, ...args) => {
    const answer = todo.call(action, ...args);
    answer.catch((error) => say(error.message));
    todo.optimistic({ todos: { items: { $list: operations } } }, answer);
  };
  const move = (todo, row, by) => {
    const rows = [...row.parentElement.children];
    // Moves past the next visible neighbour, wherever a filter has put it.
    const shown = rows.filter((other) => !other.hidden);
    const index = rows.indexOf(shown[shown.indexOf(row) + by]);
    // The id of an unanswered item is a text: the call waits for the real id.
    const id = Number(row.dataset.id) || row.dataset.id;
    if (index >= 0) show(todo, [[">", id, index]], "move_to", id, index);
  };
  const take = (event, act) => {
    const list = event.target.closest(".todo");
    const todo = list && component(list);
    if (!todo?.state) return;
    event.stopPropagation();
    event.preventDefault();
    act(todo);
  };
  addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-by], .last");
    if (!button) return;
    take(event, (todo) => {
      if (button.dataset.by) return move(todo, button.closest("li"), Number(button.dataset.by));
      const done = todo.state.todos.items.filter((item) => item.done && item.id > 0);
      if (done.length) show(todo, done.map(({ id }) => ["-", id]), "clear_completed");
    });
  }, true);
  addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = event.target.closest?.("li[data-id]");
    if (by && row && event.altKey && !event.ctrlKey && !event.shiftKey && !event.metaKey) take(event, (todo) => move(todo, row, by));
  }, true);
}

/**
 * Loads messages older than those in the room, with the action that returns them. Returns a
 * function that ends this.
 */
function lookBack(box, chat) {
  const PAGE = 50;
  const [button, status, list] = ["button", "[role=status]", "ol"].map((name) => box.querySelector(name));
  const me = JSON.parse(box.closest("live-component").getAttribute("user") ?? "null")?.id;
  let kept = [], open = false, ended = false, busy = false;

  const entry = (message) => {
    const item = document.createElement("li");
    item.className = message.user_id === me ? "message mine" : "message";
    Object.assign(item.dataset, { id: message.id, user: message.user_id });
    item.innerHTML = '<p class="who"><b></b><local-time></local-time></p><p class="said"></p>';
    item.querySelector("b").textContent = message.user_name;
    item.querySelector("local-time").setAttribute("datetime", message.created_at);
    item.querySelector(".said").textContent = message.content;
    return item;
  };
  const group = () => {
    for (const item of list.children) {
      item.classList.toggle("follows", item.previousElementSibling?.dataset.user === item.dataset.user);
    }
  };
  const show = (state) => {
    // A component that the server mounts again has no state at first.
    if (!state?.chat) return;
    // An unconfirmed message has no id yet.
    const messages = state.chat.messages.filter(({ id }) => id > 0);
    // Messages that the room drops at its top are appended here.
    if (open) list.append(...kept.filter(({ id }) => id < messages[0]?.id).map(entry));
    group();
    kept = messages;
    button.hidden = ended || messages.length < PAGE;
  };
  button.addEventListener("click", async () => {
    if (busy || !kept.length) return;
    busy = open = true;
    button.setAttribute("aria-busy", "true");
    try {
      const before = Number(list.firstElementChild?.dataset.id ?? kept[0].id);
      const older = await chat.call("history", before, PAGE);
      ended = older.length < PAGE;
      list.prepend(...older.map(entry));
      group();
      status.textContent = ended ? "This is where the room begins." : `${older.length} earlier messages are shown.`;
      status.classList.toggle("quiet", !ended);
      if (ended && document.activeElement === button) box.closest("[tabindex]").focus({ preventScroll: true });
      button.hidden = ended;
    } catch {
      say("The earlier messages did not arrive. Try again.");
    } finally {
      busy = false;
      button.removeAttribute("aria-busy");
    }
  });
  // The engine is busy while it mounts a hook; its state is available afterwards.
  queueMicrotask(() => show(chat.state));
  return chat.subscribe(show);
}
