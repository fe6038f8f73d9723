// `live:loading`, `live:dirty`, `live:offline`: shows unanswered messages, unsent edits and a lost
// connection.

import { WIRE_CLASS, WIRE_HIDE, WIRE_SHOW, WIRE_WITHOUT_CLASS } from '../codes.js';

/** Attributes that have `true` as a word. */
const WORDS = /^(aria-|data-|contenteditable$|draggable$|spellcheck$)/;

/** @type {Module} */
export default core => {
  const { setClasses, setShown, writeAttribute } = core;

  /** @type {NonNullable<Core['showWireState']>} */
  const show = (node, at, effect, isOn, argument) => {
    if (effect == WIRE_SHOW) setShown(node, isOn);
    else if (effect == WIRE_HIDE) setShown(node, !isOn);
    else if (effect == WIRE_CLASS) setClasses(node, at, isOn ? argument : '', []);
    else if (effect == WIRE_WITHOUT_CLASS) setClasses(node, at, isOn ? '' : argument, argument.split(' '));
    else if (isOn) {
      const held = (node.$heldAttributes ??= {});
      if (!(argument in held)) {
        // An element that is disabled loses the focus.
        if (node.contains(document.activeElement)) node.$focused = document.activeElement;
        held[argument] = (argument == 'disabled' ? core.deferredDisabled : null)?.get(node) ?? node.getAttribute(argument);
        writeAttribute(node, argument, WORDS.test(argument) ? 'true' : '');
      }
    } else if (node.$heldAttributes && argument in node.$heldAttributes) {
      const value = node.$heldAttributes[argument];
      delete node.$heldAttributes[argument];
      writeAttribute(node, argument, value);
      if (node.$focused && document.activeElement == document.body) node.$focused.focus();
      node.$focused = null;
    }
  };

  core.showWireState = (node, at, effect, isOn, argument, delayMs) => {
    /** The timers of states that do not show yet. @type {Map<number, any>} */
    const timers = (node.$wireTimers ??= new Map());
    if (isOn && timers.has(at)) return;
    clearTimeout(timers.get(at));
    timers.delete(at);
    // Delays have one millisecond added: 0 is none.
    if (isOn && delayMs) timers.set(at, setTimeout(() => show(node, at, effect, isOn, argument), delayMs - 1));
    else show(node, at, effect, isOn, argument);
  };

  return true;
};
