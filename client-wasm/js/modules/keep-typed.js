// Keeps what was typed over a reload by the client itself: the user or the session has changed.
// Reports the actions that the reload drops.

import { isChanged, readValue, restoreValue } from '../control-value.js';
import { splitItems } from '../json.js';
import { componentsByPosition } from '../positions.js';
import { reportQueueLost } from '../queue-lost.js';
import { reportTypedLost } from '../typed-lost.js';

const STORAGE_KEY = 'live-typed ' + location.pathname;

/**
 * Returns the controls of a component without those of its children, of passwords and of files.
 *
 * @param {Element} element
 */
const controlsOf = element => [.../** @type {NodeListOf<any>} */ (element.querySelectorAll('input,textarea,select,[contenteditable]'))]
  .filter(node => node.validity && node.closest('live-component') == element && !/^(password|file|hidden)$/.test(node.type));

/** Returns what identifies a control at the same position in the next page. @param {any} node */
const signature = node => [
  node.localName, node.type, node.name, node.getAttribute('aria-label'), ...(/^(checkbox|radio)$/.test(node.type) ? [node.value] : []),
].join();

/** @type {Module} */
export default core => {
  core.storeTyped = () => {
    /** @type {object[]} */
    const kept = [];
    for (const [position, { element }] of componentsByPosition(core.components)) {
      if (element) controlsOf(element).forEach((node, at) => {
        if (isChanged(node)) kept.push({ place: position, at, sign: signature(node), name: node.name, value: readValue(node) });
      });
    }
    // This page cannot show its reports any more. The first item of the queue is the `HELLO`.
    const isLost = core.hasLost || !core.settings.keepQueue && splitItems(core.unansweredMessages()).length > 1;
    if (!kept.length && !isLost) return;
    try {
      sessionStorage[STORAGE_KEY] = JSON.stringify({ kept, isLost });
    } catch (error) {
      // The storage is full: the page is reloaded all the same.
      reportError(error);
    }
  };

  const restore = async () => {
    let kept = [], isLost;
    try {
      const stored = sessionStorage[STORAGE_KEY];
      delete sessionStorage[STORAGE_KEY];
      if (!stored) return;
      ({ kept = [], isLost } = JSON.parse(stored));
    } catch {
      return;
    }
    if (document.readyState != 'complete') await new Promise(resolve => addEventListener('load', resolve));
    const found = componentsByPosition(core.components);
    await Promise.allSettled(Array.from(found.values(), component => component.mounted));
    if (isLost) reportQueueLost();
    for (const one of kept) {
      const element = found.get(one.place)?.element, node = element && controlsOf(element)[one.at];
      if (node && signature(node) == one.sign) {
        if (isChanged(node)) continue;
        restoreValue(node, one.value);
        for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, { bubbles: true }));
      } else reportTypedLost(element || document, one);
    }
  };
  restore();
};
