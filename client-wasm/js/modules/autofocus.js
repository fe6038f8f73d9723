// `autofocus` on elements that appear after the page has loaded. A control that the user types into
// keeps the focus.

/** Checks whether an element takes text from the keyboard. @param {any} element */
const takesText = element => element?.isContentEditable || element?.localName == 'textarea' ||
  (element?.localName == 'input' && !/^(button|submit|reset|image|checkbox|radio|range|color|file)$/.test(element.type));

/** @type {Module} */
export default core => {
  /** @type {any} */
  let newest;
  core.focusNew = root => {
    const node = root.matches('[autofocus]') ? root : root.querySelector('[autofocus]');
    if (!node) return;
    newest = node;
    queueMicrotask(() => {
      if (newest == node && node.isConnected && !takesText(document.activeElement)) newest.focus();
    });
  };

  return true;
};
