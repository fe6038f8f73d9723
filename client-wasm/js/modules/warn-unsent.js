// The browser asks before a page with unanswered messages or unsent edits is left.

import { LOADING } from '../turns.js';

export default core => {
  const { settings, components } = core;
  settings.warnUnsent ??= true;
  addEventListener('beforeunload', e => {
    if (!settings.warnUnsent) return;
    core.flush?.(document);
    for (const slot of components.keys()) if (core.ask(LOADING, slot, 1)) e.preventDefault();
  });
};
