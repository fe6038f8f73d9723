// Events of the window (`.window`), and events outside of an element (`.outside`).

export default core => {
  const { each, consider, templates } = core, types = new Set();
  // Roots of instances that listen to them.
  const roots = new Set();
  const all = (type, target, found) => {
    for (const root of roots) {
      // It was removed.
      if (!root.$i) roots.delete(root);
      else each(root, type, target, (l, el) => found(l, root, el));
    }
  };

  const heard = e => all(e.type, 16, (l, root, el) => consider(e, l, root, el, el));

  core.watch = root => {
    roots.add(root);
    for (const [place, , type] of templates[root.$b].holes) if (place == 8 && !types.has(type)) {
      types.add(type);
      addEventListener(type, heard);
    }
  };
  // What the pointer went down on.
  let down = [];
  addEventListener('pointerdown', e => { down = e.composedPath(); }, true);

  // Adds what listens for an event outside of it.
  core.outside = (e, path, found) => {
    const { type, detail } = e;
    // For an Enter in an input the browser clicks the form's button: that is no click outside of anything.
    if (type == 'click' && e.isTrusted && !detail && !path.includes(document.activeElement)) return;
    // A click that began inside, such as the end of a selection, is none either.
    const inside = type == 'click' && detail ? path.concat(down) : path;
    all(type, 32, (l, root, el) => {
      if (!inside.includes(el) && el.getClientRects().length) found.push([0, l, root, el]);
    });
  };

  return true;
};
