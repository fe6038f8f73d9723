// `autofocus` on what appears later.

export default core => {
  let newest;
  // A root was made; it is not in the page yet.
  core.autofocus = root => {
    const node = root.matches('[autofocus]') ? root : root.querySelector('[autofocus]');
    if (!node) return;
    newest = node;
    queueMicrotask(() => {
      if (newest == node && node.isConnected) node.focus();
    });
  };

  return true;
};
