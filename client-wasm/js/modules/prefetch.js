// Requests the page of a link that the visitor is about to follow.

import { hasWord, isWithinPage, linkOf } from '../navigation/link.js';

const HOVER_MS = 80, FRESH_MS = 10_000;

/** @type {Module} */
export default core => {
  /**
   * The page that was requested last.
   *
   * @type {{ href: string, at: number, response: Promise<Response> } | undefined}
   */
  let requested;
  /** @type {any} */
  let timer;

  /** @param {HTMLAnchorElement} link */
  const prefetch = ({ href }) => {
    const now = performance.now();
    if (requested?.href == href && now - requested.at < FRESH_MS) return;
    const response = fetch(href, { headers: { accept: 'text/html', 'live-prefetch': '1' }, mode: 'same-origin', priority: 'low' });
    requested = { href, at: now, response };
    // The navigation requests it again.
    response.catch(() => { if (requested?.response == response) requested = undefined; });
  };

  core.takePrefetched = href => {
    clearTimeout(timer);
    if (core.hasFlash) requested = undefined;
    core.hasFlash = false;
    const { at = -Infinity, response } = requested?.href == href ? requested : {};
    requested = undefined;
    return performance.now() - at < FRESH_MS ? response : undefined;
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
