// Sets styles through CSSOM.

/** @type {Module} */
export default core => {
  // All declarations of the element are set again in the order of the document, so that a shorthand
  // and its longhands come out as in a fresh page.
  core.setStyle = (node, at, property, value) => {
    /** @type {Map<number, [property: string, value: string]>} */
    const all = (node.$styles ??= new Map()), { style } = node;
    if (all.get(at)?.[1] === value) return;
    all.set(at, [property, value]);
    for (const [name] of all.values()) style.removeProperty(name);
    for (const [name, value] of all.values()) if (value) style.setProperty(name, value);
  };

  return true;
};
