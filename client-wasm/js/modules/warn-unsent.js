// The browser asks before a page with unanswered messages or unsent edits is left.

import { COMMAND_LOADING } from '../codes.js';

/** @type {Module} */
export default core => {
  const { settings, components } = core;
  settings.warnUnsent ??= true;
  const hasUnsent = () => {
    if (!settings.warnUnsent) return false;
    core.flushCalls?.(document);
    return [...components.keys()].some(slot => core.runCommand(COMMAND_LOADING, slot, 1));
  };
  addEventListener('beforeunload', event => {
    if (hasUnsent()) event.preventDefault();
  });
  // A link or the history shows another page. The server's own navigation cannot be stopped.
  document.addEventListener('live:navigate', event => {
    if (event.cancelable && hasUnsent() && !confirm('Changes are not sent yet. Leave the page?')) event.preventDefault();
  });
};
