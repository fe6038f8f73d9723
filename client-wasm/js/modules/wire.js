// `live:loading`, `live:dirty`, `live:offline`: shows unanswered messages, unsent edits and a lost
// connection.

import { WIRE_CLASS, WIRE_SHOW } from '../codes.js';

/** @type {Module} */
export default core => {
  const { setClasses, setShown, writeAttribute } = core;

  core.showWireState = (node, at, effect, isOn, argument) => {
    if (effect == WIRE_SHOW) setShown(node, isOn);
    else if (effect == WIRE_CLASS) setClasses(node, at, isOn ? argument : '', []);
    else if (isOn) {
      const held = (node.$heldAttributes ??= {});
      if (!(argument in held)) {
        // An element that is disabled loses the focus.
        if (node.contains(document.activeElement)) node.$focused = document.activeElement;
        held[argument] = (argument == 'disabled' ? core.deferredDisabled : null)?.get(node) ?? node.getAttribute(argument);
        writeAttribute(node, argument, '');
      }
    } else if (node.$heldAttributes && argument in node.$heldAttributes) {
      const value = node.$heldAttributes[argument];
      delete node.$heldAttributes[argument];
      writeAttribute(node, argument, value);
      if (node.$focused && document.activeElement == document.body) node.$focused.focus();
      node.$focused = null;
    }
  };

  return true;
};
