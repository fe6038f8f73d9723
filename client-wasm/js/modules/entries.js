// The entries of the tab's history: their numbers, their positions, and back and forward. The
// modules `navigate` and `url` add entries and show them.

import { pageOf } from '../navigation/link.js';
import { isOwn, visitor } from '../visitor.js';

const STORAGE_KEY = 'live-entries';
/** The number of entries that browsers keep. */
const MOST = 50;
/** How long the content that a position is in may take, in milliseconds. */
const CONTENT_MS = 10_000;

/** Checks whether a state can have a number besides what is in it. @param {any} state */
const isOpen = state => state == null || state.constructor == Object;

/** @type {Module} */
export default core => {
  /** What is kept of entries, by their ids. @type {Record<number, KeptEntry>} */
  let kept = {};
  /** The last known position in the history, and the length of the history. */
  let position = 0, length = 0;
  let isReverting = false;
  let shownUrl = new URL(location.href);

  const load = () => {
    try {
      /** @type {string} */
      let owner;
      [position, length, kept, owner] = JSON.parse(sessionStorage[STORAGE_KEY]);
      if (!isOwn(owner)) for (const id in kept) delete kept[id].typed;
    } catch {}
  };

  /** The number of the entry whose page is shown. @type {EntryNumber | undefined} */
  let shown;

  /**
   * Returns the number of the entry where the tab is: its position, and an id. Entries that other
   * code or a link to a place in the page has added get theirs here.
   *
   * @param {boolean} [isOther] Whether it is known to be another entry than the shown one.
   * @returns {EntryNumber}
   */
  const numberHere = isOther => {
    const { state } = history;
    let number = state?.liveEntry;
    if (!number) {
      const isNumbered = isOpen(state);
      // Where the browser does not tell the position, a longer history is one with a new entry.
      const at = /** @type {any} */ (window).navigation?.currentEntry?.index ?? position + +(history.length > length);
      // Other code may have replaced the state of the shown entry.
      number = !isOther && at == shown?.[0] ? shown : [at, isNumbered ? Math.random() : 0];
      try {
        if (isNumbered) history.replaceState({ ...state, liveEntry: number }, '');
      } catch {
        // Browsers limit how often the state changes. The next attempt numbers the entry.
      }
    }
    [position] = number;
    ({ length } = history);
    return number;
  };

  load();
  shown = numberHere();
  const shownId = () => /** @type {EntryNumber} */ (shown)[1];

  /** @type {HistoryEntries['isHere']} */
  const isHere = () => (history.state?.liveEntry?.[1] ?? shownId()) == shownId();

  /** Ends the wait for the content that a position is in. */
  let endWaiting = () => {};

  /** Makes the entry where the tab is the one that is shown. */
  const enterEntry = () => {
    endWaiting();
    shown = numberHere();
    shownUrl = new URL(location.href);
  };

  /** The last known position. A patch that shortens the page moves it only later. */
  let place = [scrollX, scrollY];

  /** Keeps the position of the shown entry. @param {Partial<KeptEntry>} [more] */
  const keepPosition = more => {
    const [entryAt, id] = /** @type {EntryNumber} */ (shown);
    // Entries whose state cannot have an id are not distinguished.
    if (id) kept[id] = { ...kept[id], entryAt, scroll: place, ...more };
  };

  /** Keeps the shown entry, which other code may have added. */
  const keepEntry = () => {
    if (isHere()) enterEntry();
    keepPosition({ typed: core.collectTyped?.() });
  };

  const leaveEntry = () => {
    core.writeUrl?.();
    place = [scrollX, scrollY];
    keepEntry();
  };

  /**
   * Scrolls to a position as soon as the page is long enough, unless the visitor acts before: the
   * content may arrive over the connection.
   *
   * @param {number} left
   * @param {number} top
   */
  const waitForContent = (left, top) => {
    const ending = new AbortController(), { signal } = ending;
    const observer = new ResizeObserver(() => {
      scrollTo({ left, top, behavior: 'instant' });
      if (scrollY >= top - 1) endWaiting();
    });
    observer.observe(document.body);
    const timer = setTimeout(() => endWaiting(), CONTENT_MS);
    endWaiting = () => {
      ending.abort();
      observer.disconnect();
      clearTimeout(timer);
    };
    for (const type of ['wheel', 'touchstart', 'pointerdown', 'keydown']) addEventListener(type, endWaiting, { signal, passive: true });
  };

  /** @type {HistoryEntries['scrollPage']} */
  const scrollPage = entry => {
    let name = location.hash.slice(1);
    try {
      name = decodeURIComponent(name);
    } catch {}
    const target = name ? document.getElementById(name) ?? document.getElementsByName(name)[0] : null;
    const [left, top] = entry?.scroll ?? [0, 0];
    endWaiting();
    if (entry || !target) scrollTo({ left, top, behavior: 'instant' });
    if (entry && scrollY < top - 1) waitForContent(left, top);
    if (!entry && target) target.scrollIntoView({ behavior: 'instant' });
    return target;
  };

  /** @type {HistoryEntries} */
  core.historyEntries = {
    isHere, enterEntry, leaveEntry, scrollPage,
    entryHere: () => kept[numberHere()[1]],
    addEntry(url) {
      keepEntry();
      const at = numberHere()[0] + 1;
      for (const id in kept) if (kept[id].entryAt >= at || kept[id].entryAt < at - MOST) delete kept[id];
      history.pushState({ liveEntry: [at, Math.random()] }, '', url);
      enterEntry();
    },
    replaceEntry(url) {
      history.replaceState(history.state, '', url);
      enterEntry();
    },
    revertEntry() {
      const steps = /** @type {EntryNumber} */ (shown)[0] - numberHere()[0];
      // `go(0)` loads the page again.
      if (!steps) return;
      isReverting = true;
      history.go(steps);
    },
  };

  const claimScroll = () => { history.scrollRestoration = 'manual'; };
  claimScroll();
  addEventListener('pageshow', ({ persisted }) => {
    claimScroll();
    // The pages since then have added theirs.
    if (persisted) load();
  });
  addEventListener('pagehide', () => {
    leaveEntry();
    // The browser restores the position of a page that it loads.
    history.scrollRestoration = 'auto';
    try {
      sessionStorage[STORAGE_KEY] = JSON.stringify([position, length, kept, visitor]);
    } catch (error) {
      // The storage is full: positions are lost.
      reportError(error);
    }
  });

  addEventListener('scroll', () => {
    // Other code has added an entry of this page, or replaced the state.
    if (!history.state?.liveEntry) enterEntry();
    place = [scrollX, scrollY];
    if (isHere()) keepPosition();
  }, { passive: true });

  addEventListener('popstate', async () => {
    const isNew = !history.state?.liveEntry, before = shownUrl, url = new URL(location.href);
    const [at] = numberHere(isNew), isBack = isReverting && at == shown?.[0];
    // The way back may have led nowhere: this is another change then.
    isReverting = false;
    if (isBack) return core.writeUrl?.();
    const isWithin = pageOf(url) == pageOf(before), followed = !isWithin && core.followUrl?.(url, before);
    if (!isWithin && !followed && core.showEntry) return core.showEntry(url);
    core.endVisit?.();
    // For a link to a place in the page the browser may have scrolled already.
    if (!isNew) place = [scrollX, scrollY];
    keepPosition({ typed: core.collectTyped?.() });
    enterEntry();
    const id = shownId(), entry = kept[id];
    if (isNew || !entry) return;
    scrollPage(entry);
    const from = `${[scrollX, scrollY]}`;
    await followed;
    // The content that the place is in has arrived, and the visitor has not scrolled.
    if (id == shownId() && `${[scrollX, scrollY]}` == from) scrollPage(entry);
  });

  const entry = kept[shownId()], typed = entry?.typed;
  if (`${place}` != '0,0') keepPosition();
  const [loaded] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  if (entry && loaded && loaded.type != 'navigate') {
    if (`${place}` == '0,0') scrollPage(entry);
    // Browsers keep what is typed over a reload, or not, as the user expects of them.
    if (typed?.length && loaded.type == 'back_forward') core.loadModule('keep-typed')?.then(() => core.restoreTyped?.(typed));
  }
  core.writeUrl?.();
};
