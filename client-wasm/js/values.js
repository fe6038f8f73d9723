/**
 * Whether a control holds anything else than what the browser makes of the same HTML: it may cut a text, or bring a number
 * into its range.
 */
export const touched = node => {
  if (node.value === node.defaultValue && node.checked === node.defaultChecked) return false;
  const parsed = document.createElement('template');
  parsed.innerHTML = node.outerHTML;
  const like = parsed.content.firstChild;
  // A parser leaves out a line break at the beginning.
  if (like.type == 'textarea') like.defaultValue = node.defaultValue;
  return node.value !== like.value || node.checked != like.checked ||
    [...(node.options || [])].some((option, i) => option.selected != like.options[i].selected);
};

// What a control holds, and which of its options are selected.
const held = node => JSON.stringify([node.value, node.checked, ...Array.from(node.options ?? [], option => option.selected)]);

/** Notes what the controls that came with the page hold (`$g`). */
export const note = () => {
  for (const node of document.querySelectorAll('input,select,textarea')) if (!touched(node)) node.$g = held(node);
};

/** Whether a control holds anything else than the page was loaded with: its attributes follow the server meanwhile. */
export const changed = node => (node.$g ? held(node) != node.$g : touched(node));
