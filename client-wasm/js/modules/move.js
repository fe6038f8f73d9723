// Moves elements, in browsers without `moveBefore` and in pages with text that is edited in place.

/** @type {Module} */
export default core => {
  const { moveNode } = core;
  // The focus inside of the node is kept, and the selection there: `moveBefore` keeps the selection
  // of controls alone.
  core.moveNode = (parent, node, before) => {
    const focused = /** @type {any} */ (node.contains(document.activeElement) && document.activeElement);
    const { selectionStart, selectionEnd, selectionDirection } = focused;
    moveNode(parent, node, before);
    if (!focused) return;
    focused.focus({ preventScroll: true });
    if (selectionStart != null && (focused.selectionStart != selectionStart || focused.selectionEnd != selectionEnd)) {
      focused.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
    }
  };
};
