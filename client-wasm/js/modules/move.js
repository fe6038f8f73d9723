// Moves elements in browsers without `moveBefore`.

export default core => {
  // What is focused in it stays so.
  core.move = (parent, node, before) => {
    const focused = node.contains(document.activeElement) && document.activeElement;
    const { selectionStart, selectionEnd } = focused;
    parent.insertBefore(node, before);
    if (!focused) return;
    focused.focus({ preventScroll: true });
    if (selectionStart != null) focused.setSelectionRange(selectionStart, selectionEnd);
  };
};
