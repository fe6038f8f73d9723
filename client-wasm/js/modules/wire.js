// `live:loading`, `live:dirty`, `live:offline`: what shows the state of the wire.

export default core => {
  const { classes, conceal, write } = core;

  // Sets what the hole at a place says: `effect` is 0 to show the element, 1 for classes, 2 for an attribute.
  core.wire = (node, at, effect, on, argument) => {
    if (effect == 0) conceal(node, on);
    else if (effect == 1) classes(node, at, on ? argument : '', []);
    else if (on) {
      const meant = (node.$w ??= {});
      if (!(argument in meant)) {
        // What is disabled loses the focus.
        if (node.contains(document.activeElement)) node.$d = document.activeElement;
        meant[argument] = (argument == 'disabled' ? core.pressed : null)?.get(node) ?? node.getAttribute(argument);
        write(node, argument, '');
      }
    } else if (node.$w && argument in node.$w) {
      const value = node.$w[argument];
      delete node.$w[argument];
      write(node, argument, value);
      if (node.$d && document.activeElement == document.body) node.$d.focus();
      node.$d = null;
    }
  };

  return true;
};
