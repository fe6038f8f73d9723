// Child components: which component an element is, and what its parent's template gives it.

import { PROPS } from '../turns.js';

// By element: its props that depend on shared state (`shared`) and its key, as text; what it was given last, both kinds of
// props together (`given`); and whether its key is another one now (`anew`).
const states = new WeakMap();
const of = element => states.get(element) ?? states.set(element, {}).get(element);

export default core => {
  const { nodes, spots, components, tell, unseal, placed } = core;

  core.child = {
    // Props that depend on shared state. Where only these changed, the server is told all the same.
    shared(element, value) {
      of(element).shared = value;
    },
    key(element, key) {
      const state = of(element);
      state.anew = state.key !== undefined && state.key !== key;
      state.key = key;
    },
    show(element, name, child) {
      const state = of(element), given = child + state.shared;
      const seen = (element.$p = { name, child });
      if (state.anew) {
        // Another component takes the place.
        const next = element.cloneNode();
        unseal(next);
        next.id = '';
        next.$p = seen;
        states.set(next, { ...state, anew: false, given });
        for (const list of [nodes, ...spots]) list?.forEach((node, i) => {
          if (node === element) list[i] = next;
          else if (node?.$a === element) node.$a = next;
        });
        element.replaceWith(next);
      } else if (state.given === undefined || element.$c === undefined) {
        element.setAttribute('name', name);
        // In the page already, but without a seal: it waited for its place.
        if (element.isConnected) element.connectedCallback?.();
      } else if (state.given !== given) {
        const { slot, of } = components.get(element.$c);
        of.source = placed(of.around, child);
        tell(PROPS, slot, 0, 0, of.source);
      }
      state.given = given;
    },
  };

  return true;
};
