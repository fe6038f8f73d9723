// A mounted component, as the code of the page uses it. client.d.ts documents the public members.

import { COMMAND_CALL, COMMAND_OPTIMISTIC, COMMAND_LOADING, COMMAND_RELEASE, COMMAND_SET, COMMAND_STATE } from '../codes.js';
import { core } from '../core.js';
import { runCommand } from '../glue.js';
import { call } from './calls.js';
import { enqueue, query, queueCommand } from './commands.js';
import { unmount } from './components.js';
import { guard } from './reports.js';

/** @implements {ComponentInternals} */
export class Component {
  /** @type {any} */
  #state;
  /** @type {Map<string, Set<Function>>} */
  #listeners = new Map();
  /** @type {Set<Function>} */
  #subscribers = new Set();
  /** Whether the page was notified that the component is mounted. */
  isReported = false;
  /**
   * @param {number} slot
   * @param {any} element Null for a component without one.
   * @param {string} id
   * @param {import('./mount.js').Origin} origin
   */
  constructor(slot, element, id, origin) {
    this.slot = slot;
    this.element = element;
    this.id = id;
    this.mountOrigin = origin;
    /** @type {Record<string, Element>} */
    this.refs = {};
    this.mounted = new Promise((resolve, reject) => {
      /** The functions that resolve and reject `mounted`. */
      this.settleMounted = [resolve, reject];
    });
    this.mounted.catch(() => {});
  }
  // Details of events are logged, and `mountOrigin` has what the component was mounted with.
  toJSON() {
    return this.id;
  }
  get state() {
    return (this.#state ||= JSON.parse(query(COMMAND_STATE, this.slot)));
  }
  get loading() {
    return !!runCommand(COMMAND_LOADING, this.slot);
  }
  /** @param {string} action @param {...unknown} args @returns {Promise<any>} */
  call(action, ...args) {
    return call(this, ticket => runCommand(COMMAND_CALL, this.slot, ticket, 0, action, JSON.stringify(args)));
  }
  /** @param {[action: string, ...args: unknown[]]} of @returns {Promise<any>} */
  retry(...of) {
    return this.call(...of).catch(error => {
      if (error.code == 'session_lost') return this.retry(...of);
      throw error;
    });
  }
  /** @param {string | (string | number)[]} field @param {unknown} value */
  set(field, value) {
    const property = typeof field == 'string' ? field : JSON.stringify(field);
    return call(this, ticket => runCommand(COMMAND_SET, this.slot, ticket, 0, property, JSON.stringify(value ?? null)));
  }
  /** @param {Function} act */
  subscribe(act) {
    this.#subscribers.add(act);
    return () => this.#subscribers.delete(act);
  }
  /** @param {string} name @param {Function} act */
  on(name, act) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(act));
    return () => listeners.delete(act);
  }
  /** @template T @param {object} patch @param {Promise<T>} until */
  optimistic(patch, until) {
    /** @type {number} */
    let tag;
    enqueue(() => { tag = runCommand(COMMAND_OPTIMISTIC, this.slot, 0, 0, '', JSON.stringify(patch)); });
    const end = () => queueCommand(COMMAND_RELEASE, this.slot, tag);
    Promise.resolve(until).then(end, end);
    return until;
  }
  unmount() {
    if (this.element) this.element.remove();
    else unmount(this.slot);
  }
  /** Notifies the subscribers that the state has changed. */
  notifySubscribers() {
    this.#state = undefined;
    core.stateChanged?.(this);
    for (const act of [...this.#subscribers]) guard(() => act(this.state, this));
  }
  /** Passes on an event of the application. @param {string} name @param {unknown} data */
  emitEvent(name, data) {
    for (const act of [...(this.#listeners.get(name) || [])]) guard(() => act(data, this));
    this.element?.dispatchEvent(new CustomEvent(name, { detail: data, bubbles: true }));
  }
}
