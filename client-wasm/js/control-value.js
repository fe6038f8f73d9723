// Reads and compares the values of form controls.

/**
 * Returns the value of a control: a boolean, a list of the selected options, or a text.
 *
 * @param {any} node
 * @returns {boolean | string[] | string}
 */
export const readValue = node => (/^(checkbox|radio)$/.test(node.type) ? node.checked
  : node.type == 'select-multiple' ? Array.from(node.selectedOptions, option => option.value) : node.value);

/**
 * Sets the value of a control to one that `readValue` returned.
 *
 * @param {any} node
 * @param {ReturnType<typeof readValue>} value
 */
export const restoreValue = (node, value) => {
  if (typeof value == 'boolean') node.checked = value;
  else if (Array.isArray(value)) for (const option of node.options) option.selected = value.includes(option.value);
  else node.value = value;
};

/**
 * Checks whether the value of a control differs from what the browser makes of the same HTML: it
 * may truncate a text, or clamp a number.
 *
 * @param {any} node
 */
export const isTouched = node => {
  if (node.value === node.defaultValue && node.checked === node.defaultChecked) return false;
  // A browser does not change the text of an element that is edited when it parses it.
  if (!('form' in node)) return true;
  const parsed = document.createElement('template');
  parsed.innerHTML = node.outerHTML;
  const like = /** @type {any} */ (parsed.content.firstChild);
  // A parser omits a line break at the beginning.
  if (like.type == 'textarea') like.defaultValue = node.defaultValue;
  return node.value !== like.value || node.checked != like.checked ||
    [...(node.options || [])].some((option, at) => option.selected != like.options[at].selected);
};

/**
 * Returns the value of a control, and whether it and its options are selected, as a text.
 *
 * @param {any} node
 */
export const fingerprint = node => JSON.stringify([node.value, node.checked, ...Array.from(node.options ?? [], option => option.selected)]);

/** Stores the values of the controls that came with the page. */
export const recordLoaded = () => {
  for (const node of /** @type {NodeListOf<any>} */ (document.querySelectorAll('input,select,textarea'))) {
    if (!isTouched(node)) node.$loaded = fingerprint(node);
  }
};

/**
 * Checks whether the value of a control differs from the one that the page was loaded with. The
 * attributes do not show that: they follow the server.
 *
 * @param {any} node
 */
export const isChanged = node => (node.$loaded ? fingerprint(node) != node.$loaded : isTouched(node));
