// Recognises the components of this page in the next page.

import { splitItems, splitMembers } from './json.js';

/**
 * Returns components by what identifies them in the next page too: the component around them, their
 * name and key, the keys of the rows that they are in, and their position among those of which all
 * that is equal. Those with an element come first, in the order of the document; the others follow
 * in the order of their mounts.
 *
 * @param {Core['components']} components
 */
export const componentsByPosition = components => {
  /** @type {Record<string, number>} */
  const counts = {};
  /** @type {Map<string, import('./page/component.js').Component>} */
  const found = new Map();
  /** @type {Map<unknown, string>} */
  const places = new Map();
  const all = [...components.values()].sort(({ element: one }, { element: other }) => (
    one && other ? (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1) : +!one - +!other));
  for (const component of all) {
    const { element, mountOrigin: { name, parent, child: made } } = component, { child = made, key = null } = element?.$given ?? {};
    // The numbers of holes alternate with the keys of rows, and the numbers of conditions' arms.
    const keys = child ? splitItems(splitMembers(child).place).filter((_, at) => at % 2) : [];
    const equal = [places.get(parent), name, key, ...keys].filter(part => part != null).join(' ');
    counts[equal] = (counts[equal] ?? -1) + 1;
    const place = `${equal} ${counts[equal]}`;
    places.set(element, place);
    found.set(place, component);
  }
  return found;
};

/**
 * Waits for all components, also those that others show: before, their keys are not known.
 *
 * @param {Core['components']} components
 */
export const waitForMounts = async components => {
  for (let count = -1; count != components.size;) {
    count = components.size;
    await Promise.allSettled(Array.from(components.values(), ({ mounted }) => mounted));
  }
};
