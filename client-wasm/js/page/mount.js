// Mounts components.

import { COMMAND_MOUNT } from '../codes.js';
import { elements } from '../dom/nodes.js';
import { runCommand } from '../glue.js';
import { enqueue } from './commands.js';
import { Component } from './component.js';
import { componentOf, components } from './components.js';
import { takeId } from './ids.js';
import { fetchTemplate } from './templates.js';

/**
 * What a component is mounted with. Values are texts, as attributes have them: numbers keep their
 * digits.
 *
 * @typedef {object} Origin
 * @property {string} [id] The requested id.
 * @property {any} [parent] The element of the component around it.
 * @property {string} [name]
 * @property {string} [props] JSON.
 * @property {string} [payload] JSON of the message's payload; without it `name` and `props` are
 *   sent.
 * @property {string} [user] JSON of the user for whom the page was rendered.
 * @property {string} [seal] A seal has no characters that JSON escapes.
 * @property {string} [template] The hash of the template that the element was rendered by.
 * @property {string} [shape] JSON of the renderer's choices: the numbers of rows and the arms.
 * @property {string} [state] JSON of the state that the element was rendered from.
 * @property {string} [child] JSON of the place and the props that the parent's template gives a
 *   child.
 */

let lastSlot = 0;

/**
 * Mounts a component.
 *
 * @param {any} element Null for a component without one.
 * @param {Origin} origin
 */
export const mount = (element, origin) => {
  const slot = ++lastSlot, component = new Component(slot, element, takeId(origin.id), origin);
  components.set(slot, component);
  if (element) {
    elements.set(slot, element);
    element.$slot = slot;
    if (origin.template) fetchTemplate(origin.template);
  }
  enqueue(() => sendMount(component, origin.shape));
  return component;
};

/** Returns a text that is JSON, or null. @param {any} text */
const jsonOrNull = text => {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
};

/**
 * Passes a component to the engine, to be mounted. The values of its origin are sent unchanged.
 *
 * @param {Component} component
 * @param {string | null} [shape] Null to fill the element with a skeleton.
 */
export const sendMount = ({ id, mountOrigin: origin, element, slot }, shape = null) => {
  const payload = origin.payload || `{"component":${JSON.stringify(origin.name)},"props":${origin.props || '{}'}}`;
  runCommand(COMMAND_MOUNT, slot, element ? 1 : 0, 0, payload, `["${id}",${shape},${jsonOrNull(origin.user)},"${origin.template}",${shape && jsonOrNull(origin.state)}]`);
};

/**
 * Returns the payload that mounts a child: its parent, and the place and props from the parent's
 * template.
 *
 * @param {any} parent
 * @param {string} child
 * @param {string} [seal]
 */
export const childPayload = (parent, child, seal = '') =>
  `{${seal && `"seal":"${seal}",`}"parent":"${componentOf(parent)?.id}",` + child.slice(1);
