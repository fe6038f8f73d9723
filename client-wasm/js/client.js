// The page's entry: the `live-component` element, the hook for people who render themselves, and the engine's life.

import { instantiate, turn } from 'vivaz-engine';
import { effects, elements, nodes, reset } from './dom.js';
import { edited, flush, handle, listen, start, to } from './events.js';

const page = document.documentElement;
const option = name => !!document.querySelector(`script[live-${name}]`);
const settings = { callTimeoutMs: 30_000, warnUnsent: option('warn-unsent'), keepQueue: option('keep-queue') };
const connection = { status: 'connecting', attempt: 0, code: 0, queued: 0 };
const hooks = new Map();

// Calls into the engine never nest: what happens while it works waits for its turn.
const queue = [];
let busy = false, ready = false;
const post = act => {
  queue.push(act);
  if (!ready || busy) return;
  busy = true;
  try {
    while (queue.length) queue.shift()();
  } catch (error) {
    broken(error);
  } finally {
    busy = false;
  }
  if (queue.length) queueMicrotask(() => post(() => {}));
};

// What the engine is told: the numbers are those of src/engine.rs.
const MOUNT = 0, UNMOUNT = 1, EVENT = 2, EDIT = 3, COMMIT = 4, CALL = 5, SET = 6, GUESS = 7, RELEASE = 8, PROPS = 9,
  TEMPLATE = 10, TIMER = 11, WAKE = 12, LEAVE = 13, STATE = 14, LOADING = 15, SOCKET = 16, START = 17, KEEP = 18;
const ask = (what, slot, a, b, text = '', more = '') => turn(what, slot, a, b, text, more);
const tell = (...of) => post(() => ask(...of));
let given;

// Components, by slot.

/** @type {Component[]} */
const components = [];
const tickets = new Map();
let ticket = 0;

class Component {
  #state;
  #listeners = new Map();
  #subscribers = new Set();
  constructor(slot, element) {
    this.slot = slot;
    this.element = element;
    this.refs = {};
    this.mounted = new Promise((resolve, reject) => { this.settle = [resolve, reject]; });
    this.mounted.catch(() => {});
  }
  get state() {
    if (!this.#state) {
      ask(STATE, this.slot);
      this.#state = JSON.parse(given);
    }
    return this.#state;
  }
  get loading() {
    return !!ask(LOADING, this.slot);
  }
  call(action, ...args) {
    return promise(n => ask(CALL, this.slot, n, 0, action, JSON.stringify(args)));
  }
  // Sent again where a lost session leaves its outcome unknown.
  async retry(action, ...args) {
    for (;;) {
      try {
        return await this.call(action, ...args);
      } catch (error) {
        if (error.code != 'session_lost') throw error;
      }
    }
  }
  set(field, value) {
    return promise(n => ask(SET, this.slot, n, 0, field, JSON.stringify(value ?? null)));
  }
  subscribe(act) {
    this.#subscribers.add(act);
    return () => this.#subscribers.delete(act);
  }
  on(name, act) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(act);
    return () => this.#listeners.get(name).delete(act);
  }
  optimistic(patch, until) {
    let tag;
    post(() => { tag = ask(GUESS, this.slot, 0, 0, '', JSON.stringify(patch)); });
    const end = () => tell(RELEASE, this.slot, tag);
    Promise.resolve(until).then(end, end);
    return until;
  }
  unmount() {
    if (this.element) this.element.remove();
    else unmount(this.slot);
  }
  // What the engine tells.
  changed() {
    this.#state = undefined;
    for (const act of [...this.#subscribers]) guard(() => act(this.state, this));
  }
  heard(name, data) {
    for (const act of [...(this.#listeners.get(name) || [])]) guard(() => act(data, this));
    this.element?.dispatchEvent(new CustomEvent(name, { detail: data, bubbles: true }));
  }
}

const guard = act => {
  try { act(); } catch (error) { reportError(error); }
};

const failure = ({ code, message, details = null }) => Object.assign(new Error(message || code), { code, details });

const promise = ask => new Promise((resolve, reject) => {
  const number = ++ticket;
  const timer = setTimeout(() => {
    tickets.delete(number);
    reject(failure({ code: 'timeout', message: 'no answer in time' }));
  }, settings.callTimeoutMs);
  tickets.set(number, { resolve, reject, timer });
  post(() => ask(number));
});

const settle = (number, ok, json) => {
  const waiting = tickets.get(number);
  if (!waiting) return;
  tickets.delete(number);
  clearTimeout(waiting.timer);
  if (ok) waiting.resolve(JSON.parse(json));
  else waiting.reject(failure(JSON.parse(json)));
};

// Mounting.

const ids = new Set();
let made = 0;
const componentId = wanted => {
  let id = wanted;
  while (!id || ids.has(id) || !/^[\w-]{1,64}$/.test(id)) id = 'c' + ++made;
  ids.add(id);
  return id;
};

const mount = (element, of) => {
  const slot = components.length, id = componentId(of.id), component = new Component(slot, element);
  component.id = id;
  component.of = of;
  components.push(component);
  if (element) {
    elements[slot] = element;
    element.$c = slot;
  }
  if (element && of.template) fetchTemplate(of.template);
  post(() => enter(component, of.shape));
  return component;
};
// What it is mounted from goes to the server as it is; numbers in texts keep their digits.
const enter = ({ id, of, element }, shape) => {
  const { name, seal, props, user } = of, json = JSON.stringify;
  let who = null;
  try {
    JSON.parse(user);
    who = user;
  } catch {}
  ask(MOUNT, 0, element ? 1 : 0, 0, seal ? json({ seal }) : `{"component":${json(name)},"props":${props || '{}'}}`,
    `["${id}",${shape == null ? null : json(shape.split(',').map(Number))},${who}]`);
};

const unmount = slot => {
  const component = components[slot];
  if (!component || component.gone) return;
  component.gone = true;
  ids.delete(component.id);
  delete elements[slot];
  for (const end of component.element?.$m || []) end();
  tell(UNMOUNT, slot);
};

const attribute = (element, name) => element.getAttribute(name) ?? undefined;

class LiveComponent extends HTMLElement {
  connectedCallback() {
    if (this.$c !== undefined && !components[this.$c].gone) return;
    const of = { id: this.id, name: attribute(this, 'name'), props: attribute(this, 'props') };
    if (this.$gone || !this.hasAttribute('seal')) {
      // Given by its parent's template, or written by hand.
      if (this.$p) Object.assign(of, this.$p);
    } else {
      for (const name of ['seal', 'template', 'shape']) of[name] = attribute(this, name);
      of.shape ??= '';
    }
    of.user = attribute(this, 'user') ?? this.parentElement?.closest('live-component')?.$user;
    this.$user = of.user;
    if (of.seal || of.name) mount(this, of);
  }
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected && this.$c !== undefined) {
        unmount(this.$c);
        this.$c = undefined;
        this.$gone = true;
      }
    });
  }
  // A move within the page is none of our business.
  connectedMoveCallback() {}
}

// What the engine wants done that is not about nodes. The numbers are those of `Op` in src/dom.rs.
const later = () => queueMicrotask(() => tell(SOCKET));
const after = act => queueMicrotask(() => guard(act));
const link = now => {
  const { status, queued } = Object.assign(connection, now);
  page.setAttribute('live-connection', status);
  if (queued) page.setAttribute('live-queued', queued);
  else page.removeAttribute('live-queued');
  page.classList.toggle('live-offline', status != 'connected');
  if (status == 'connected') after(finish);
  after(() => document.dispatchEvent(new CustomEvent('live:connection', { detail: { ...connection } })));
};
effects.run = (op, w, s) => {
  switch (op) {
    case 11: link({ attempt: w(), code: w(), queued: w(), status: s() }); break;
    case 12: { const n = w(), ok = w(); settle(n, ok, s()); break; }
    case 13: { const c = components[w()]; after(() => c.changed()); break; }
    case 14: { const c = components[w()], { name, data } = JSON.parse(s()); after(() => c.heard(name, data)); break; }
    case 15: { const c = components[w()], failed = w(), json = s(); phase(c, failed && failure(JSON.parse(json))); break; }
    case 16: { const c = components[w()], action = s(); fault(c, action, JSON.parse(s())); break; }
    case 17: fetchTemplate(s()); break;
    case 18: { const token = w(), of = life; setTimeout(() => { if (of == life) tell(TIMER, 0, token); }, w()); break; }
    case 19: reload(); break;
    case 20: given = s(); break;
    case 21: later(); break;
    default: throw new Error('operation ' + op);
  }
};

// Loads the page anew, unless that has just been done and did not help.
const reload = () => {
  const key = 'live-reload', now = Date.now();
  try {
    if (now - sessionStorage[key] < 30_000) return;
    sessionStorage[key] = now;
  } catch {
    return;
  }
  location.reload();
};

const phase = (component, error) => {
  const { element, told } = component;
  component.told = !error;
  if (told && !error) return;
  if (element) {
    if (error) element.setAttribute('live-state', 'error');
    else element.removeAttribute('live-state');
    element.$ready = !error;
  }
  after(() => {
    component.settle[error ? 1 : 0](error || component);
    if (!element) return;
    if (error) fault(component, '', error);
    else {
      element.dispatchEvent(new CustomEvent('live:mounted', { bubbles: true }));
      replay(element);
    }
  });
};

// An action that nobody waits for failed, or a component could not be mounted.
const fault = (component, action, { code, message, details = null }) => {
  const detail = { action, code, message, details, component };
  after(() => (component.element || document).dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true })));
};

// Templates that were asked for.
const fetching = new Set();
const fetchTemplate = async hash => {
  if (fetching.has(hash)) return;
  fetching.add(hash);
  let text;
  try {
    const response = await fetch(new URL(`template/${hash}.json`, import.meta.url));
    if (response.ok) text = await response.text();
  } catch {}
  tell(TEMPLATE, 0, 0, 0, hash, text);
};

effects.child = element => {
  const { name, props } = element.$p;
  if (element.$anew) {
    // Another component takes the place.
    const next = document.createElement('live-component');
    next.$p = element.$p;
    next.$key = element.$key;
    next.$given = props;
    for (const a of element.attributes) {
      if (!['id', 'seal', 'template', 'shape', 'live-state'].includes(a.name)) next.setAttribute(a.name, a.value);
    }
    for (let i = 0; i < nodes.length; i++) if (nodes[i] === element) nodes[i] = next;
    element.replaceWith(next);
  } else if (element.$given === undefined || element.$c === undefined) {
    if (!element.hasAttribute('name')) element.setAttribute('name', name);
    // In the page already, but without a seal: it waited for its props.
    if (element.isConnected && element.$c === undefined && element instanceof LiveComponent) element.connectedCallback();
  } else if (element.$given !== props) {
    const slot = element.$c;
    tell(PROPS, slot, 0, 0, props);
  }
  element.$given = props;
};

effects.mark = (node, hook, name) => {
  if (!hook) {
    const component = components[node.parentElement.closest('live-component').$c];
    component.refs[name] = node;
    return () => { if (component.refs[name] === node) delete component.refs[name]; };
  }
  const of = hooks.get(name);
  if (!of) return console.warn(`live:hook: no hook is registered as "${name}"`);
  guard(() => of.mounted?.(node));
  return () => guard(() => of.destroyed?.(node));
};

effects.listen = listen;
effects.edited = edited;
to.event = (slot, node, address, json) => tell(EVENT, slot, node, address, '', json);
to.edit = (slot, force, field, json) => tell(EDIT, slot, force, 0, field, json);
to.commit = (slot, field) => tell(COMMIT, slot, 0, 0, field);

// What the user does before a component is there, or while its engine starts anew, is kept, and done when it is.
const early = [];
for (const type of ['click', 'submit']) {
  document.addEventListener(type, e => {
    const path = e.composedPath(), element = path.find(n => n.localName == 'live-component');
    if (!element || element.$ready || element.getAttribute('live-state') == 'error') return;
    if (type == 'submit') e.preventDefault();
    // The way to it, from the outermost component: where it is, should that be made anew.
    const trail = path.slice(0, 1 + path.findLastIndex(n => n.localName == 'live-component'))
      .map(n => [n, [...n.parentNode.children].indexOf(n)]).reverse();
    early.push({ trail, type, bubbles: true, submitter: e.submitter, button: e.button, detail: e.detail, preventDefault() {} });
  }, true);
}
const replay = element => {
  for (const e of [...early]) {
    // The element that was meant, or what stands in its place since the component was made anew. In a row of a list
    // that is so only where the row says the same.
    let at = document, found;
    for (const [old, place] of e.trail) {
      const there = old.isConnected ? old : at.children[place];
      found = there && there.localName == old.localName && there.id == old.id &&
        (!old.$b || old.localName == 'live-component' || there.isEqualNode(old));
      if (!found) break;
      at = there;
    }
    if (at.closest('live-component') != element) continue;
    early.splice(early.indexOf(e), 1);
    if (!found) continue;
    const path = [];
    for (let node = at; node; node = node.parentNode) path.push(node);
    if (!handle(e, path) && e.type == 'submit') at.requestSubmit(e.submitter?.isConnected ? e.submitter : null);
  }
};

// What a reload must not lose.

const KEPT = 'live-kept ' + location.pathname;
// Which component that is, in the next page too: its name, and which of those of that name.
const place = c => c.of.name + ' ' + components.filter(o => !o.gone && o.of.name == c.of.name).indexOf(c);
const keep = () => {
  if (!settings.keepQueue) return false;
  ask(KEEP);
  if (!given) return false;
  try {
    const what = JSON.parse(given);
    for (const call of what.calls) call.of = place(components[call.slot]);
    sessionStorage[KEPT] = JSON.stringify(what);
    return true;
  } catch {
    return false;
  }
};
let kept;
try {
  kept = JSON.parse(sessionStorage[KEPT] || 'null');
  delete sessionStorage[KEPT];
} catch {}
// Messages that were under way are finished in the session they belong to; then those that never left go out in this one.
const finish = () => {
  if (!kept) return;
  const { hello, frames, calls } = kept, left = new Map(frames.map(frame => [frame.ref, frame]));
  kept = null;
  const redo = () => {
    for (const call of calls) {
      const c = components.find(c => !c.gone && place(c) == call.of);
      c?.mounted.then(() => {
        for (const field in call.set) tell(SET, c.slot, 0, 0, field, JSON.stringify(call.set[field]));
        tell(CALL, c.slot, 0, 0, call.action, JSON.stringify(call.payload ?? []));
      });
    }
  };
  if (!left.size) return redo();
  const line = new WebSocket(socket(), 'vivaz.v1.json');
  line.onopen = () => line.send(JSON.stringify(hello));
  line.onmessage = ({ data }) => {
    const { type, ref, payload } = JSON.parse(data);
    if (type == 'WELCOME') {
      if (payload.resumed) {
        for (const frame of left.values()) if (!payload.done.includes(frame.ref)) line.send(JSON.stringify(frame));
      } else {
        left.clear();
        const detail = { action: '', code: 'session_lost', message: 'what was under way before the reload may be lost', details: null };
        document.dispatchEvent(new CustomEvent('live:error', { detail }));
      }
    }
    left.delete(ref);
    if (!left.size) line.close(4000), redo();
  };
  // Again with the next connection.
  line.onclose = () => { if (left.size) kept = { hello, frames: [...left.values()], calls }; };
};

// The engine's life.

const socket = () => {
  const url = new URL('.', import.meta.url);
  return (url.protocol == 'https:' ? 'wss:' : 'ws:') + '//' + url.host + url.pathname.replace(/\/$/, '');
};

let restarts = [], life = 0;
const broken = error => {
  reportError(error);
  // A trap: the engine is started anew, and everything is mounted again from where it came. What happens meanwhile
  // waits: events for their component, everything else behind the mounts.
  ready = false;
  life++;
  reset();
  fetching.clear();
  for (const number of [...tickets.keys()]) {
    settle(number, 0, '{"code":"session_lost","message":"the page\'s engine was started again"}');
  }
  queue.length = 0;
  // Slots count from the beginning again; places of components that are gone stay empty.
  for (const c of components) {
    c.told = false;
    if (c.element) c.element.$ready = false;
    queue.push(() => {
      enter(c);
      if (c.gone) ask(UNMOUNT, c.slot);
    });
  }
  const now = Date.now();
  restarts = restarts.filter(then => now - then < 60_000);
  if (restarts.push(now) > 3) link({ status: 'stopped', code: 0 });
  else setTimeout(begin, 100 * restarts.length);
};
const begin = () => {
  queue.unshift(() => {
    instantiate(module, later);
    ask(START, 0, Math.random() * 2 ** 32, 0, socket());
  });
  ready = true;
  post(() => {});
};

const live = {
  /** Mounts an open component without an element. */
  mount(name, props = {}) {
    return mount(null, { name, props: JSON.stringify(props) }).mounted;
  },
  /** The component of an element, or of the one around it. */
  component(element) {
    const slot = element.closest('live-component')?.$c;
    return slot === undefined ? undefined : components[slot];
  },
  hook(name, of) {
    hooks.set(name, of);
  },
  configure(given) {
    Object.assign(settings, given);
  },
  get connection() {
    return { ...connection };
  },
  // An engine that has given up needs a new page.
  reconnect() {
    if (restarts.length > 3) location.reload();
    else tell(WAKE);
  },
};
export default live;
export const { component, configure, hook, reconnect } = live;
const mountOpen = live.mount;
export { mountOpen as mount };

page.setAttribute('live-connection', 'connecting');
page.classList.add('live-offline');
addEventListener('online', () => tell(WAKE));
addEventListener('pageshow', e => { if (e.persisted) tell(WAKE); });
addEventListener('pagehide', e => post(() => ask(LEAVE, 0, !e.persisted && !keep())));
document.addEventListener('visibilitychange', () => { if (!document.hidden) tell(WAKE); });
// Another page took the session: the next touch takes it back.
for (const type of ['pointerdown', 'keydown']) {
  addEventListener(type, () => { if (connection.status == 'stopped' && connection.code == 4409) tell(WAKE); }, true);
}
addEventListener('beforeunload', e => {
  if (!settings.warnUnsent) return;
  flush(document);
  if (components.some(c => !c.gone && c.loading)) e.preventDefault();
});

start();
const module = await WebAssembly.compileStreaming(fetch(new URL(WASM, import.meta.url)));
customElements.define('live-component', LiveComponent);
begin();
