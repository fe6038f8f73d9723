// Writes to form controls and reads forms, as a browser does when it parses or submits them.

import { commonEnds } from './text.js';

/**
 * Selects options as a browser does when it parses the same HTML.
 *
 * @param {any} select
 * @param {(option: any) => boolean} [isSelected]
 */
export const selectOptions = (select, isSelected) => {
  const options = [...select.options];
  if (isSelected) for (const option of options) option.defaultSelected = isSelected(option);
  if (select.multiple) for (const option of options) option.selected = option.defaultSelected;
  else {
    let at = options.findLastIndex(option => option.defaultSelected);
    if (at < 0 && select.size < 2) at = options.findIndex(option => !option.disabled && !option.parentNode.disabled);
    if (select.selectedIndex != at) select.selectedIndex = at;
  }
};

/** Whether an input contains the same number. @param {any} node @param {any} value */
export const isSameNumber = (node, value) => node.localName == 'input' && node.value.trim() && value?.trim() && +node.value == +value;

/**
 * Writes a text. Only what differs is replaced. The selection outside of that is kept; inside it
 * keeps its distance from the start.
 *
 * @param {any} node
 * @param {string} value
 * @param {number} [caret]
 */
export const writeText = (node, value, caret) => {
  const old = node.value;
  if (old === value && !node.validity.badInput) return;
  // A number that is being typed is kept: 1.0 is on the way to 1.05.
  if (isSameNumber(node, value) && (node.type == 'number' || node == document.activeElement)) return;
  const { type, selectionStart, selectionEnd, selectionDirection } = node;
  // Types without a selection have one while they are texts. The last edit has the position of
  // the caret.
  const hasNoSelection = selectionStart == null;
  if (node !== document.activeElement || (hasNoSelection && type != 'email' && type != 'number')) node.value = value;
  else {
    const [start, end] = commonEnds(old, value), oldEnd = old.length - end, newEnd = value.length - end;
    const move = (/** @type {number} */ at) => (at < oldEnd ? Math.min(at, newEnd) : at + newEnd - oldEnd);
    if (hasNoSelection) node.type = 'text';
    node.setRangeText(value.slice(start, newEnd), start, oldEnd, 'preserve');
    node.setSelectionRange(move(selectionStart ?? caret ?? oldEnd), move(selectionEnd ?? caret ?? oldEnd), selectionDirection || 'none');
    if (hasNoSelection) node.type = type;
  }
};

/** Returns a control, and of radio buttons all that it unchecks. @param {any} node */
export const groupOf = node => (node.type == 'radio'
  ? [...node.getRootNode().querySelectorAll('[type=radio]')].filter(other => other.name == node.name && other.form == node.form) : [node]);

/**
 * Returns what a form would send, without files. A name of several controls has a list.
 *
 * @param {any} form
 * @param {any} submitter
 */
export const formFields = (form, submitter) => {
  /** @type {any} */
  const values = { __proto__: null };
  if (!form) return values;
  // Several choices are a list, however many of them are selected.
  const boxes = new Set();
  for (const { name, type } of form.elements) {
    const isBox = type == 'checkbox';
    if (name && (type == 'select-multiple' || (isBox && boxes.has(name)))) values[name] = [];
    if (isBox) boxes.add(name);
  }
  let data;
  try { data = new FormData(form, submitter); } catch { data = new FormData(form); }
  for (const [name, text] of data) {
    // `live:form` is the sealed state that the form has without JavaScript.
    if (typeof text != 'string' || name == 'live:form') continue;
    values[name] = name in values ? [].concat(values[name], /** @type {any} */ (text)) : text;
  }
  return values;
};
