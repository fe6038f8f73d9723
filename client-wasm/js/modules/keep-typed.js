// Keeps what was typed over a reload by the client itself: the user or the session has changed.
// Reports the actions that the reload drops.

import { MODEL_CHANGE, MODEL_INPUT } from '../codes.js';
import { fingerprint, isChanged, readValue, recordLoaded, restoreValue } from '../control-value.js';
import { splitItems } from '../json.js';
import { componentsByPosition } from '../positions.js';
import { reportQueueLost } from '../queue-lost.js';
import { reportTypedLost } from '../typed-lost.js';
import { isOwn, visitor } from '../visitor.js';

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
 * @property {string} [loaded] What the control had when its page was loaded.
 */

/** The longest time that a reload by the client takes, in milliseconds. */
const RELOAD_MS = 10_000;
const CHOICE = /^(checkbox|radio|select)/;

/** @type {Module} */
export default core => {
  const collectTyped = () => {
    /** @type {TypedText[]} */
    const kept = [];
    /** @param {string} place @param {Element | Document} owner */
    const collect = (place, owner) => controlsOf(owner).forEach((node, at) => {
      const { name, type, $loaded: loaded } = node;
      if (isChanged(node)) kept.push({ place, at, sign: signature(node), name, type, loaded, value: readValue(node) });
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
      sessionStorage[storageKey()] = JSON.stringify({ kept, isLost, visitor, at: Date.now() });
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
        // The user has changed it again, or the server has, perhaps because of this very text.
        if (isChanged(node) || one.loaded && one.loaded != (node.$loaded ?? fingerprint(node))) continue;
        const controls = core.formControls, isModel = controls?.boundProperty(node);
        if (!isModel && controls?.isBound(node) && CHOICE.test(node.type)) continue;
        restoreValue(node, one.value);
        // No handler runs again: it has run, or would run without the user.
        controls?.handleEdit(node, MODEL_INPUT);
        if (isModel) controls?.handleEdit(node, MODEL_CHANGE);
      } else reportTypedLost(element || document, one);
    }
  };

  core.recordLoaded = recordLoaded;

  const restore = async () => {
    let kept = [], isLost;
    try {
      const key = storageKey(), stored = sessionStorage[key];
      if (!stored) return;
      /** @type {string} */
      let owner, at = 0;
      ({ kept = [], isLost, visitor: owner, at } = JSON.parse(stored));
      // After a reload by the client the same person is there, perhaps with a new identity.
      const isMeant = isOwn(owner) || Date.now() - at < RELOAD_MS;
      // Otherwise it waits for its user to come back, but not past another one.
      if (isMeant || visitor) delete sessionStorage[key];
      if (!isMeant) return;
    } catch {
      return;
    }
    if (document.readyState != 'complete') await new Promise(resolve => addEventListener('load', resolve));
    await core.restoreTyped?.(kept);
    if (isLost) reportQueueLost();
  };
  restore();
};
