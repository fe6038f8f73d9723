// `live:ref` and `live:hook`: elements that the page's own code knows by a name.

export default core => {
  const { spots, components, guard, hooks, templates } = core;
  // Roots whose marks begin once they are in the page.
  let waiting = [];

  const begin = (node, hook, name) => {
    if (!hook) {
      const component = components.get(node.parentElement.closest('live-component').$c);
      component.refs[name] = node;
      return () => { if (component.refs[name] === node) delete component.refs[name]; };
    }
    const of = hooks.get(name);
    if (!of) return console.warn(`live:hook: no hook is registered as "${name}"`);
    guard(() => of.mounted?.(node));
    return () => guard(() => of.destroyed?.(node));
  };

  core.marks = {
    wait(root) {
      waiting.push(root);
    },
    // The roots are in the page. A root keeps what ends its marks in `$m`.
    begin() {
      const roots = waiting;
      waiting = [];
      for (const root of roots) if (root.$i && !root.$m) {
        root.$m = [];
        templates[root.$b].holes.forEach(([place, , name], at) => {
          const node = spots[root.$i][at];
          const end = (place == 11 || place == 12) && node.parentElement && begin(node, place == 12, name);
          if (end) root.$m.push(end);
        });
      }
    },
  };

  return true;
};
