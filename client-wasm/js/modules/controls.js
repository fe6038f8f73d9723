// Form controls. A control shows the value of the state, unless an edit is newer than the last
// answer.
//
// A control with `live:model` is bound to a field: the engine keeps its edits, and decides what it
// shows. For any other control with a bound `value`, `checked` or `selected` this module tracks
// which edits an action has read, and its answer.

import {
  COMMAND_COMMIT, CONTROL_CHECKBOX, CONTROL_CHOICE, CONTROL_EDITABLE, CONTROL_RADIO, CONTROL_SELECT_MULTIPLE, MODEL_BLUR,
  MODEL_CHANGE, MODEL_INPUT, MODEL_NUMBER, MODEL_SEND, MODEL_TRIM, PLACE_MODEL, VALUE_FORCED, VALUE_LIST, VALUE_NULL,
  VALUE_TEXT, VALUE_TRUTHY, VALUE_TYPE,
} from '../codes.js';
import { formFields, groupOf, isSameNumber, selectOptions, writeText } from '../control-dom.js';
import { fingerprint, isTouched, readValue, recordLoaded } from '../control-value.js';
import { commonEnds } from '../text.js';

// How far the edit of a control without a field is: not sent, before an action that did not read
// it, read by an action.
const TYPED = 1, PASSED = 2, READ = 3;

// `COMMAND_COMMIT` with this argument sends the edit even while the one before is unanswered.
const AT_ONCE = -1;

// Types that are checked, and those whose value is the attribute alone.
const CHECKED = /^(checkbox|radio)$/, FIXED = /^(hidden|checkbox|radio|submit|button|reset|image|file)$/;

/** @type {Module} */
export default core => {
  const { nodes, holeNodes, blocks } = core;

  /** @type {WeakMap<any, ControlState>} */
  const states = new WeakMap();
  /** @param {any} node @returns {ControlState} */
  const stateOf = node => {
    const state = states.get(node) ?? { editCount: 0, firstBlock: blocks[0] };
    states.set(node, state);
    return state;
  };
  // Controls without a field that have an edit.
  const edited = new Set();
  // Controls to be updated when all their attributes and options are set.
  let due = new Set();
  // Controls that had an edit before the engine was loaded.
  /** @type {any[]} */
  let typed = [];

  /**
   * Returns what a control has, as the value of its field.
   *
   * @param {any} node
   * @param {number | undefined} control
   * @param {number} bits
   */
  const fieldValue = (node, control, bits) => {
    if (control == CONTROL_CHECKBOX || control == CONTROL_SELECT_MULTIPLE) return readValue(node);
    let text = node.value;
    if (bits & MODEL_TRIM) text = text.trim();
    if (!(bits & MODEL_NUMBER)) return text;
    // A text that JavaScript would print otherwise is sent as it is: the server reads every digit.
    return text === '' ? null : '' + +text === text ? +text : text;
  };

  /**
   * Returns the JSON of a list with its texts as attributes have them: without NUL.
   *
   * @param {string} list
   */
  const shownItems = list => JSON.stringify(JSON.parse(list), (_, item) => (item?.replace ? core.toText(VALUE_TEXT, item) : item));

  /**
   * Stores what a control is to show: whether it is checked, or its value. Returns whether that has
   * changed.
   *
   * @param {any} node
   * @param {boolean} isChecked
   * @param {number} kind
   * @param {string} value
   */
  const store = (node, isChecked, kind, value) => {
    /** @type {any} */
    const state = stateOf(node);
    const key = isChecked ? /* @__KEY__ */ 'isOn' : /* @__KEY__ */ 'wanted', last = state[key], type = kind & VALUE_TYPE, text = core.toText(kind, value);
    const { options } = node, isList = options || state.controlKind == CONTROL_CHOICE;
    state[key] = isChecked ? !!(kind & VALUE_TRUTHY)
      : isList ? (type == VALUE_LIST ? shownItems(value) : JSON.stringify(options ? [text] : []))
        : type == VALUE_NULL ? null : text;
    return state[key] !== last;
  };

  /**
   * Marks a control whose value is refused, or removes the mark.
   *
   * @param {any} node
   * @param {boolean} [isInvalid]
   */
  const setInvalid = (node, isInvalid) => {
    const state = stateOf(node);
    if (isInvalid) node.setAttribute('aria-invalid', 'true');
    else if (state.isInvalid) node.removeAttribute('aria-invalid');
    state.isInvalid = isInvalid;
  };

  /**
   * Updates a control to the stored value. While text is being composed, the update waits.
   *
   * @param {any} node
   */
  const update = node => {
    const state = stateOf(node), { controlKind, wanted } = state;
    let { isOn } = state;
    // A refused value stays, unless the field forces the server's.
    if (state.editStage || (state.isInvalid && !state.isForced)) return;
    setInvalid(node);
    if (node.options) {
      if (wanted !== undefined) {
        const selected = JSON.parse(/** @type {any} */ (wanted));
        selectOptions(node, option => selected.includes(option.value));
      } else if (isOn || !state.isOwn) selectOptions(node);
    } else {
      if (controlKind == CONTROL_RADIO) isOn = node.value === (wanted ?? '');
      else if (controlKind == CONTROL_CHOICE) isOn = JSON.parse(/** @type {any} */ (wanted)).includes(node.value);
      else if (FIXED.test(node.type)) {
        if (wanted !== undefined) core.writeAttribute(node, 'value', wanted);
      } else if (wanted !== undefined) {
        if (state.hasComposition || (node.validity.badInput && !state.isForced)) return;
        writeText(node, wanted ?? '', state.caret);
        if (node.type != 'textarea') core.writeAttribute(node, 'value', wanted);
        else if (node.defaultValue !== wanted) node.defaultValue = wanted ?? '';
        // The steps of a range begin at its default.
        if (node.type == 'range') node.value = wanted ?? '';
      }
      if (isOn !== undefined) node.checked = node.defaultChecked = isOn;
    }
    state.lastText = node.value;
    // It did not come with the page.
    node.$loaded ??= fingerprint(node);
  };

  /**
   * Stores where the user has changed the text of a control: the caret is behind the change.
   *
   * @param {any} node
   */
  const recordCaret = node => {
    const state = stateOf(node), text = node.value;
    const [, end] = commonEnds(state.lastText ?? '', text);
    state.caret = text.length - end;
    state.lastText = text;
  };

  /**
   * Returns the hole of a control with a field, and its root.
   *
   * @param {any} node
   * @returns {[hole: Hole, root: any] | undefined}
   */
  const findHole = node => {
    for (let root = node; root; root = root.parentElement) {
      if (!root.$root) continue;
      const hole = blocks[root.$block].holes.find(([place], at) => place == PLACE_MODEL && holeNodes[root.$root][at] === node);
      if (hole) return [hole, root];
      if (root.localName == 'live-component') return;
    }
  };

  /**
   * Returns the property of a control as the engine names it: a field, or a path as JSON with the
   * keys of rows.
   *
   * @param {any} node
   * @param {any} field
   * @returns {string}
   */
  const propertyOf = (node, field) =>
    field.map ? `[${field.map((/** @type {any} */ step) => stateOf(node).pathKeys?.[step] ?? JSON.stringify(step))}]` : field;

  /**
   * Calls back for the controls of a component's property.
   *
   * @param {number} view
   * @param {string} property
   * @param {(node: any) => void} found
   */
  const eachControl = (view, property, found) => {
    for (const root of nodes) if (root?.$root && root.$view === view) blocks[root.$block].holes.forEach(([place, , , field], at) => {
      const node = holeNodes[root.$root][at];
      if (place == PLACE_MODEL && propertyOf(node, field) == property) found(node);
    });
  };

  /**
   * Returns the list of several checkboxes after an edit of one: items without a checkbox stay, and
   * so does the order.
   *
   * @param {any} node
   * @param {number} view
   * @param {string} property
   */
  const checkedItems = (node, view, property) => {
    let list = JSON.parse(/** @type {any} */ (stateOf(node).wanted));
    eachControl(view, property, box => {
      if (stateOf(box).controlKind != CONTROL_CHOICE) return;
      setInvalid(box);
      const item = box.value, isOn = (item === node.value ? node : box).checked;
      if (!isOn) list = list.filter((/** @type {string} */ other) => other !== item);
      else if (!list.includes(item)) list.push(item);
    });
    return list;
  };

  /** Whether the state determines what a control without a field shows. @param {any} node */
  const isBound = node => {
    const { isOn, wanted } = stateOf(node);
    return (CHECKED.test(node.type) ? isOn : wanted ?? isOn) !== undefined;
  };

  /**
   * Handles the input, change or blur of a control.
   *
   * @param {any} node
   * @param {number} moment MODEL_INPUT, MODEL_CHANGE or MODEL_BLUR.
   */
  const handleEdit = (node, moment) => {
    const found = findHole(node), state = stateOf(node);
    state.isOwn = true;
    if (!found) {
      if (moment != MODEL_INPUT || !isBound(node)) return;
      recordCaret(node);
      state.editCount++;
      // A click precedes the input that it causes: its action has read the new value.
      const reader = CHECKED.test(node.type) && state.clickedBy;
      state.olderRoot = state.actionRoot || state.olderRoot;
      [state.editStage, state.actionRoot] = reader ? [READ, reader] : [TYPED, 0];
      state.clickedBy = undefined;
      state.hasMoved = false;
      edited.add(node);
      return;
    }
    // An editable element without its module has no value.
    if (!node.validity) return;
    const [hole, root] = found, [, , , field, bits, debounceMs] = hole, { controlKind } = state, property = propertyOf(node, field);
    const commit = () => root.$root && core.sendCommit(root.$view, property);
    if (moment == MODEL_INPUT) {
      if (state.hasComposition) return;
      const isBad = node.validity.badInput;
      recordCaret(node);
      setInvalid(node, isBad);
      const value = isBad ? null : controlKind == CONTROL_CHOICE ? checkedItems(node, root.$view, property) : fieldValue(node, controlKind, bits);
      if (controlKind == CONTROL_RADIO && !node.checked) return;
      if (value?.map) state.wanted = JSON.stringify(value);
      else store(node, controlKind == CONTROL_CHECKBOX, value === null ? VALUE_NULL : value ? VALUE_TEXT | VALUE_TRUTHY : VALUE_TEXT, '' + value);
      core.sendEdit(root.$view, property, JSON.stringify(value));
      if ((bits & MODEL_SEND) != MODEL_INPUT) return;
      if (debounceMs && core.delayCall) core.delayCall(node, hole, debounceMs - 1, commit);
      else commit();
    } else {
      // Of a choice each input is a change too.
      const isDelayed = (moment > MODEL_CHANGE || !(node.options || CHECKED.test(node.type))) && core.cancelCall?.(node, hole);
      if (isDelayed || (bits & MODEL_SEND) == moment || (moment == MODEL_BLUR && (bits & MODEL_SEND) == MODEL_CHANGE)) commit();
    }
  };

  core.formControls = {
    controlStates: states, editedControls: edited, formFields, handleEdit, isBound,
    commitEdit(node) {
      const found = findHole(node);
      if (!found) return;
      const [[, , , field], root] = found;
      core.runCommand(COMMAND_COMMIT, root.$view, AT_ONCE, 0, propertyOf(node, field));
    },
    boundProperty(node) {
      const { boundField } = stateOf(node);
      return boundField && propertyOf(node, boundField);
    },
    setField(node, control, field, force, kind, value) {
      const state = stateOf(node), isFirst = state.controlKind === undefined;
      // A checkbox with a `value` is one of several where the field is a list, or null.
      const type = kind & VALUE_TYPE;
      state.controlKind = control == CONTROL_CHOICE && type != VALUE_NULL && type != VALUE_LIST ? CONTROL_CHECKBOX : control;
      state.boundField = field;
      state.isForced = force;
      if (control == CONTROL_EDITABLE && !node.validity) core.makeEditable?.(node);
      const hasChanged = store(node, state.controlKind == CONTROL_CHECKBOX, kind, value);
      if (!node.validity) {
        // An editable element without its module cannot be edited, but shows the value of the
        // state.
        if (hasChanged && !(isFirst && node.firstChild)) node.textContent = state.wanted ?? '';
        // What was typed before the engine was loaded counts as an edit.
      } else if (isFirst && isTouched(node)) {
        state.isEarly = true;
        typed.push(node);
      } else if (hasChanged) due.add(node);
    },
    // The key stays text, because a number may have more digits than a double.
    setPathKey(node, at, json) {
      (stateOf(node).pathKeys ??= {})[at] = json.slice('{"id":'.length, -1);
    },
    setControlProperty(node, name, kind, value) {
      let hasChanged, state = stateOf(node);
      const isTruthy = !!(kind & VALUE_TRUTHY);
      if (/^[moi]/.test(name)) {
        // `muted`, `open` and `indeterminate`: the last value that was set decides whether there is
        // anything to do.
        const last = /** @type {any} */ (state)[name] ?? node[name];
        /** @type {any} */ (state)[name] = isTruthy;
        // Of these only `muted` does not set its attribute by itself, where it has one.
        if (last !== isTruthy || (kind & VALUE_FORCED && state.wasRead)) node[name] = node.defaultMuted = isTruthy;
        if (kind & VALUE_FORCED) state.wasRead = false;
        return;
      }
      if (name == 'selected') {
        hasChanged = node.defaultSelected != isTruthy;
        node.defaultSelected = isTruthy;
        kind = VALUE_TRUTHY;
        if (!(node = node.closest('select'))) return;
      }
      state = stateOf(node);
      if (name == 'value' && FIXED.test(node.type)) {
        core.writeAttribute(node, name, kind & VALUE_TYPE ? core.toText(kind, value) : null);
        due.add(node);
        // Which of several is selected does not depend on its own value.
        if (state.controlKind) return;
      }
      const isChecked = name != 'value', isFirst = (isChecked ? state.isOn : state.wanted) === undefined;
      hasChanged = store(node, isChecked, kind, value) || hasChanged;
      if (core.isFiring) {
        // An event of the visitor changes it.
        state.editStage = 0;
        edited.delete(node);
      } else if (isFirst) {
        if (name != 'checked' && !FIXED.test(node.type) && isTouched(node)) {
          state.editStage = TYPED;
          edited.add(node);
        }
      } else if (hasChanged && !state.olderRoot) state.hasMoved = true;
      due.add(node);
    },
    optionsChanged(node) {
      due.add(node.closest('select') ?? node);
    },
    refuseEdit(view, kind, property, value) {
      eachControl(view, property, node => {
        store(node, stateOf(node).controlKind == CONTROL_CHECKBOX, kind, value);
        setInvalid(node, true);
      });
    },
    showDue() {
      const now = due;
      due = new Set();
      for (const node of now) update(node);
    },
    takeTyped(isMisplaced) {
      const now = typed;
      typed = [];
      for (const node of now) if (!isMisplaced(node)) {
        stateOf(node).isEarly = false;
        handleEdit(node, MODEL_INPUT);
      }
    },
    // A choice counts as read in any case.
    readEdits(node, isValueRead, form) {
      const isRead = isValueRead || 'open' in node || 'muted' in node || /^(checkbox|radio|select)/.test(node.type);
      return new Map([...(form ? form.elements : []), ...(isRead ? [node] : [])].map(node => [node, stateOf(node).editCount]));
    },
    actionSent({ $root, $view }, reads) {
      for (const node of reads.keys()) {
        const state = stateOf(node);
        state.wasRead = true;
        if (state.clickedBy == 0) state.clickedBy = $root;
      }
      for (const node of edited) {
        const state = stateOf(node);
        if (!node.isConnected) edited.delete(node);
        else if (reads.get(node) == state.editCount) [state.editStage, state.actionRoot] = [READ, $root];
        else if (state.editStage != READ && node.closest('live-component')?.$slot == $view) {
          if (state.editStage == TYPED) state.hasMoved = false;
          [state.editStage, state.actionRoot] = [PASSED, $root];
        }
      }
    },
    actionAnswered(root, isOk) {
      for (const node of edited) {
        const state = stateOf(node);
        if (state.olderRoot == root) state.olderRoot = 0;
        if (state.actionRoot != root) continue;
        state.actionRoot = 0;
        state.editStage = isOk && (state.editStage == READ || state.hasMoved) ? 0 : TYPED;
        if (state.editStage) continue;
        edited.delete(node);
        for (const other of groupOf(node)) due.add(other);
      }
    },
  };

  /**
   * Listens before the listeners of the document.
   *
   * @param {string} type
   * @param {(node: any) => void} act
   */
  const on = (type, act) => addEventListener(type, event => act(event.composedPath()[0]), true);
  on('click', node => { if (CHECKED.test(node.type)) stateOf(node).clickedBy = 0; });
  on('input', node => {
    stateOf(node).hasInput = true;
    handleEdit(node, MODEL_INPUT);
  });
  // Some autofill is a change without an input.
  on('change', node => {
    const state = stateOf(node);
    if (CHECKED.test(node.type) ? !state.hasInput : node.value !== state.lastText) handleEdit(node, MODEL_INPUT);
    state.hasInput = false;
    handleEdit(node, MODEL_CHANGE);
  });
  on('focusout', node => {
    const state = stateOf(node);
    if (state.hasComposition) {
      state.hasComposition = false;
      handleEdit(node, MODEL_INPUT);
    }
    handleEdit(node, MODEL_BLUR);
    if (isSameNumber(node, state.wanted)) update(node);
  });
  on('compositionstart', node => { stateOf(node).hasComposition = true; });
  on('compositionend', node => {
    stateOf(node).hasComposition = false;
    handleEdit(node, MODEL_INPUT);
  });
  on('reset', form => setTimeout(() => {
    for (const node of form.elements ?? []) {
      if (findHole(node)) handleEdit(node, MODEL_INPUT);
      else if (edited.delete(node)) stateOf(node).editStage = 0;
    }
  }));

  recordLoaded();
  return true;
};
