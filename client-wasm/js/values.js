// What form controls hold.

/** What a control holds: a truth value, the list of what is selected, or a text. */
export const content = node => (/^(checkbox|radio)$/.test(node.type) ? node.checked
  : node.type == 'select-multiple' ? Array.from(node.selectedOptions, option => option.value) : node.value);

/** Puts into a control what another one held. */
export const put = (node, value) => {
  if (typeof value == 'boolean') node.checked = value;
  else if (Array.isArray(value)) for (const option of node.options) option.selected = value.includes(option.value);
  else node.value = value;
};

/**
 * Whether a control holds anything else than what the browser makes of the same HTML: it may cut a text, or bring a number
 * into its range.
 */
export const touched = node => {
  if (node.value === node.defaultValue && node.checked === node.defaultChecked) return false;
  // An element whose text is edited is not changed by a browser that reads it.
  if (!('form' in node)) return true;
  const parsed = document.createElement('template');
  parsed.innerHTML = node.outerHTML;
  const like = parsed.content.firstChild;
  // A parser leaves out a line break at the beginning.
  if (like.type == 'textarea') like.defaultValue = node.defaultValue;
  return node.value !== like.value || node.checked != like.checked ||
    [...(node.options || [])].some((option, i) => option.selected != like.options[i].selected);
};

// A control's value, and whether it and its options are chosen.
const print = node => JSON.stringify([node.value, node.checked, ...Array.from(node.options ?? [], option => option.selected)]);

/** Notes what the controls that came with the page hold (`$g`). */
export const note = () => {
  for (const node of document.querySelectorAll('input,select,textarea')) if (!touched(node)) node.$g = print(node);
};

/** Whether a control holds anything else than the page was loaded with: its attributes follow the server meanwhile. */
export const changed = node => (node.$g ? print(node) != node.$g : touched(node));
