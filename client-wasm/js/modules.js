// Loads optional modules: files beside client.js that only some pages need.

import { core } from './core.js';

/** A hash of all files of the client. */
export const version = VERSION;

// What each module that was asked for is to bring; undefined once it is here.
const loading = new Map();

/** Waits so long, or until the browser is online. */
export const pause = ms => new Promise(resolve => {
  setTimeout(resolve, ms);
  addEventListener('online', resolve, { once: true });
});

/** Does something until it works, at most so often. The first pause is `ms` long, each other one twice the one before. */
export const insist = async (act, most, ms) => {
  for (let tries = 0; ; tries++) {
    try {
      return await act(tries);
    } catch (error) {
      if (tries + 1 == most) throw error;
    }
    await pause(ms << tries);
  }
};

/**
 * Loads a module and starts it, once. Returns a promise of whether views that were made
 * without it have to be made anew, and nothing once it is here. A load that fails is repeated three times, with growing pauses; after that the
 * failure is reported and the page goes on without the module.
 */
export const load = name => {
  // Browsers may keep the failure of an address: each try has another one.
  const fetched = tries => import(new URL(`module/${version}/${name}.js?${tries || ''}`, import.meta.url));
  if (!loading.has(name)) loading.set(name, insist(fetched, 4, 1000).then(
    module => {
      loading.set(name);
      return module.default(core);
    },
    error => reportError(new Error(`live: the module "${name}" cannot be loaded`, { cause: error })),
  ));
  return loading.get(name);
};
