// Reloads the page after a deploy that changed the client, as soon as no input of the user is lost
// by that.

import { COMMAND_LOADING } from '../codes.js';
import { isChanged } from '../control-value.js';

const CHECK_INTERVAL_MS = 1000;

// The address of this file contains the version of the client.
const client = new URL('../../client.js', import.meta.url), [version] = import.meta.url.split('/').slice(-2);
/** @type {any} */
const script = document.querySelector('script[live-build]');
// The build that rendered the page; where the attribute is empty, the first one that the server
// named.
let pageBuild = script.getAttribute('live-build');
let isWaiting = false;

/** @type {Module} */
export default core => {
  // Whether a reload loses nothing: no message is unanswered, no edit is unsent, and every control
  // has the value that it was loaded with. Values that the server has acknowledged count too: the
  // new page begins a new session.
  const isQuiet = () => core.isReady() && ![...core.components.keys()].some(slot => core.runCommand(COMMAND_LOADING, slot, 1)) &&
    !(/** @type {any} */ (document.activeElement)?.isContentEditable) &&
    ![...document.querySelectorAll('input,textarea,select')].some(isChanged);

  core.buildNamed = async () => {
    const { serverBuild } = core;
    pageBuild ||= serverBuild;
    if (serverBuild == pageBuild || isWaiting) return;
    try {
      // This client is outdated only where the server serves another one. A response that is no
      // script proves nothing.
      const response = await fetch(client, { cache: 'no-cache' });
      if (!response.ok || !/javascript/.test(/** @type {string} */ (response.headers.get('content-type')))) return;
      if ((await response.text()).includes(version)) return;
    } catch {
      return;
    }
    isWaiting = true;
    const timer = setInterval(() => {
      if (!isQuiet()) return;
      clearInterval(timer);
      core.reloadPage(serverBuild);
    }, CHECK_INTERVAL_MS);
  };
  if (core.serverBuild) core.buildNamed();
};
