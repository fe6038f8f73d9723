// Shows values in holes.

import {
  ATTRIBUTE_CLASS, ATTRIBUTE_PROPERTY, ATTRIBUTE_WORD, MODEL_FORCE, PLACE_AT_KEY, PLACE_ATTRIBUTE, PLACE_CHILD, PLACE_CLASS,
  PLACE_CONTENT, PLACE_HTML, PLACE_KEY, PLACE_MODEL, PLACE_SHARED, PLACE_SHOW, PLACE_STYLE, PLACE_TEXT, PLACE_WIRE,
  VALUE_FALSE, VALUE_TEXT, VALUE_TRUE, VALUE_TRUTHY, VALUE_TYPE,
} from '../codes.js';
import { core } from '../core.js';
import { commonEnds } from '../text.js';
import { bindAttribute, checkOptions, setClasses, setShown } from './attributes.js';
import { NOT_FOUND } from './walk.js';

/**
 * Returns a value as text; empty for lists and objects.
 *
 * @param {number} kind
 * @param {string} value
 */
export const toText = (kind, value) => ((kind & VALUE_TYPE) > VALUE_TEXT ? '' : value.replace(/\0/g, '\ufffd'));

/**
 * Shows a text. Its node is in the page once the text is not empty.
 *
 * @param {any} node
 * @param {string} value
 */
const setText = (node, value) => {
  const { $parent: parent, $before: before, data: old } = node;
  if (node.parentNode != parent) {
    if (before && before.parentNode != parent) throw NOT_FOUND;
    let next;
    // A translator puts elements of its own in the place of the text.
    while ((next = before ? before.nextSibling : parent.firstChild)?.localName == 'font') next.remove();
    if (value) parent.insertBefore(node, next);
  }
  if (old === value) return;
  // Only what differs is replaced, so that what the visitor has selected beside it stays selected.
  const [start, end] = commonEnds(old, value);
  node.replaceData(start, old.length - start - end, value.slice(start, value.length - end));
};

/**
 * Shows a value in a hole.
 *
 * @param {any} root
 * @param {Hole} hole
 * @param {number} at The position of the hole in its block.
 * @param {any} node The node of the hole.
 * @param {number} kind
 * @param {string} value
 */
export const setHole = (root, [place, , a, b, c], at, node, kind, value) => {
  // Foreign code has taken it out of the page.
  if (root.isConnected && !(place == PLACE_TEXT ? node.$parent : node).isConnected) throw NOT_FOUND;
  const type = kind & VALUE_TYPE, isTruthy = kind & VALUE_TRUTHY, isBool = type == VALUE_FALSE || type == VALUE_TRUE;
  const text = toText(kind, value);
  switch (place) {
    case PLACE_TEXT: setText(node, text); break;
    case PLACE_CONTENT:
      if (node.localName == 'textarea') core.formControls?.setControlProperty(node, 'value', kind, value);
      else if (node.textContent !== text) {
        node.textContent = text;
        checkOptions(node);
      }
      break;
    case PLACE_HTML: core.writeHtml?.(node, text); break;
    case PLACE_ATTRIBUTE:
      if (b == ATTRIBUTE_PROPERTY) core.formControls?.setControlProperty(node, a, kind, value);
      else if (b == ATTRIBUTE_CLASS) {
        // Before the first time these are the server's, of an older state perhaps.
        setClasses(node, at, isBool ? '' : text, [...node.classList]);
      } else if (b == ATTRIBUTE_WORD) bindAttribute(node, a, type ? text : null);
      // The others are a plain attribute (b is 0), a URL, a list of URLs and a route.
      else bindAttribute(node, a, type < VALUE_TRUE ? null : isBool ? '' : b ? (core.boundUrl?.(text, b, value) ?? 'about:invalid') : text);
      break;
    case PLACE_CLASS: setClasses(node, at, isTruthy ? a : '', [a]); break;
    case PLACE_STYLE: core.setStyle?.(node, at, a, text); break;
    case PLACE_SHOW: setShown(node, isTruthy); break;
    case PLACE_MODEL: core.formControls?.setField(node, a, b, c & MODEL_FORCE, kind, value); break;
    case PLACE_WIRE: core.showWireState?.(node, at, a, isTruthy, b, c); break;
    case PLACE_CHILD: core.showChild?.(node, a, value); break;
    // A number and its text are two keys.
    case PLACE_KEY: core.setChildKey?.(node, type + value); break;
    case PLACE_SHARED: core.setSharedProps?.(node, value); break;
    case PLACE_AT_KEY: core.formControls?.setPathKey(node, a, value); break;
  }
};
