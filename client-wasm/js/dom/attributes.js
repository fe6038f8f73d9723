// Writes attributes, classes and visibility.

import { core } from '../core.js';

/**
 * Sets or removes an attribute. Returns 1 if it had another value before.
 *
 * @param {Element} node
 * @param {string} name
 * @param {string | null} value
 */
export const writeAttribute = (node, name, value) => {
  if (name == 'disabled' && core.deferDisabled?.(node, value)) return;
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else if (!core.setLinkAttribute?.(node, name, value)) node.setAttribute(name, value);
  return 1;
};

/**
 * Sets an attribute to a value of the state. While a state of the wire holds the attribute, the
 * value is stored instead.
 *
 * @param {any} node
 * @param {string} name
 * @param {string | null} value
 */
export const bindAttribute = (node, name, value) => {
  if (node.$heldAttributes && name in node.$heldAttributes) node.$heldAttributes[name] = value;
  else if (writeAttribute(node, name, value)) checkOptions(node, name);
};

/**
 * Sets the classes that a hole gives to its element. A class that something else gives to the
 * element too stays when the hole removes it.
 *
 * @param {any} node
 * @param {number} hole
 * @param {string} text
 * @param {string[]} last The classes that the hole gave before its first call.
 */
export const setClasses = (node, hole, text, last) => {
  /** @type {Map<number, string[]>} */
  const all = (node.$classes ??= new Map()), list = text.match(/\S+/g) ?? [];
  last = all.get(hole) ?? last;
  all.set(hole, list);
  const others = [...all.values()].flat();
  for (const name of last) if (!others.includes(name)) node.classList.remove(name);
  node.classList.add(...list);
  if (!node.classList.length) node.removeAttribute('class');
};

/**
 * Shows or hides an element. In a drawing, where `hidden` has no meaning, it sets `display`.
 *
 * @param {any} node
 * @param {unknown} isShown
 */
export const setShown = (node, isShown) => {
  if (!('hidden' in node)) writeAttribute(node, 'display', isShown ? null : 'none');
  else if (node.hidden == !!isShown) node.hidden = !isShown;
};

/**
 * Notifies the module `controls` where a change of a node, or of its attribute, may change what a
 * control can hold.
 *
 * @param {Element | null} node
 * @param {string} [name]
 */
export const checkOptions = (node, name) => {
  if (/^(select|opt|input (type|m|step))/.test(node?.localName + ' ' + name)) core.formControls?.optionsChanged(/** @type {Element} */ (node));
};
