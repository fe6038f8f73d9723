// Loads the page anew after a deploy that changed the client, as soon as nothing of the user's is lost by that.

import { version } from './modules.js';

// The build that the page was rendered by, or else the first that it was greeted by.
let known = document.querySelector('script[data-build]')?.dataset.build, waiting;

/** The server names its build. `quiet` says whether the page may be loaded anew now, `reload` does it. */
export const greeted = async (build, quiet, reload) => {
  known ??= build;
  if (build == known || waiting) return;
  try {
    // Only where the server serves another client this one is old. Anything but a script says nothing.
    const response = await fetch(import.meta.url, { cache: 'no-cache' });
    if (!response.ok || !/javascript/.test(response.headers.get('content-type'))) return;
    if ((await response.text()).includes(version)) return;
  } catch {
    return;
  }
  waiting = setInterval(() => {
    if (!quiet()) return;
    clearInterval(waiting);
    reload(build);
  }, 1000);
};
