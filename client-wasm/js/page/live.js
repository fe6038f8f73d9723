// The public interface: client.d.ts documents it.

import { core } from '../core.js';
import { loadModule } from '../modules.js';
import { componentOf } from './components.js';
import { connectionInfo } from './connection.js';
import { applyLimit, reconnect } from './engine.js';
import { mount } from './mount.js';
import { settings } from './settings.js';

/** Hooks by name. @type {Map<string, import('../client.js').LiveHook>} */
export const hooks = new Map();

export const live = {
  /** @param {string} name @param {object} [props] */
  mount(name, props = {}) {
    return mount(null, { name, props: JSON.stringify(props) }).mounted;
  },
  /** @param {Element} element */
  component(element) {
    return componentOf(element.closest('live-component'));
  },
  /** @param {string} name @param {import('../client.js').LiveHook} hook */
  hook(name, hook) {
    hooks.set(name, hook);
    core.hookAdded?.(name);
  },
  /** @param {import('../client.js').LiveSettings} changes */
  configure(changes) {
    Object.assign(settings, changes);
    if (changes.keepQueue) loadModule('keep-queue');
    if (changes.warnUnsent) loadModule('warn-unsent');
    applyLimit();
  },
  get connection() {
    return { ...connectionInfo };
  },
  reconnect,
};
