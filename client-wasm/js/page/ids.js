// The ids of components on the wire.

/** Ids in use. The engine reports when the server has answered an unmount: then the id is free. */
const ids = new Set();

/**
 * Reserves an id: the requested one, or another one if that is in use or invalid.
 *
 * @param {string | undefined} requested
 */
export const takeId = requested => {
  let id = requested, count = 0;
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
