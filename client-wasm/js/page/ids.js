// The ids of components on the wire.

/**
 * Ids in use. An id is free again only when the server has answered the unmount: the engine reports
 * that.
 */
const ids = new Set();

/**
 * Takes the id that is wanted, or where that is in use or is no id, another one.
 *
 * @param {string | undefined} wanted
 */
export const takeId = wanted => {
  let id = wanted, count = 0;
  while (!id || ids.has(id) || !/^[\w-]{1,64}$/.test(id)) id = 'c' + ++count;
  ids.add(id);
  return id;
};

/** @param {string} id */
export const freeId = id => ids.delete(id);

/** Replaces all ids in use. @param {string[]} used */
export const resetIds = used => {
  ids.clear();
  for (const id of used) ids.add(id);
};
