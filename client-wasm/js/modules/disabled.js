// Defers a bound `disabled` on the element that the visitor is pressing.

/** @type {Module} */
export default core => {
  // The element is disabled when it is released: a click needs both a press and a release.
  const deferred = (core.deferredDisabled = new Map());
  const release = () => setTimeout(() => {
    for (const [node, value] of deferred) node.setAttribute('disabled', value);
    deferred.clear();
  });
  for (const type of ['pointerup', 'pointercancel', 'keyup', 'blur']) addEventListener(type, release, true);

  core.deferDisabled = (node, value) => {
    deferred.delete(node);
    return value !== null && node.matches(':active') && !!deferred.set(node, value);
  };

  return true;
};
