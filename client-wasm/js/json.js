// JSON taken apart as text: numbers keep their digits.

/** The texts of the items of a list, or of the members of an object (`"name":value`). */
export const parts = text => {
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

/** The texts of the values of an object, by their names. */
export const members = text => Object.fromEntries(parts(text).map(part => {
  const [name] = /^"(?:[^"\\]|\\.)*"/.exec(part);
  return [JSON.parse(name), part.slice(name.length + 1)];
}));
