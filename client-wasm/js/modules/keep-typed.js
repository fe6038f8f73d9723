// Keeps what was typed over a reload by the client itself: the user or the session has changed.
// Reports the actions that the reload drops.

import { MODEL_CHANGE, MODEL_INPUT } from '../codes.js';
import { fingerprint, isChanged, readValue, recordLoaded, restoreValue } from '../control-value.js';
import { splitItems, splitMembers } from '../json.js';
import { componentsByPosition, waitForMounts } from '../positions.js';
import { reportQueueLost } from '../queue-lost.js';
import { delay } from '../retry.js';
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

/**
 * What was typed into one control.
 *
 * @typedef {object} TypedText
 * @property {string} place The component.
 * @property {string} exact All that identifies the control in its component.
 * @property {string} alike What is left of that where the template or a label has changed.
 * @property {number} at The position among the controls with the same `exact`.
 * @property {number} count The number of controls with the same `exact`.
 * @property {number} depth The number of rows and components around it.
 * @property {string} [property]
 * @property {string[]} keys The keys of the rows around it, from the outermost, as JSON.
 * @property {string} name The name of the control, or what else names it.
 * @property {string} type
 * @property {any} value
 * @property {string} [loaded] What the control had when its page was loaded.
 * @property {boolean} isUnsent Whether the server does not have the value.
 */

/** The longest time that a reload by the client takes, in milliseconds. */
const RELOAD_MS = 10_000;
/** How long controls may take that answers to restored text bring, and the pause between looks. */
const APPEAR_MS = 10_000, LOOK_MS = 100;
const CHOICE = /^(checkbox|radio|select)/;

/** @type {Module} */
export default core => {
  /**
   * Whether the user has changed a control: the server changes those that are bound, and the others
   * of a radio button's group follow it.
   *
   * @param {any} node
   */
  const isTyped = node => {
    const controls = core.formControls;
    return isChanged(node) && (node.type != 'radio' || node.checked) &&
      (!node.$loaded || controls?.controlStates.get(node)?.isOwn || !(controls?.boundProperty(node) || controls?.isBound(node)));
  };

  /**
   * Whether the server may not have the value of a control.
   *
   * @param {any} node
   * @param {string | undefined} property
   */
  const isUnsent = (node, property) => {
    const controls = core.formControls, state = controls?.controlStates.get(node);
    if (property == null) return !controls?.isBound(node) || !!state?.editStage;
    return !!state?.isInvalid || node == document.activeElement ||
      core.isReady() && core.unansweredMessages().includes(`"property":${property[0] == '[' ? property : JSON.stringify(property)}`);
  };

  /**
   * Describes a control, apart from its value.
   *
   * @param {any} node
   * @param {Element | Document} owner
   */
  const describe = (node, owner) => {
    const { name, id, type } = node, label = node.getAttribute('aria-label'), property = core.formControls?.boundProperty(node);
    /** @type {string[]} */
    const keys = [];
    let depth = 0, isInside = true;
    for (let at = node; at; at = at.parentElement) {
      if (at == owner) isInside = false;
      const key = core.formControls?.controlStates.get(at)?.pathKeys?.row;
      if (key && isInside) keys.unshift(key);
      if (key || at.localName == 'live-component') depth++;
    }
    const kind = [keys, node.localName, type, /^(checkbox|radio)$/.test(type) && node.value], named = name || id || label;
    return {
      exact: JSON.stringify([kind, property, name, id, label]), alike: JSON.stringify([kind, property ?? named]),
      depth, property, keys, name: named, type,
    };
  };

  /**
   * Returns the controls of a component by their descriptions.
   *
   * @param {Element | Document} owner
   */
  const describeAll = owner => {
    /** @type {Map<string, any[]>} */
    const all = new Map();
    for (const node of controlsOf(owner)) {
      const { exact, alike } = describe(node, owner);
      for (const by of [exact, alike]) all.set(by, [...all.get(by) ?? [], node]);
    }
    return all;
  };

  const collectTyped = () => {
    /** @type {TypedText[]} */
    const kept = [];
    /** @param {string} place @param {Element | Document} owner */
    const collect = (place, owner) => {
      const changed = controlsOf(owner).filter(isTyped), all = changed.length ? describeAll(owner) : new Map();
      for (const node of changed) {
        const described = describe(node, owner), equal = all.get(described.exact);
        kept.push({
          place, ...described, at: equal.indexOf(node), count: equal.length, loaded: node.$loaded, value: readValue(node),
          isUnsent: isUnsent(node, described.property),
        });
      }
    };
    collect('', document);
    for (const [place, { element }] of componentsByPosition(core.components)) if (element) collect(place, element);
    return kept;
  };

  core.collectTyped = collectTyped;
  core.storeTyped = () => {
    const kept = collectTyped();
    // This page cannot show its reports any more. The first item of the queue is the `HELLO`.
    const isLost = core.hasLost || !core.settings.keepQueue &&
      splitItems(core.unansweredMessages()).slice(1).some(item => splitMembers(splitItems(item)[1]).action);
    if (!kept.length && !isLost) return;
    try {
      sessionStorage[storageKey()] = JSON.stringify({ kept, isLost, visitor, at: Date.now() });
    } catch (error) {
      // The storage is full: the page is reloaded all the same.
      reportError(error);
    }
  };

  /**
   * Restores what was typed into one control. Returns `false` where the value cannot be restored.
   *
   * @param {TypedText} one
   * @param {any} node
   */
  const restoreOne = ({ value, loaded, isUnsent }, node) => {
    const isSame = () => JSON.stringify(readValue(node)) == JSON.stringify(value);
    // The user has changed it again. The options of a select change without the user.
    if (isSame() || (node.options ? isTyped(node) : isChanged(node))) return true;
    // The server has, perhaps because of this very text.
    if (loaded && loaded != (node.$loaded ?? fingerprint(node))) return !isUnsent;
    const controls = core.formControls, isModel = controls?.boundProperty(node);
    if (!isModel && controls?.isBound(node) && CHOICE.test(node.type)) return true;
    const before = readValue(node);
    restoreValue(node, value);
    if (!isSame()) {
      // The options may depend on another control.
      restoreValue(node, before);
      return false;
    }
    // No handler runs again: it has run, or would run without the user.
    controls?.handleEdit(node, MODEL_INPUT);
    if (isModel) controls?.handleEdit(node, MODEL_CHANGE);
    return true;
  };

  core.restoreTyped = async typed => {
    // A control outside of rows may filter them.
    let left = /** @type {TypedText[]} */ (typed).sort((one, other) => other.depth - one.depth);
    if (left.some(({ property, keys }) => property || keys?.[0])) await core.loadModule('controls');
    for (const end = Date.now() + APPEAR_MS; ; await delay(LOOK_MS)) {
      await waitForMounts(core.components);
      const found = componentsByPosition(core.components), isQuiet = !core.isReady() || splitItems(core.unansweredMessages()).length < 2;
      const described = new Map(), { length } = left;
      left = left.filter(one => {
        const owner = one.place ? found.get(one.place)?.element : document;
        if (!owner) return true;
        if (!described.has(owner)) described.set(owner, describeAll(owner));
        const all = described.get(owner), exact = all.get(one.exact), alike = all.get(one.alike);
        const node = exact ? exact.length == one.count && exact[one.at] : alike?.length == 1 && alike[0];
        return !node || !node.isConnected || !restoreOne(one, node);
      });
      // No answer to what is restored comes any more.
      if (!left.length || isQuiet && left.length == length || Date.now() > end) {
        // An action has the text of a control without a property.
        for (const one of left) if (one.isUnsent !== false || one.property) reportTypedLost(found.get(one.place)?.element || document, one);
        return;
      }
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
