// Events of the window (`.window`), and events outside of an element (`.outside`).

import { EVENT_OUTSIDE, EVENT_WINDOW, PLACE_EVENT } from '../codes.js';

/** @type {Module} */
export default core => {
  const { eachListener, runListener, blocks } = core;
  /** @type {Set<string>} */
  const types = new Set();
  // Roots with such listeners.
  const roots = new Set();
  /**
   * @param {string} type
   * @param {number} target
   * @param {(listener: Listener, root: any, element: any) => void} found
   */
  const eachWatching = (type, target, found) => {
    for (const root of roots) {
      // It was removed.
      if (!root.$root) roots.delete(root);
      else eachListener(root, type, target, (listener, element) => found(listener, root, element));
    }
  };

  /** @param {Event} event */
  const handleWindowEvent = event => eachWatching(event.type, EVENT_WINDOW, (listener, root, element) => {
    runListener(event, listener, root, element, element);
  });

  const { watchRoot } = core;
  core.watchRoot = root => {
    watchRoot?.(root);
    roots.add(root);
    for (const [place, , type] of blocks[root.$block].holes) if (place == PLACE_EVENT && !types.has(type)) {
      types.add(type);
      addEventListener(type, handleWindowEvent);
    }
  };
  // The path of the last pointerdown.
  /** @type {any[]} */
  let down = [];
  addEventListener('pointerdown', event => { down = event.composedPath(); }, true);

  core.addOutside = (event, path, found) => {
    const { type, detail } = event;
    // On an Enter in an input the browser clicks the form's button: that is no click outside of an
    // element.
    if (type == 'click' && event.isTrusted && !detail && !path.includes(document.activeElement)) return;
    // Nor is a click that began inside, such as the end of a selection.
    const inside = type == 'click' && detail ? path.concat(down) : path;
    eachWatching(type, EVENT_OUTSIDE, (listener, root, element) => {
      if (!inside.includes(element) && element.getClientRects().length) found.push([0, listener, root, element]);
    });
  };

  return true;
};
