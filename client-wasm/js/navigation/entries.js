// The entries of the tab's history: their numbers, and what is kept of those that were left.

const STORAGE_KEY = 'live-history';

/**
 * The typed text is that of the module `keep-typed`.
 *
 * @typedef {{ x: number, y: number, typed?: object[] }} KeptEntry
 */

/** What is kept, by the numbers of the entries. @type {Record<number, KeptEntry>} */
let kept = {};
/** The number of the entry whose page is shown. */
let shownIndex = 0;

/** @param {Core} core */
export const startEntries = core => {
  try {
    [shownIndex, kept] = JSON.parse(sessionStorage[STORAGE_KEY]);
    // The page was loaded in a new entry.
    shownIndex++;
  } catch {}
  shownIndex = history.state?.live ?? shownIndex;
  numberEntry();
  const claimScroll = () => { history.scrollRestoration = 'manual'; };
  claimScroll();
  addEventListener('pageshow', claimScroll);
  addEventListener('pagehide', () => {
    keepEntry(core);
    // The browser restores the position of a page that it loads.
    history.scrollRestoration = 'auto';
    try {
      sessionStorage[STORAGE_KEY] = JSON.stringify([shownIndex, kept]);
    } catch (error) {
      // The storage is full: positions are lost.
      reportError(error);
    }
  });
};

/** Writes the number of the shown entry, and its address, into the history. @param {URL} [url] */
export const numberEntry = url => history.replaceState({ ...history.state, live: shownIndex }, '', url);

/** Keeps the position and the typed text of the shown entry. @param {Core} core */
export const keepEntry = core => { kept[shownIndex] = { x: scrollX, y: scrollY, typed: core.collectTyped?.() }; };

/** Returns what is kept of an entry. @param {number} index @returns {KeptEntry | undefined} */
export const keptEntry = index => kept[index];

/** Adds an entry after the one that the tab is at, which drops those after it. @param {URL} url */
export const addEntry = url => {
  shownIndex = (history.state?.live ?? shownIndex) + 1;
  for (const index in kept) if (+index >= shownIndex) delete kept[index];
  history.pushState({ live: shownIndex }, '', url);
};

/**
 * Shows another entry, where the tab is now. One that other code has added, or a link to a place in
 * the page, has no number yet.
 */
export const enterEntry = () => {
  if (history.state?.live == null) {
    shownIndex++;
    numberEntry();
  } else shownIndex = history.state.live;
};

/** Returns how far the tab is from the entry that is shown. */
export const distanceToShown = () => shownIndex - (history.state?.live ?? shownIndex + 1);
