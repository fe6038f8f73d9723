// Moves elements, in browsers without `moveBefore` and in pages with text that is edited in its place.

export default core => {
  // What is focused in it stays so, and what is selected there: `moveBefore` keeps the selection of controls alone.
  core.move = (parent, node, before) => {
    const focused = node.contains(document.activeElement) && document.activeElement;
    const { selectionStart, selectionEnd, selectionDirection } = focused;
    if (parent.moveBefore) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
    if (!focused) return;
    focused.focus({ preventScroll: true });
    if (selectionStart != null && (focused.selectionStart != selectionStart || focused.selectionEnd != selectionEnd)) {
      focused.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
    }
  };
};
