// Prepares the blocks of a template.

import { EVENT_OUTSIDE, EVENT_POLL, EVENT_WINDOW, PLACE_EVENT, PLACE_HOOK, PLACE_REF } from '../codes.js';
import { core } from '../core.js';
import { nodes, rootBlocks } from './nodes.js';

/** The element that a skeleton is parsed in, by the number of the namespace. */
const WRAPPERS = ['', 'svg', 'math'];

/**
 * Takes a block as it is in a template: the skeleton and its namespace, the holes, and the modules
 * that it needs, and how the component follows the URL. template/src/code.rs documents the form.
 *
 * @param {[html: string, namespace: number, holes: Hole[], modules?: string[], urlParams?: UrlParams]} source
 */
export const prepareBlock = ([html, namespace, holes, modules, urlParams]) => {
  const template = document.createElement('template');
  const wrapper = WRAPPERS[namespace];
  template.innerHTML = wrapper ? `<${wrapper}>${html}</${wrapper}>` : html;
  const fragment = /** @type {any} */ (template.content);
  /** @type {Block} */
  const block = {
    skeletonContent: fragment, holes, urlParams, listeners: [],
    skeleton: wrapper ? fragment.firstChild.firstElementChild : fragment.firstElementChild,
  };
  // Views that were made before a module has started are rebuilt, if the module requires that.
  modules?.forEach(name => core.loadModule(name)?.then(isRequired => {
    if (!isRequired) return;
    const roots = nodes.filter(node => rootBlocks[node?.$root] == block);
    for (const view of new Set(roots.map(node => node.$view))) core.rebuildView(view);
  }));
  holes.forEach(([place, , eventType, bits, heldKeys, debounceMs, throttleMs, keyNames, eventAddress], at) => {
    if (place == PLACE_EVENT) {
      block.listeners.push({ holeAt: at, eventType, bits, heldKeys, debounceMs, throttleMs, keyNames, eventAddress });
      if (bits & (EVENT_WINDOW | EVENT_OUTSIDE | EVENT_POLL)) block.isWatching = true;
      core.listenTo(eventType);
    } else if (place == PLACE_REF || place == PLACE_HOOK) block.isMarked = true;
  });
  return block;
};
