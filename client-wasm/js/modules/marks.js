// `live:ref` and `live:hook`: elements that the page's own code knows by a name.

import { PLACE_HOOK, PLACE_REF } from '../codes.js';

/** How long hooks may be registered late without a warning, in milliseconds. */
const REGISTER_MS = 10_000;

/** @type {Module} */
export default core => {
  const { holeNodes, components, guard, hooks, blocks } = core;
  /** Elements whose hooks are not registered yet. @type {Map<any, [string, () => void]>} */
  const unregistered = new Map();
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
    /** @type {import('../client.js').LiveHook | undefined} */
    let hook;
    const begin = () => {
      hook = hooks.get(name);
      guard(() => hook?.mounted?.(node));
    };
    if (hooks.has(name)) begin();
    else {
      unregistered.set(node, [name, begin]);
      setTimeout(() => {
        if (unregistered.has(node)) console.warn(`live:hook: no hook is registered as "${name}"`);
      }, REGISTER_MS);
    }
    return () => {
      unregistered.delete(node);
      guard(() => hook?.destroyed?.(node));
    };
  };
  // A script of the page may register a hook after its elements are there.
  core.hookAdded = added => {
    for (const [node, [name, begin]] of unregistered) if (name == added) {
      unregistered.delete(node);
      begin();
    }
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
