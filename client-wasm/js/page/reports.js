// Reports to the code of the page: events, and errors that have no caller.

import { core } from '../core.js';

/**
 * Calls code of the page. An exception is reported as uncaught.
 *
 * @param {() => void} act
 */
export const guard = act => {
  try { act(); } catch (error) { reportError(error); }
};

/** Calls code of the page after the current task. @param {() => void} act */
export const defer = act => queueMicrotask(() => guard(act));

/** @param {Failure} failure @returns {any} */
export const toError = ({ code, message, details = null }) => Object.assign(new Error(message || code), { code, details });

/**
 * Dispatches `live:error`: an action that has no caller failed, or a component could not be
 * mounted.
 *
 * @param {import('./component.js').Component | undefined} component
 * @param {string} action
 * @param {Failure} failure
 */
export const reportFailure = (component, action, { code, message, details = null }) => {
  // The reload restores edits, and reports that actions are lost.
  if (core.isReloading && /^(not_mounted|bad_seal)$/.test(code)) {
    core.hasLost ||= !!action;
    return;
  }
  const detail = { action, code, message, details, component };
  defer(() => (component?.element || document).dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true })));
};
