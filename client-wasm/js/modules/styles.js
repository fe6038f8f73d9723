// Styles, through CSSOM.

export default core => {
  // Sets what the hole at a place says of a property. All declarations of the element are set anew in the order of the
  // document, so that shorthands and what is part of them come out as in a fresh page.
  core.style = (node, at, property, value) => {
    const all = (node.$l ??= new Map()), { style } = node;
    if (all.get(at)?.[1] === value) return;
    all.set(at, [property, value]);
    for (const [name] of all.values()) style.removeProperty(name);
    for (const [name, value] of all.values()) if (value) style.setProperty(name, value);
  };

  return true;
};
