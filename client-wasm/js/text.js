// Comparison of texts.

/**
 * Returns how many characters two texts have in common at the start, and how many after those at
 * the end.
 *
 * @param {string} one
 * @param {string} other
 * @returns {[start: number, end: number]}
 */
export const commonEnds = (one, other) => {
  let start = 0, end = 0;
  const most = Math.min(one.length, other.length);
  while (start < most && one[start] === other[start]) start++;
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
  return [start, end];
};
