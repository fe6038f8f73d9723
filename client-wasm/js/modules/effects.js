// What handlers request of the page: another page, a title, and cookies.

import { retry } from '../retry.js';
import { reportFailure } from '../page/reports.js';

const ATTEMPTS = 5, FIRST_DELAY_MS = 500;
/** How many groups of requests are remembered, because the server repeats a lost reply. */
const REMEMBERED = 100;

/** @type {Module} */
export default core => {
  /** @type {Set<string>} */
  const handled = new Set();
  /** The requests that run, one group after the other. */
  let running = Promise.resolve();

  /**
   * Uses tickets: the response sets cookies that scripts cannot read. An attempt whose response is
   * lost is repeated under its own name.
   *
   * @param {string[]} tickets
   */
  const useTickets = async tickets => {
    const body = [crypto.getRandomValues(new Uint32Array(4)).join('-'), ...tickets].join('\n');
    const address = core.socketUrl().replace(/^ws/, 'http') + '/tickets';
    const { ok } = await retry(async () => {
      const response = await fetch(address, { method: 'POST', body });
      if (response.status >= 500) throw new Error(response.statusText);
      return response;
    }, ATTEMPTS, FIRST_DELAY_MS);
    if (!ok) throw new Error('the server has refused to set a cookie');
  };

  /**
   * Returns the address of a page. The server has checked it, too.
   *
   * @param {string} text
   * @param {boolean} isOwn Whether it has to be a page of the application.
   */
  const urlOf = (text, isOwn) => {
    const url = new URL(text, location.href);
    if (!/^https?:$/.test(url.protocol) || url.username || url.password || isOwn && url.origin != location.origin) {
      throw new Error(`the address of a page is refused: ${url}`);
    }
    return url;
  };

  /** @param {any} component @param {Error} error */
  const report = (component, { message }) => reportFailure(component, '', { code: 'effect_failed', message });

  core.runEffects = (component, [id, ...requests]) => {
    if (handled.has(id)) return;
    handled.add(id);
    if (handled.size > REMEMBERED) handled.delete(/** @type {string} */ (handled.values().next().value));
    running = running.then(async () => {
      try {
        /** @param {...string} names */
        const argumentsOf = (...names) => requests.filter(([name]) => names.includes(name)).map(([, argument]) => argument);
        const tickets = argumentsOf('ticket', 'flash'), title = argumentsOf('title').at(-1);
        // The change is made, whether the cookies are set or not.
        if (tickets.length) await useTickets(tickets).catch(error => report(component, error));
        core.hasFlash ||= !!argumentsOf('flash').length;
        // The page that the component was part of may be gone.
        if (!component || !core.components.has(component.slot)) return;
        if (title != null) document.title = title;
        const [name, address] = requests.findLast(([name]) => /^(navigate|redirect)$/.test(name)) ?? [];
        if (!address) return;
        const isOwn = name == 'navigate', url = urlOf(address, isOwn);
        if (!isOwn) return location.assign(url);
        await core.loadModule('navigate');
        // The requests of other handlers do not wait for the page.
        if (core.visitPage) core.visitPage(url.href, { visitCause: 'server' });
        else location.assign(url);
      } catch (error) {
        report(component, error);
      }
    });
  };
};
