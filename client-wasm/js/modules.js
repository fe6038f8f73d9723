// Loads optional modules: files beside client.js that only some pages need.

import { core } from './core.js';
import { retry } from './retry.js';

const ATTEMPTS = 4, FIRST_DELAY_MS = 1000;

/** A hash of all files of the client. */
const version = VERSION;

/**
 * For each module that was requested, the promise of its start; undefined once it has started.
 *
 * @type {Map<string, Promise<boolean | void> | undefined>}
 */
const loading = new Map();

/**
 * Loads a module and starts it, once. Returns a promise of whether views that were made without it
 * have to be rebuilt; undefined once the module has started. A load that fails is retried three
 * times, with growing delays. After that the failure is reported and the page goes on without the
 * module.
 *
 * @param {string} name
 */
export const loadModule = name => {
  // Browsers may cache the failure of an address: each attempt has another one.
  /** @param {number} failures */
  const fetchModule = failures => import(String(new URL(`module/${version}/${name}.js?${failures || ''}`, import.meta.url)));
  if (!loading.has(name)) loading.set(name, retry(fetchModule, ATTEMPTS, FIRST_DELAY_MS).then(
    module => {
      loading.set(name, undefined);
      return module.default(core);
    },
    error => reportError(new Error(`live: the module "${name}" cannot be loaded`, { cause: error })),
  ));
  return loading.get(name);
};
