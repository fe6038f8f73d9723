// Loads the page anew after a deploy that changed the client, as soon as nothing of the user's is lost by that.

import { changed } from '../values.js';
import { LOADING } from '../turns.js';

// The address of this file has the version of the client.
const client = new URL('../../client.js', import.meta.url), [version] = import.meta.url.split('/').slice(-2);
// The build that the page was rendered by; where the attribute is empty, the first that it was greeted by.
let known = document.querySelector('script[live-build]').getAttribute('live-build'), waiting;

export default core => {
  // Whether loading the page anew loses nothing: no message is unanswered, no edit unsent, and no control holds anything
  // else than it was loaded with. What the server has answered counts too: the new page begins a new session.
  const quiet = () => core.ready() && ![...core.components.keys()].some(slot => core.ask(LOADING, slot, 1)) &&
    !document.activeElement?.isContentEditable &&
    ![...document.querySelectorAll('input,textarea,select')].some(changed);

  core.greeted = async () => {
    const { build } = core;
    known ||= build;
    if (build == known || waiting) return;
    try {
      // Only where the server serves another client this one is old. Anything but a script says nothing.
      const response = await fetch(client, { cache: 'no-cache' });
      if (!response.ok || !/javascript/.test(response.headers.get('content-type'))) return;
      if ((await response.text()).includes(version)) return;
    } catch {
      return;
    }
    waiting = setInterval(() => {
      if (!quiet()) return;
      clearInterval(waiting);
      core.reload(build);
    }, 1000);
  };
  if (core.build) core.greeted();
};
