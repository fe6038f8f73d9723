// Loads optional modules: files beside client.js that only some pages need.

/**
 * The part of the core that modules use; client.js fills it. Functions that a module may set: `leaving` runs when the page
 * is left for good, and returns true where the session must not end; `greeted` runs when the server has named its `build`;
 * `keep` runs before the client loads the page anew.
 */
export const core = {};

/** A hash of all files of the client. */
export const version = VERSION;

const loading = new Map();

/**
 * Loads a module and starts it, once. A load that fails is repeated three times, with growing pauses; after that the
 * failure is reported and the page goes on without the module.
 */
export const load = name => {
  if (!loading.has(name)) loading.set(name, attempt(name, 0));
  return loading.get(name);
};

/** Waits so long, or until the browser is online. */
export const pause = ms => new Promise(resolve => {
  setTimeout(resolve, ms);
  addEventListener('online', resolve, { once: true });
});

const attempt = async (name, tries) => {
  let module;
  try {
    // Browsers may keep the failure of an address: each try has another one.
    module = await import(new URL(`module/${version}/${name}.js?${tries || ''}`, import.meta.url));
  } catch (error) {
    if (tries < 3) {
      await pause(1000 << tries);
      return attempt(name, tries + 1);
    }
    return reportError(new Error(`live: the module "${name}" cannot be loaded`, { cause: error }));
  }
  module.default(core);
};
