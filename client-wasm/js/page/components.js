// The mounted components of the page.

import { COMMAND_UNMOUNT } from '../codes.js';
import { core } from '../core.js';
import { elements } from '../dom/nodes.js';
import { queueCommand } from './commands.js';

/**
 * Components by slot. No two components of a page have the same slot.
 *
 * @type {Map<number, import('./component.js').Component>}
 */
export const components = new Map();

/** Returns the component of an element. @param {any} element */
export const componentOf = element => components.get(element?.$slot);

/** @param {number} slot */
export const unmount = slot => {
  const component = components.get(slot);
  if (!component) return;
  components.delete(slot);
  elements.delete(slot);
  if (component.element) core.dropCalls?.(component.element);
  queueCommand(COMMAND_UNMOUNT, slot);
};
