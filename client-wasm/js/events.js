// Handles events of the page: finds the listeners of templates and sends what they read to the
// engine.

import {
  EVENT_CONFIRM, EVENT_ONCE, EVENT_OUTSIDE, EVENT_PREVENT, EVENT_READS_CHECKED, EVENT_READS_EVENT, EVENT_READS_FORM, EVENT_READS_VALUE,
  EVENT_SELF, EVENT_STOP, EVENT_WINDOW, HELD_ALT, HELD_META, HELD_SHIFT,
} from './codes.js';
import { core } from './core.js';
import { blocks, holeNodes } from './dom/nodes.js';

/** The code of a key that an input method handles. */
const INPUT_METHOD_KEY = 229;
const ELEMENT_NODE = 1;

/**
 * Listens on the document to a type of event, once: the listener is always the same function.
 *
 * @param {string} type
 */
export const listenTo = type => document.addEventListener(type, /** @type {any} */ (handleEvent), true);

/**
 * Calls back for each listener of a root.
 *
 * @param {any} root
 * @param {string} type
 * @param {number} target EVENT_WINDOW, EVENT_OUTSIDE, or 0 for the element itself.
 * @param {(listener: Listener, element: any) => void} found
 */
export const eachListener = (root, type, target, found) => {
  if (!root.isConnected) return;
  for (const listener of blocks[root.$block].listeners) {
    if (listener.eventType != type || (listener.bits & (EVENT_WINDOW | EVENT_OUTSIDE)) != target) continue;
    found(listener, holeNodes[root.$root][listener.holeAt]);
  }
};

/**
 * Runs the listeners of an event, innermost first. Returns whether there was one.
 *
 * @param {any} event
 * @param {any[]} [path]
 */
export const handleEvent = (event, path = event.composedPath()) => {
  const { type } = event;
  /** @type {FoundListener[]} */
  const found = [];
  for (const root of path) {
    if (root.$root) eachListener(root, type, 0, (listener, element) => {
      const depth = path.indexOf(element);
      if (depth == 0 || (depth > 0 && event.bubbles)) found.push([depth, listener, root, element]);
    });
  }
  found.sort(([one], [other]) => one - other);
  // Collected before a listener runs: elements that the event itself creates or shows were not
  // there to be missed.
  const { length } = found;
  core.addOutside?.(event, path, found);
  if (type == 'submit') core.flushCalls?.(path[0]);
  for (const [, listener, root, element] of found) {
    if (runListener(event, listener, root, element, path[0]) && listener.bits & EVENT_STOP) break;
  }
  return length > 0;
};

/**
 * Runs a listener, if the event is one that it takes. Returns whether it is.
 *
 * @param {any} event
 * @param {Listener} listener
 * @param {any} root
 * @param {any} element
 * @param {any} target
 */
export const runListener = (event, listener, root, element, target) => {
  const { bits, heldKeys, debounceMs, throttleMs, keyNames } = listener;
  if (bits & EVENT_SELF && target !== element) return false;
  // With a modifier key held down the browser opens a link elsewhere.
  if (bits & EVENT_PREVENT && !heldKeys && event.type == 'click' && (event.ctrlKey || event.metaKey || event.shiftKey) && element.href) return false;
  // Safari ends a composition before the Enter that ends it.
  if (keyNames[0] && (event.isComposing || event.keyCode == INPUT_METHOD_KEY ||
    !keyNames.some(name => name.toLowerCase() == (event.key || '').toLowerCase()))) return false;
  if (heldKeys && heldKeys != (event.ctrlKey | (event.shiftKey << HELD_SHIFT) | (event.altKey << HELD_ALT) | (event.metaKey << HELD_META))) return false;
  if (bits & EVENT_ONCE) {
    const done = (element.$onceDone ??= new Set());
    if (done.has(listener)) return false;
    done.add(listener);
  }
  if (bits & EVENT_PREVENT) event.preventDefault();
  const [payload, reads] = readPayload(event, bits, element, target);
  const fire = () => {
    if (root.$root && root.isConnected) core.sendEvent(root, listener.eventAddress, JSON.stringify(payload), reads);
  };
  const run = () => {
    // Delays have one millisecond added: 0 is none.
    if (debounceMs && core.delayCall) core.delayCall(element, listener, debounceMs - 1, fire);
    else if (throttleMs && core.throttleCall) core.throttleCall(element, listener, fire);
    else fire();
  };
  // Nothing is sent without the module.
  if (bits & EVENT_CONFIRM) Promise.resolve(core.loadModule('confirm')).then(() => core.askFirst?.(event, element, listener, run));
  else run();
  return true;
};

/**
 * Returns the values that the expressions of a listener read, and the edits among them.
 *
 * @param {any} event
 * @param {number} bits
 * @param {any} element
 * @param {any} target
 * @returns {[payload: object, reads: any]}
 */
const readPayload = (event, bits, element, target) => {
  const from = target.nodeType == ELEMENT_NODE && 'value' in target && element.contains(target) ? target : element;
  const form = (bits & EVENT_READS_FORM || event.type == 'submit') && (from.form || from.closest?.('form') || element.querySelector?.('form'));
  /** @type {any} */
  const payload = {};
  if (bits & EVENT_READS_VALUE) {
    payload.value = from.multiple && from.selectedOptions ? Array.from(from.selectedOptions, option => option.value) : (from.value ?? null);
  }
  if (bits & EVENT_READS_CHECKED) payload.checked = !!from.checked;
  if (bits & EVENT_READS_FORM) payload.form = core.formControls?.formFields(form, event.submitter) || {};
  if (bits & EVENT_READS_EVENT) payload.event = core.describeEvent?.(event);
  return [payload, core.formControls?.readEdits(from, bits & (EVENT_READS_VALUE | EVENT_READS_CHECKED), form)];
};

document.addEventListener('focusout', event => core.flushCalls?.(event.composedPath()[0]), true);
