// `autofocus` on elements that appear after the page has loaded.

/** @type {Module} */
export default core => {
  /** @type {any} */
  let newest;
  core.focusNew = root => {
    const node = root.matches('[autofocus]') ? root : root.querySelector('[autofocus]');
    if (!node) return;
    newest = node;
    queueMicrotask(() => {
      if (newest == node && node.isConnected) newest.focus();
    });
  };

  return true;
};
