// Keeps what was typed over a reload by the client itself: the user or the session has changed.
// Reports the actions that the reload drops.

import { isChanged, readValue, restoreValue } from '../control-value.js';
import { splitItems } from '../json.js';
import { componentsByPosition } from '../positions.js';
import { reportQueueLost } from '../queue-lost.js';
import { reportTypedLost } from '../typed-lost.js';

/** Returns the key of the shown page in the storage. */
const storageKey = () => 'live-typed ' + location.pathname;

/**
 * Returns the controls of a component without those of its children, of passwords and of files; of
 * the document, those outside of components.
 *
 * @param {Element | Document} owner
 */
const controlsOf = owner => {
  /** @type {NodeListOf<any>} */
  const all = owner.querySelectorAll('input,textarea,select,[contenteditable]');
  return [...all].filter(node => node.validity && !/^(password|file|hidden)$/.test(node.type) &&
    (node.closest('live-component') ?? document) == owner);
};

/** Returns what identifies a control at the same position in the next page. @param {any} node */
const signature = node => [
  node.localName, node.type, node.name, node.getAttribute('aria-label'), ...(/^(checkbox|radio)$/.test(node.type) ? [node.value] : []),
].join();

/**
 * What was typed into one control: its component, its position there, and what identifies it.
 *
 * @typedef {object} TypedText
 * @property {string} place
 * @property {number} at
 * @property {string} sign
 * @property {string} name
 * @property {string} type
 * @property {any} value
 */

/** @type {Module} */
export default core => {
  const collectTyped = () => {
    /** @type {TypedText[]} */
    const kept = [];
    /** @param {string} place @param {Element | Document} owner */
    const collect = (place, owner) => controlsOf(owner).forEach((node, at) => {
      const { name, type } = node;
      if (isChanged(node)) kept.push({ place, at, sign: signature(node), name, type, value: readValue(node) });
    });
    collect('', document);
    for (const [place, { element }] of componentsByPosition(core.components)) if (element) collect(place, element);
    return kept;
  };

  core.collectTyped = collectTyped;
  core.storeTyped = () => {
    const kept = collectTyped();
    // This page cannot show its reports any more. The first item of the queue is the `HELLO`.
    const isLost = core.hasLost || !core.settings.keepQueue && splitItems(core.unansweredMessages()).length > 1;
    if (!kept.length && !isLost) return;
    try {
      sessionStorage[storageKey()] = JSON.stringify({ kept, isLost });
    } catch (error) {
      // The storage is full: the page is reloaded all the same.
      reportError(error);
    }
  };

  core.restoreTyped = async typed => {
    const found = componentsByPosition(core.components);
    await Promise.allSettled(Array.from(found.values(), component => component.mounted));
    for (const one of /** @type {TypedText[]} */ (typed)) {
      const element = one.place ? found.get(one.place)?.element : document, node = element && controlsOf(element)[one.at];
      if (node && signature(node) == one.sign) {
        if (isChanged(node)) continue;
        restoreValue(node, one.value);
        for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, { bubbles: true }));
      } else reportTypedLost(element || document, one);
    }
  };

  const restore = async () => {
    let kept = [], isLost;
    try {
      const key = storageKey(), stored = sessionStorage[key];
      delete sessionStorage[key];
      if (!stored) return;
      ({ kept = [], isLost } = JSON.parse(stored));
    } catch {
      return;
    }
    if (document.readyState != 'complete') await new Promise(resolve => addEventListener('load', resolve));
    await core.restoreTyped?.(kept);
    if (isLost) reportQueueLost();
  };
  restore();
};
