// `live:ref` and `live:hook`: elements that the page's own code knows by a name.

import { PLACE_HOOK, PLACE_REF } from '../codes.js';

/** @type {Module} */
export default core => {
  const { holeNodes, components, guard, hooks, blocks } = core;
  // Roots whose marks begin once they are in the page.
  /** @type {any[]} */
  let waiting = [];

  /** @param {any} node @param {string} name */
  const setRef = (node, name) => {
    const component = components.get(node.parentElement.closest('live-component').$slot);
    const { refs } = /** @type {import('../page/component.js').Component} */ (component);
    refs[name] = node;
    return () => { if (refs[name] === node) delete refs[name]; };
  };
  /** @param {any} node @param {string} name */
  const mountHook = (node, name) => {
    const hook = hooks.get(name);
    if (!hook) return console.warn(`live:hook: no hook is registered as "${name}"`);
    guard(() => hook.mounted?.(node));
    return () => guard(() => hook.destroyed?.(node));
  };

  core.awaitMarks = root => {
    waiting.push(root);
  };
  core.beginMarks = () => {
    const roots = waiting;
    waiting = [];
    for (const root of roots) if (root.$root && !root.$markEnds) {
      root.$markEnds = [];
      blocks[root.$block].holes.forEach(([place, , name], at) => {
        const node = holeNodes[root.$root][at], begin = place == PLACE_REF ? setRef : place == PLACE_HOOK && mountHook;
        const end = begin && node.parentElement && begin(node, name);
        if (end) root.$markEnds.push(end);
      });
    }
  };

  return true;
};
