// Splits JSON as text: numbers keep their digits, which may be more than those of a double.

/**
 * Returns the texts of the items of a list, or of the members of an object (`"name":value`).
 *
 * @param {string} text
 */
export const splitItems = text => {
  const found = [];
  let depth = 0, from = 1;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    const ends = token == ']' || token == '}';
    if (token == '[' || token == '{') depth++;
    else if (ends) depth--;
    if (index > from && depth == (ends ? 0 : 1) && (ends || token == ',')) {
      found.push(text.slice(from, index));
      from = index + 1;
    }
  }
  return found;
};

/**
 * Returns the texts of the values of an object, by name.
 *
 * @param {string} text
 * @returns {Record<string, string>}
 */
export const splitMembers = text => Object.fromEntries(splitItems(text).map(part => {
  const [name] = /** @type {RegExpExecArray} */ (/^"(?:[^"\\]|\\.)*"/.exec(part));
  return [JSON.parse(name), part.slice(name.length + 1)];
}));
