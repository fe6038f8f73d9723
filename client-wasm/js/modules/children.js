// Child components: which component an element is, and the props that its parent's template gives
// it.

import { COMMAND_PROPS } from '../codes.js';

/**
 * The state of a child's element.
 *
 * @typedef {object} ChildState
 * @property {string} [shared] The props that depend on shared state, as JSON.
 * @property {string} [given] All props that it was given last.
 * @property {string} [key] Its key.
 * @property {boolean} [isReplaced] Whether the key has changed: another component takes its place.
 */

/** @type {WeakMap<Element, ChildState>} */
const states = new WeakMap();
/** @param {Element} element @returns {ChildState} */
const stateOf = element => {
  const state = states.get(element) ?? {};
  states.set(element, state);
  return state;
};

/** @type {Module} */
export default core => {
  const { nodes, holeNodes, components, queueCommand, removeSeal, childPayload } = core;

  // The server is notified of a change of these props alone, too.
  core.setSharedProps = (element, props) => {
    stateOf(element).shared = props;
  };
  core.setChildKey = (element, key) => {
    const state = stateOf(element);
    state.isReplaced = state.key !== undefined && state.key !== key;
    state.key = key;
  };
  core.showChild = (element, name, child) => {
    const state = stateOf(element), given = child + state.shared;
    const own = (element.$given = { name, child, key: state.key });
    if (state.isReplaced) {
      const next = element.cloneNode();
      removeSeal(next);
      next.id = '';
      next.$given = own;
      states.set(next, { ...state, isReplaced: false, given });
      for (const list of [nodes, ...holeNodes]) list?.forEach((/** @type {any} */ node, /** @type {number} */ at) => {
        if (node === element) list[at] = next;
        else if (node?.$before === element) node.$before = next;
      });
      element.replaceWith(next);
    } else if (state.given === undefined || element.$slot === undefined) {
      element.setAttribute('name', name);
      // Already in the page, but without a seal: it waited for its place.
      if (element.isConnected) element.connectedCallback?.();
    } else if (state.given !== given) {
      const { slot, mountOrigin: origin } = /** @type {import('../page/component.js').Component} */ (components.get(element.$slot));
      origin.payload = childPayload(origin.parent, child);
      queueCommand(COMMAND_PROPS, slot, 0, 0, origin.payload);
    }
    state.given = given;
  };

  return true;
};
