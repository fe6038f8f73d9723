// Requests the page of a link that the visitor is about to follow.

import { hasWord, isWithinPage, linkOf } from '../navigation/link.js';

const HOVER_MS = 80, FRESH_MS = 10_000;

/** @type {Module} */
export default core => {
  /**
   * The page that was requested last.
   *
   * @type {{
   *   href: string, at: number, response: Promise<Response>, abort: AbortController,
   * } | undefined}
   */
  let requested;
  /** @type {any} */
  let timer;

  /** @param {HTMLAnchorElement} link */
  const prefetch = ({ href }) => {
    const now = performance.now();
    if (requested?.href == href && now - requested.at < FRESH_MS) return;
    requested?.abort.abort();
    const abort = new AbortController();
    const response = fetch(href, { headers: { accept: 'text/html', 'live-prefetch': '1' }, mode: 'same-origin', priority: 'low', signal: abort.signal });
    requested = { href, at: now, response, abort };
    // The navigation requests it again.
    response.catch(() => { if (requested?.response == response) requested = undefined; });
  };

  core.takePrefetched = href => {
    clearTimeout(timer);
    const { response, at = 0, abort } = requested ?? {}, isMeant = requested?.href == href && !core.hasFlash && performance.now() - at < FRESH_MS;
    requested = undefined;
    core.hasFlash = false;
    if (isMeant) return response;
    abort?.abort();
  };

  for (const [type, ms] of /** @type {const} */ ([['mouseover', HOVER_MS], ['focusin', HOVER_MS], ['pointerdown', 0]])) {
    document.addEventListener(type, event => {
      clearTimeout(timer);
      const link = linkOf(event);
      if (!link || isWithinPage(link) || hasWord(link, 'no-prefetch') || core.hasFlash || /** @type {any} */ (navigator).connection?.saveData) return;
      timer = setTimeout(prefetch, ms, link);
    });
  }
};
