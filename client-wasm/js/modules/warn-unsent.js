// The browser asks before a page with unanswered messages or unsent edits is left.

import { COMMAND_LOADING } from '../codes.js';

/** @type {Module} */
export default core => {
  const { settings, components } = core;
  settings.warnUnsent ??= true;
  addEventListener('beforeunload', event => {
    if (!settings.warnUnsent) return;
    core.flushCalls?.(document);
    for (const slot of components.keys()) if (core.runCommand(COMMAND_LOADING, slot, 1)) event.preventDefault();
  });
};
