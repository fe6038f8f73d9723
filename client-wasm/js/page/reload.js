// Reloads the page.

import { core } from '../core.js';
import { loadModule } from '../modules.js';
import { delay } from '../retry.js';

/** The least time between two reloads that no build caused, in milliseconds. */
const RELOAD_INTERVAL_MS = 30_000;
/** The longest wait for the module that keeps what is typed, in milliseconds. */
const KEEP_TYPED_MS = 3000;

/**
 * Reloads the page, unless it has just been reloaded and that did not help; for a build only once.
 *
 * @param {string} [build] The new build, if that is the reason. No control is changed then.
 */
export const reloadPage = async build => {
  const key = build ? 'live-build' : 'live-reload', now = build || Date.now();
  try {
    if (build ? sessionStorage[key] == build : /** @type {number} */ (now) - sessionStorage[key] < RELOAD_INTERVAL_MS) return;
    sessionStorage[key] = now;
  } catch {
    return;
  }
  core.isReloading = true;
  if (!build) await Promise.race([loadModule('keep-typed'), delay(KEEP_TYPED_MS)]);
  // Stored as late as possible: the user goes on typing until the page is left.
  if (core.storeTyped) addEventListener('pagehide', core.storeTyped);
  location.reload();
};
