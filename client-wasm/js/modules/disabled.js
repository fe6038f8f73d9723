// A bound `disabled`, on what the visitor is pressing.

export default core => {
  // What the visitor is pressing is disabled when it is let go: a click needs both.
  const pressed = (core.pressed = new Map());
  const release = () => setTimeout(() => {
    for (const [node, value] of pressed) node.setAttribute('disabled', value);
    pressed.clear();
  });
  for (const type of ['pointerup', 'pointercancel', 'keyup', 'blur']) addEventListener(type, release, true);

  /** Notes what an element is to get. Returns whether that waits. */
  core.press = (node, value) => {
    pressed.delete(node);
    return value !== null && node.matches(':active') && pressed.set(node, value);
  };

  return true;
};
