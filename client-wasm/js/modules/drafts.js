// Keeps what was typed, and the focus, over the rebuild of a view.

import { isTouched, readValue, restoreValue } from '../control-value.js';
import { MODEL_INPUT } from '../codes.js';
import { reportTypedLost } from '../typed-lost.js';

const CHECKED = /^(checkbox|radio)$/, EDITABLE = 'textarea,[contenteditable]';

/**
 * Returns the text of an element, without what is typed into it.
 *
 * @param {Element} element
 */
const staticText = element => {
  const copy = /** @type {Element} */ (element.cloneNode(true));
  for (const node of [copy, ...copy.querySelectorAll(EDITABLE)]) if (node.matches(EDITABLE)) node.textContent = '';
  return copy.textContent;
};

/** Returns what kind of control it is. @param {any} node */
const signature = node => [node.localName, node.type, node.name, CHECKED.test(node.type) && node.value];

/** @type {Module} */
export default core => {
  // `core.formControls` is read late: that module may start after this one.
  const controls = () => /** @type {Controls} */ (core.formControls);
  /** @param {any} node */
  const stateOf = node => controls().controlStates.get(node);
  /**
   * Whether a state belongs to the engine that runs: another one has other edits and other numbers.
   *
   * @param {ControlState} state
   */
  const isCurrent = state => state.firstBlock == core.blocks[0];

  /** Whether a control has an edit that neither the engine nor an action has. @param {any} node */
  const isDraft = node => {
    const state = stateOf(node);
    if (!state || state.isEarly || !isCurrent(state)) return isTouched(node);
    if (state.controlKind !== undefined) return state.isInvalid || state.hasComposition;
    return controls().isBound(node) ? state.editStage : isTouched(node);
  };

  /**
   * Describes a control of a component. The rebuilt view has the same control where the property
   * that it edits is the same, or the keys of the rows around it, its block and its signature
   * (`exact`). Where the page does not match its template it has neither rows nor blocks: there the
   * signature alone has to match (`alike`), and in a row the static text too.
   *
   * @param {any} node
   * @param {any} element The element of the component.
   * @param {boolean} isSame Whether blocks have the same numbers as before.
   */
  const describe = (node, element, isSame) => {
    const rows = [];
    let root, outermost, depth = 0;
    for (let at = node, steps = 0; at != element; at = at.parentElement, steps++) {
      const key = stateOf(at)?.pathKeys?.row;
      if (key) {
        rows.push(key);
        [outermost, depth] = [at, steps];
      }
      if (at.$block !== undefined) root ??= at;
    }
    const property = controls().boundProperty(node), { name, type } = node;
    return {
      node, root, outermost, depth, property, keys: [...rows].reverse(), name, type, value: readValue(node), isDraft: isDraft(node),
      exact: JSON.stringify([property ?? [rows, isSame && root?.$block], signature(node)]),
      alike: JSON.stringify([signature(node), node.getAttribute('aria-label'), node.id]),
    };
  };
  /** @typedef {ReturnType<typeof describe>} Description */

  /** Returns the controls inside of an element. @param {Element} element @returns {any[]} */
  const controlsIn = element => [.../** @type {NodeListOf<any>} */ (element.querySelectorAll('input,select,' + EDITABLE))].filter(node => {
    // Typed before the client was loaded.
    if (node.$typed && !node.validity) core.makeEditable?.(node);
    return node.validity;
  });

  /**
   * Finds the control that replaces another one: at the same position among as many of the same
   * description.
   *
   * @param {Description} old
   * @param {Description[]} before
   * @param {Description[]} now
   */
  const findReplacement = (old, before, now) => {
    /** @param {'exact' | 'alike'} by */
    const find = by => {
      const [from, to] = [before, now].map(all => all.filter(one => one[by] == old[by]));
      return from.length == to.length ? to[from.indexOf(old)] : undefined;
    };
    const exact = find('exact');
    if (exact || old.root) return exact;
    const alike = find('alike');
    if (!alike?.outermost) return alike;
    let row = old.node;
    for (let { depth } = alike; row && depth; depth--) row = row.parentElement;
    return row && staticText(row) == staticText(alike.outermost) ? alike : undefined;
  };

  /**
   * Restores a draft, with the stage that its edit had.
   *
   * @param {any} node
   * @param {Description} old
   */
  const restore = (node, old) => {
    if (node.type == 'file') node.files = old.node.files;
    else restoreValue(node, old.value);
    const state = stateOf(old.node);
    if (!state?.editStage || !isCurrent(state)) return controls().handleEdit(node, MODEL_INPUT);
    const { editStage, actionRoot, olderRoot, hasMoved, editCount, lastText, caret } = state;
    Object.assign(/** @type {ControlState} */ (stateOf(node)), { editStage, actionRoot, olderRoot, hasMoved, editCount, lastText, caret });
    controls().editedControls.add(node);
  };

  core.keepDrafts = (element, block) => {
    const all = controlsIn(element);
    /** @param {any} node */
    const isOwn = node => node.closest('live-component') == element;
    const isSame = element.$block == block && all.every(node => {
      const state = stateOf(node);
      return !state || isCurrent(state);
    });
    const before = all.filter(isOwn).map(node => describe(node, element, isSame));
    /** @type {Parameters<typeof reportTypedLost>[1][]} */
    const lost = all.filter(node => !isOwn(node) && isDraft(node)).map(({ name, type, value }) => ({ name, type, value }));
    const focused = /** @type {any} */ (document.activeElement), { selectionStart, selectionEnd, selectionDirection } = focused;
    return () => {
      const now = controlsIn(element).filter(isOwn).map(node => describe(node, element, isSame));
      for (const old of before) {
        const found = findReplacement(old, before, now)?.node;
        if (found) found.$loaded = old.node.$loaded;
        if (old.isDraft && found) restore(found, old);
        else if (old.isDraft) lost.push(old);
        if (found && old.node == focused) {
          found.focus({ preventScroll: true });
          if (selectionStart != null) found.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
        }
      }
      for (const one of lost) queueMicrotask(() => reportTypedLost(element, one));
    };
  };
};
