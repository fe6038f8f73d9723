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
