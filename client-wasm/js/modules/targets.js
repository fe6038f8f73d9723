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
  core.outside = (e, path) => {
    // For an Enter in an input the browser clicks the form's button: that is no click outside of anything.
    const entered = e.type == 'click' && e.isTrusted && !e.detail && !path.includes(document.activeElement);
    if (!entered) all(e.type, 32, (l, root, el) => {
      if (!path.includes(el)) consider(e, l, root, el, path[0]);
    });
  };

  core.arrived();
};
