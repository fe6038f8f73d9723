// The page's entry: the `live-component` element, the hook for people who render themselves, and the engine's life.

import { instantiate, turn } from 'vivaz-engine';
import { core } from './core.js';
import { spots, classes, conceal, effects, elements, nodes, plain, reset, templates, write } from './dom.js';
import { consider, each, handle, listen, to } from './events.js';
import { insist, load, pause } from './modules.js';
import {
  ANEW, CALL, COMMIT, EDIT, EVENT, GUESS, KEEP, LEAVE, LIMIT, LOADING, MOUNT, RELEASE, SET, SOCKET, START, STATE, TEMPLATE, TIMER,
  UNMOUNT, WAKE,
} from './turns.js';

const page = document.documentElement;
const settings = { callTimeoutMs: 30_000, maxReconnectAttempts: 0 };
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

const ask = (what, slot, a, b, text = '', more = '') => turn(what, slot, a, b, text, more);
const tell = (...of) => post(() => ask(...of));
let given;

/** Components by slot: a number that is never given to another one. @type {Map<number, Component>} */
const components = new Map();
let slots = 0;
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
  // Details of events are logged, and what it was mounted from is in it.
  toJSON() {
    return this.id;
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
    return promise(this, n => ask(CALL, this.slot, n, 0, action, JSON.stringify(args)));
  }
  // Sent again where a lost session leaves its outcome unknown.
  retry(...of) {
    return this.call(...of).catch(error => {
      if (error.code == 'session_lost') return this.retry(...of);
      throw error;
    });
  }
  set(field, value) {
    return promise(this, n => ask(SET, this.slot, n, 0, field.map ? JSON.stringify(field) : field, JSON.stringify(value ?? null)));
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

const promise = ({ slot }, ask) => new Promise((resolve, reject) => {
  if (!components.has(slot)) return reject(failure({ code: 'not_mounted', message: 'the component was unmounted' }));
  const number = ++ticket, answer = new Promise((resolve, reject) => tickets.set(number, [resolve, reject]));
  const timer = setTimeout(() => {
    const error = failure({ code: 'timeout', message: 'no answer in time' });
    // It may run all the same.
    error.unanswered = true;
    error.onSettled = act => { answer.then(value => act(null, value), act); };
    reject(error);
  }, settings.callTimeoutMs);
  const end = act => value => {
    clearTimeout(timer);
    act(value);
  };
  answer.then(end(resolve), end(reject));
  post(() => ask(number));
});

const settle = (number, ok, json) => {
  const waiting = tickets.get(number);
  if (!waiting) return;
  tickets.delete(number);
  json = JSON.parse(json);
  if (ok) waiting[0](json);
  else waiting[1](failure(json));
};

// Mounting.

// Ids in use. One is used again only when the server has answered the unmount: the engine says so.
const ids = new Set();
const componentId = wanted => {
  let id = wanted, n = 0;
  while (!id || ids.has(id) || !/^[\w-]{1,64}$/.test(id)) id = 'c' + ++n;
  ids.add(id);
  return id;
};

const mount = (element, of) => {
  const slot = ++slots, component = new Component(slot, element);
  component.id = componentId(of.id);
  component.of = of;
  components.set(slot, component);
  if (element) {
    elements.set(slot, element);
    element.$c = slot;
  }
  if (element && of.template) fetchTemplate(of.template);
  post(() => enter(component, of.shape));
  return component;
};
// What it is mounted from goes to the server as it is; numbers in texts keep their digits.
// A child's is its parent and what the template says of its place. A seal has no characters that JSON escapes.
const placed = (around, child, seal = '') =>
  `{${seal && `"seal":"${seal}",`}"parent":"${components.get(around.$c)?.id}",` + child.slice(1);
const enter = ({ id, of, element, slot }, shape = null) => {
  let who = null;
  try {
    JSON.parse(of.user);
    who = of.user;
  } catch {}
  ask(MOUNT, slot, element ? 1 : 0, 0, of.source || `{"component":${JSON.stringify(of.name)},"props":${of.props || '{}'}}`,
    `["${id}",${shape},${who},"${of.template}"]`);
};

const unmount = slot => {
  const component = components.get(slot);
  if (!component) return;
  components.delete(slot);
  elements.delete(slot);
  if (component.element) core.drop?.(component.element);
  tell(UNMOUNT, slot);
};

// What the server says of an element that it rendered.
const SEALED = ['seal', 'template', 'shape', 'child'];
const unseal = element => { for (const name of SEALED) element.removeAttribute(name); };

class LiveComponent extends HTMLElement {
  connectedCallback() {
    if (components.has(this.$c)) return;
    const around = this.parentElement?.closest('live-component'), of = { id: this.id, around };
    for (const name of ['name', 'props', 'user', ...SEALED]) of[name] = this.getAttribute(name) ?? undefined;
    if (of.seal) {
      of.shape = `[${of.shape ?? ''}]`;
      of.source = `{"seal":"${of.seal}"}`;
      // Given by its parent's template, or written by hand.
    } else Object.assign(of, this.$p);
    this.$user = of.user ??= around?.$user;
    if (of.child) {
      // The server does not know a row that only it can name, nor what is typed and not sent.
      if (/^[^\]]*"\$temp/.test(of.child)) return;
      of.source = placed(around, of.child, of.seal);
      core.flush?.(around);
    }
    if (of.source || of.name) mount(this, of);
  }
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected && this.$c !== undefined) {
        unmount(this.$c);
        this.$c = undefined;
        unseal(this);
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
  write(page, 'live-connection', status);
  write(page, 'live-queued', queued || null);
  page.classList.toggle('live-offline', status != 'connected');
  console.debug('live:', status, { ...connection });
  after(() => document.dispatchEvent(new CustomEvent('live:connection', { detail: { ...connection } })));
};
effects.run = (op, w, s) => {
  switch (op) {
    case 11: link({ attempt: w(), code: w(), queued: w(), status: s() }); break;
    case 12: { const n = w(), ok = w(); settle(n, ok, s()); break; }
    // The component may be gone by now.
    case 13: { const c = components.get(w()); after(() => c?.changed()); break; }
    case 14: { const c = components.get(w()), { name, data } = JSON.parse(s()); after(() => c?.heard(name, data)); break; }
    case 15: { const c = components.get(w()), failed = w(), json = s(); if (c) phase(c, failed && failure(JSON.parse(json))); break; }
    case 16: { const c = components.get(w()), action = s(); fault(c, action, JSON.parse(s())); break; }
    case 17: fetchTemplate(s()); break;
    case 18: { const token = w(), of = life; setTimeout(() => { if (of == life) tell(TIMER, 0, token); }, w()); break; }
    case 19: reload(); break;
    case 20: given = s(); break;
    case 21: later(); break;
    case 22: ids.delete(s()); break;
    case 23: core.build = s(); core.greeted?.(); break;
    default: throw new Error('operation ' + op);
  }
};

// Loads the page anew, unless that has just been done and did not help; for a build once.
const reload = async build => {
  const key = build ? 'live-build' : 'live-reload', now = build || Date.now();
  try {
    if (build ? sessionStorage[key] == build : now - sessionStorage[key] < 30_000) return;
    sessionStorage[key] = now;
  } catch {
    return;
  }
  // For a build it is loaded only when nothing is typed.
  if (!build) await Promise.race([load('keep-typed'), pause(3000)]);
  core.keep?.();
  location.reload();
};

const phase = (component, error) => {
  const { element, told } = component;
  component.told = !error;
  if (told && !error) return;
  if (element) {
    write(element, 'live-state', error ? 'error' : null);
    element.$ready = !error;
  }
  after(() => {
    component.settle[error ? 1 : 0](error || component);
    if (!element) return;
    if (error) fault(component, '', error);
    else {
      element.dispatchEvent(new CustomEvent('live:mounted', { bubbles: true }));
      // What the visitor did before: see capture.js.
      document.$early?.(element, handle);
    }
  });
};

// An action that nobody waits for failed, or a component could not be mounted.
const fault = (component, action, { code, message, details = null }) => {
  const detail = { action, code, message, details, component };
  after(() => (component?.element || document).dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true })));
};

// Templates that were asked for.
const fetching = new Set();
const fetchTemplate = async hash => {
  if (fetching.has(hash)) return;
  fetching.add(hash);
  let text;
  try {
    const response = await fetch(new URL(`template/${hash}.json`, import.meta.url));
    if (response.ok) {
      const given = await response.text();
      // What its blocks need is there before it is.
      await Promise.all(JSON.parse(given)[3].flatMap(block => block[3] ?? []).map(load));
      text = given;
    }
  } catch {}
  tell(TEMPLATE, 0, 0, 0, hash, text);
};

effects.listen = listen;
effects.anew = slot => tell(ANEW, slot);
to.event = (root, address, json, reads) => post(() => {
  core.firing = true;
  if (ask(EVENT, root.$y, root.$i, address, '', json)) core.controls?.sent(root, reads);
  core.firing = false;
});
to.edit = (slot, field, json) => tell(EDIT, slot, 0, 0, field, json);
to.commit = (slot, field) => tell(COMMIT, slot, 0, 0, field);

// The engine's life.

const socket = () => {
  const url = new URL('.', import.meta.url);
  return (url.protocol == 'https:' ? 'wss:' : 'ws:') + '//' + url.host + url.pathname.replace(/\/$/, '');
};

let restarts = [], life = 0, dead = false;
const stop = () => {
  dead = true;
  link({ status: 'stopped', code: 0 });
};
const broken = error => {
  reportError(error);
  // A trap: the engine is started anew, and everything is mounted again from where it came. What happens meanwhile
  // waits: events for their component, everything else behind the mounts.
  ready = core.firing = false;
  life++;
  reset();
  fetching.clear();
  for (const number of [...tickets.keys()]) {
    settle(number, 0, '{"code":"session_lost"}');
  }
  queue.length = 0;
  ids.clear();
  for (const c of components.values()) {
    ids.add(c.id);
    c.told = false;
    if (c.element) c.element.$ready = false;
    queue.push(() => enter(c));
  }
  const now = Date.now();
  restarts = restarts.filter(then => now - then < 60_000);
  if (restarts.push(now) > 3) stop();
  else setTimeout(begin, 100 * restarts.length);
};
const begin = () => {
  queue.unshift(() => {
    instantiate(module, later);
    ask(START, 0, Math.random() * 2 ** 32, 0, socket());
    ask(LIMIT, 0, settings.maxReconnectAttempts);
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
    return components.get(element.closest('live-component')?.$c);
  },
  hook(name, of) {
    hooks.set(name, of);
  },
  configure(given) {
    Object.assign(settings, given);
    if (given.keepQueue) load('keep-queue');
    if (given.warnUnsent) load('warn-unsent');
    tell(LIMIT, 0, settings.maxReconnectAttempts);
  },
  get connection() {
    return { ...connection };
  },
  // An engine that has given up, or is not there, needs a new page.
  reconnect() {
    if (dead) location.reload();
    else tell(WAKE);
  },
};
export default live;
export const { component, configure, hook, reconnect } = live;
const mountOpen = live.mount;
export { mountOpen as mount };

write(page, 'live-connection', 'connecting');
page.classList.add('live-offline');
addEventListener('online', () => tell(WAKE));
addEventListener('pageshow', e => { if (e.persisted) tell(WAKE); });
addEventListener('pagehide', e => post(() => ask(LEAVE, 0, !e.persisted && !core.leaving?.())));
document.addEventListener('visibilitychange', () => { if (!document.hidden) tell(WAKE); });
// The next touch takes a session back that another page took, and hurries a try that waits, though not with every key.
let woken = 0;
for (const type of ['pointerdown', 'keydown']) {
  addEventListener(type, e => {
    const { status, code } = connection;
    if (status == 'connected' || (status == 'stopped' ? code != 4409 : e.timeStamp - woken < 1000)) return;
    woken = e.timeStamp;
    tell(WAKE);
  }, true);
}

// Each attribute of the script's tag names a module.
Object.assign(core, {
  settings, components, connection, ask, tell, socket, reload,
  nodes, spots, templates, to, plain, write, unseal, placed, classes, conceal,
  guard, hooks, each, consider,
  ready: () => ready,
  // Unanswered messages as JSON: `HELLO` to resume their session, then whether each has left, and its frame.
  queue() {
    ask(KEEP);
    return given;
  },
});
effects.load = load;
for (const { attributes } of document.scripts) {
  for (const { name } of attributes) if (name.startsWith('live-')) load(name.slice(5));
}

if (!page.moveBefore) load('move');
// Asked for early: the template says so later.
if (document.querySelector('input,textarea,select')) load('controls');
// Whatever comes in its place (an error, a portal's page) is asked for again, past the browser's cache.
const module = await insist(
  tries => WebAssembly.compileStreaming(fetch(new URL(WASM, import.meta.url), { cache: tries ? 'reload' : 'default' })), 8, 500,
).catch(error => {
  stop();
  reportError(new Error('live: the engine cannot be loaded', { cause: error }));
});
if (module) {
  customElements.define('live-component', LiveComponent);
  begin();
  try {
    if (sessionStorage['live-typed ' + location.pathname]) load('keep-typed');
  } catch {}
}
