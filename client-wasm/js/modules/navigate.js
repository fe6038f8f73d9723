// `live:navigate`: a link or the server shows another page without a load. The socket and the
// engine stay.

import { swapBody } from '../navigation/body.js';
import { mergeHead, runScripts } from '../navigation/head.js';
import { NAVIGATE, hasWord, isWithinPage, linkOf, pageOf } from '../navigation/link.js';

const CONTROLS = 'input,textarea,select,[contenteditable]';

/**
 * Returns what the client of a page is. A page with another one, or without one, has to be loaded.
 *
 * @param {Document} page
 */
const clientOf = page => Array.from(page.querySelector('script[live-build]')?.attributes ?? [],
  ({ name, value }) => name != 'nonce' && name + value).sort().join();

/** Checks whether a response is a page, and no file. @param {Response} response */
const isPage = ({ headers }) => /^text\/html/.test(headers.get('content-type') ?? '') &&
  !/^attachment/.test(headers.get('content-disposition') ?? '');

/**
 * Moves the focus to the beginning of what is new, as after a load.
 *
 * @param {HTMLElement | null} [target]
 */
const focusPage = target => {
  /** @type {any} */
  const focused = document.activeElement;
  if (focused?.closest('[live\\:persist]')) return;
  /** @type {HTMLElement} */
  const node = target ?? document.querySelector('[autofocus]') ?? document.body;
  const tabIndex = node.getAttribute('tabindex');
  node.focus({ preventScroll: true });
  if (document.activeElement == node && node != document.body) return;
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
  if (tabIndex == null) node.removeAttribute('tabindex');
};

/**
 * Removes the cookies of the messages that a page shows. A page that is requested and not shown
 * leaves them to the next one.
 *
 * @param {Response} response
 */
const removeFlashes = ({ headers }) => {
  for (const name of headers.get('live-flashes')?.split(' ') ?? []) document.cookie = `${name}=; Max-Age=0; Path=/`;
};

/**
 * Runs a swap, in a view transition where the page asks for it.
 *
 * @param {() => Promise<void>} swap
 */
const transition = swap => {
  const isWanted = 'startViewTransition' in document && document.querySelector('meta[name=view-transition][content=same-origin]') &&
    !matchMedia('(prefers-reduced-motion: reduce)').matches;
  return isWanted ? document.startViewTransition(swap).updateCallbackDone : swap();
};

/** @type {Module} */
export default core => {
  /** The navigation that is under way. @type {AbortController | undefined} */
  let running;
  core.loadModule('entries');
  core.loadModule('progress');
  core.loadModule('prefetch');

  /**
   * Lets the page's code stop a navigation, but not the server's.
   *
   * @param {URL} url
   * @param {NavigationCause} cause
   */
  const mayLeave = (url, cause) => document.dispatchEvent(new CustomEvent(NAVIGATE, {
    cancelable: cause != 'server', detail: { url: url.href, cause },
  }));

  /** Loads a page as the browser does. @param {URL} url @param {boolean} [isReplaced] */
  const loadPage = (url, isReplaced) => {
    if (url.origin != location.origin || pageOf(url) != pageOf(location)) return location[isReplaced ? 'replace' : 'assign'](url);
    history.replaceState(history.state, '', url);
    location.reload();
  };

  /**
   * Shows a page, or loads it where it cannot be shown.
   *
   * @param {URL} url
   * @param {PageVisit} visit
   */
  const showPage = async (url, { visitCause: cause, isReplaced, keepsScroll }) => {
    running?.abort();
    const { signal } = running = new AbortController(), isBack = cause == 'history';
    await core.loadModule('entries');
    const entries = core.historyEntries;
    if (signal.aborted) return;
    if (!entries) return loadPage(url, isReplaced);
    const entry = isBack ? entries.entryHere() : undefined;
    const endProgress = core.showProgress?.();
    const keepTyped = (entry?.typed || document.querySelector(CONTROLS)) && core.loadModule('keep-typed');
    // Only of a link: what a handler has changed, and what has changed since the visit, is newer.
    const prefetched = core.takePrefetched?.(url.href);
    let response, next;
    try {
      response = await (cause == 'link' && prefetched || fetch(url, { headers: { accept: 'text/html', 'live-navigate': '1' }, mode: 'same-origin', signal }));
      // A file may be large, or have no end.
      if (isPage(response)) next = new DOMParser().parseFromString(await response.text(), 'text/html');
      else response.body?.cancel();
    } catch {
      if (signal.aborted) return;
      try {
        // A redirect to another origin can only be followed by the browser.
        await fetch(url, { redirect: 'manual', signal });
        loadPage(url, isReplaced || isBack);
      } catch {
        if (signal.aborted) return;
        if (isBack) entries.revertEntry();
        core.showFailure?.(url);
      }
      return;
    } finally {
      endProgress?.();
    }
    if (response.redirected) {
      const { hash } = url;
      url = new URL(response.url);
      url.hash ||= hash;
    }
    if (signal.aborted) return;
    if (!next || clientOf(next) != clientOf(document)) return loadPage(url, isReplaced || isBack);
    await keepTyped;
    const head = await mergeHead(next, url);
    if (signal.aborted) return head.undo();
    removeFlashes(response);
    entries.leaveEntry();
    if (isBack || isReplaced) entries.replaceEntry(url);
    else entries.addEntry(url);
    await transition(async () => {
      const stays = keepsScroll && { entryAt: 0, scroll: [scrollX, scrollY] };
      await swapBody(next);
      head.finish();
      for (const name of ['lang', 'dir']) core.writeAttribute(document.documentElement, name, next.documentElement.getAttribute(name));
      const target = entries.scrollPage(stays || entry);
      if (!stays) focusPage(target);
      runScripts();
    });
    // Components that have stayed.
    core.followUrl?.(url, url);
    if (entry?.typed) core.restoreTyped?.(entry.typed);
    core.announcePage?.();
    document.dispatchEvent(new CustomEvent('live:navigated', { detail: { url: url.href, cause } }));
  };

  core.visitPage = (to, visit) => {
    const url = new URL(to, location.href);
    if (mayLeave(url, visit.visitCause)) return showPage(url, visit);
  };

  // After the page's own listeners, which may prevent it.
  document.addEventListener('click', event => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = linkOf(event);
    if (!link || isWithinPage(link)) return;
    event.preventDefault();
    core.visitPage?.(link.href, {
      visitCause: 'link', isReplaced: link.href == location.href || hasWord(link, 'replace'), keepsScroll: hasWord(link, 'keep-scroll'),
    });
  });

  core.endVisit = () => running?.abort();
  core.showEntry = url => {
    if (mayLeave(url, 'history')) showPage(url, { visitCause: 'history' });
    else core.historyEntries?.revertEntry();
  };
};
