// Recognises the components of this page in the next page.

/**
 * Returns components by what identifies them in the next page too: their name, and their position
 * among the components of that name. Those with an element come first, in the order of the
 * document; the others follow in the order of their mounts.
 *
 * @param {Core['components']} components
 */
export const componentsByPosition = components => {
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {Map<string, import('./page/component.js').Component>} */
  const found = new Map();
  const all = [...components.values()].sort(({ element: one }, { element: other }) => (
    one && other ? (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1) : +!one - +!other));
  for (const component of all) {
    const name = /** @type {string} */ (component.mountOrigin.name);
    counts[name] = (counts[name] ?? -1) + 1;
    found.set(`${name} ${counts[name]}`, component);
  }
  return found;
};
