// Form controls. A control shows what the server says of it, unless an edit is newer than the last answer.
//
// A control with `live:model` is tied to a field: the engine keeps its edits, and says what it shows. Any other control
// with a bound `value`, `checked` or `selected` is followed here: which edits an action has read, and its answer.

import { common } from '../text.js';
import { COMMIT } from '../turns.js';
import { content, note, touched } from '../values.js';

// Kinds of controls with a field.
const CHECKBOX = 2, RADIO = 3, MULTIPLE = 5, CHOICE = 6, EDITABLE = 7;

// How far an edit of a control without a field is: not sent, before an action that did not read it, read by an action.
const TYPED = 1, PASSED = 2, READ = 3;

/**
 * What is known of a control, and of the root of a row that controls are in.
 *
 * @typedef {object} State
 * @property {number} count How many edits there were.
 * @property {object} engine The first block of the engine that it belongs to: after a fault another one is started.
 * @property {number} [control] The kind of a control with a field.
 * @property {string | string[]} [field] Its field, or the path of its property, where numbers stand for keys of rows.
 * @property {object} [keys] The keys in that path by their numbers, and of the root of a row its own key (`row`), as JSON.
 * @property {string | null} [wanted] The value to show; of a select and of one of several checkboxes a JSON list.
 * @property {boolean} [on] Whether it is to be checked; of a select, that its options say what is selected.
 * @property {number} [force] Not 0 where the server's value shows even if what is typed was refused.
 * @property {boolean} [early] Whether something was typed before the engine was here that is no edit yet.
 * @property {number} [edit] How far its edit is, without a field: TYPED, PASSED or READ; 0 where the server's value counts.
 * @property {number} [by] The number of the root whose action passed or read its edit and is unanswered.
 * @property {number} [older] The same of an edit before this one: what its answer changes is older than this edit.
 * @property {boolean} [moved] Whether the server wanted something else since an action passed the edit.
 * @property {number} [clicked] While it is clicked: the number of the root whose action that called, or 0.
 * @property {boolean} [hasInput] Whether an input event came since the last change event.
 * @property {boolean} [own] Whether the visitor chose in a select that is not bound.
 * @property {boolean} [composing] Whether an input method composes text in it.
 * @property {boolean} [invalid] Whether it holds what cannot be taken.
 * @property {boolean} [asked] Whether an action came of its event since its `muted` or `open` was set.
 * @property {string} [last] The text that it had after the last edit or answer.
 * @property {number} [caret] Where the last edit ended.
 */

// Types that are checked, and where the attribute is all there is of the value.
const CHECKED = /^(checkbox|radio)$/, FIXED = /^(hidden|checkbox|radio|submit|button|reset|image|file)$/;

export default core => {
  const { nodes, spots, templates } = core;

  /** @type {WeakMap<Element, State>} */
  const states = new WeakMap();
  const of = node => states.get(node) ?? states.set(node, { count: 0, engine: templates[0] }).get(node);
  // Controls without a field that are edited.
  const edits = new Set();
  // Controls to be shown when all their attributes and options are set, and those with something typed before.
  let due = new Set(), typed = [];

  // What a control holds, as the value of its field. Bits of `flags`: 4 trim, 8 number.
  const read = (node, control, flags) => {
    if (control == CHECKBOX || control == MULTIPLE) return content(node);
    let text = node.value;
    if (flags & 4) text = text.trim();
    if (!(flags & 8)) return text;
    // A text that is not as JavaScript prints its number goes as it is: the server reads every digit.
    return text === '' ? null : '' + +text === text ? +text : text;
  };

  // Notes what a control is to show: whether it is checked, or its value. Returns whether that is another than before.
  const say = (node, checks, kind, value) => {
    const state = of(node), name = checks ? 'on' : 'wanted', last = state[name], text = core.plain(kind, value);
    const { options } = node, list = options || state.control == CHOICE;
    state[name] = checks ? !!(kind & 8) : list ? ((kind & 7) == 4 ? value : JSON.stringify(options ? [text] : [])) : kind & 7 ? text : null;
    return state[name] !== last;
  };

  // Marks a control whose value cannot be taken.
  const invalid = (node, on) => {
    const state = of(node);
    if (on) node.setAttribute('aria-invalid', 'true');
    else if (state.invalid) node.removeAttribute('aria-invalid');
    state.invalid = on;
  };

  // Chooses as a browser does when it reads the same HTML.
  const choose = (select, fits) => {
    const options = [...select.options];
    if (fits) for (const option of options) option.defaultSelected = fits(option);
    if (select.multiple) for (const option of options) option.selected = option.defaultSelected;
    else {
      let at = options.findLastIndex(option => option.defaultSelected);
      if (at < 0 && select.size < 2) at = options.findIndex(option => !option.disabled && !option.parentNode.disabled);
      if (select.selectedIndex != at) select.selectedIndex = at;
    }
  };

  // Whether what is in an input is the same number.
  const isSame = (node, value) => node.localName == 'input' && node.value.trim() && value?.trim() && +node.value == +value;

  // Shows a text. Only what differs is replaced. What is selected stays so; within what is replaced it is as far from its
  // beginning.
  const write = (node, value, caret) => {
    const old = node.value;
    if (old === value && !node.validity.badInput) return;
    // A number stays as it is being typed: 1.0 is on the way to 1.05.
    if (isSame(node, value) && (node.type == 'number' || node == document.activeElement)) return;
    const { type, selectionStart, selectionEnd, selectionDirection } = node;
    // Types without a selection have one for as long as they are texts. Where the caret was is known by the last edit.
    const blind = selectionStart == null;
    if (node !== document.activeElement || (blind && type != 'email' && type != 'number')) node.value = value;
    else {
      const [a, z] = common(old, value), end = old.length - z, moved = value.length - old.length;
      const place = at => (at < end ? Math.min(at, value.length - z) : at + moved);
      if (blind) node.type = 'text';
      node.setRangeText(value.slice(a, value.length - z), a, end, 'preserve');
      node.setSelectionRange(place(selectionStart ?? caret ?? end), place(selectionEnd ?? caret ?? end), selectionDirection || 'none');
      if (blind) node.type = type;
    }
  };

  // Shows in a control what is wanted. While text is being composed, that waits.
  const show = node => {
    const state = of(node), { control, wanted } = state;
    let { on } = state;
    // What is refused stays, unless it is forced out.
    if (state.edit || (state.invalid && !state.force)) return;
    invalid(node);
    if (node.options) {
      if (wanted !== undefined) {
        const chosen = JSON.parse(wanted);
        choose(node, option => chosen.includes(option.value));
      } else if (on || !state.own) choose(node);
    } else {
      if (control == RADIO) on = node.value === (wanted ?? '');
      else if (control == CHOICE) on = JSON.parse(wanted).includes(node.value);
      else if (FIXED.test(node.type)) {
        if (wanted !== undefined) core.write(node, 'value', wanted);
      } else if (wanted !== undefined) {
        if (state.composing || (node.validity.badInput && !state.force)) return;
        write(node, wanted ?? '', state.caret);
        if (node.type != 'textarea') core.write(node, 'value', wanted);
        else if (node.defaultValue !== wanted) node.defaultValue = wanted ?? '';
        // The steps of a range begin at its default.
        if (node.type == 'range') node.value = wanted ?? '';
      }
      if (on !== undefined) node.checked = node.defaultChecked = on;
    }
    state.last = node.value;
  };

  // The control, and of radio buttons all that it unchecks.
  const group = node => (node.type == 'radio'
    ? [...node.getRootNode().querySelectorAll('[type=radio]')].filter(other => other.name == node.name && other.form == node.form) : [node]);

  // The user has changed what is in a control: the caret is behind the change.
  const changed = node => {
    const state = of(node), text = node.value;
    state.caret = text.length - common(state.last ?? '', text)[1];
    state.last = text;
  };

  // The hole of a control with a field, and the root it belongs to.
  const find = node => {
    for (let root = node; root; root = root.parentElement) {
      if (!root.$i) continue;
      const hole = templates[root.$b].holes.find((hole, at) => hole[0] == 9 && spots[root.$i][at] === node);
      if (hole) return [hole, root];
      if (root.localName == 'live-component') return;
    }
  };

  // The property of a control as the engine names it: a field, or a path in JSON, where numbers stand for keys of rows.
  const property = (node, field) => field.map ? `[${field.map(step => of(node).keys?.[step] ?? JSON.stringify(step))}]` : field;

  // Calls back for the controls of a component's property.
  const each = (slot, name, found) => {
    for (const root of nodes) if (root?.$i && root.$y === slot) templates[root.$b].holes.forEach((hole, at) => {
      const node = spots[root.$i][at];
      if (hole[0] == 9 && property(node, hole[3]) == name) found(node);
    });
  };

  // The list of several checkboxes, one of which was edited: the items that have no box stay, and so does the order.
  const ticked = (node, slot, name) => {
    let list = JSON.parse(of(node).wanted);
    each(slot, name, box => {
      if (of(box).control != CHOICE) return;
      invalid(box);
      const item = box.value, on = (item === node.value ? node : box).checked;
      if (!on) list = list.filter(other => other !== item);
      else if (!list.includes(item)) list.push(item);
    });
    return list;
  };

  // Whether the state says what a control without a field shows.
  const isBound = node => {
    const { on, wanted } = of(node);
    return (CHECKED.test(node.type) ? on : wanted ?? on) !== undefined;
  };

  // The control was edited (moment 0), changed (1) or left (2).
  const edit = (node, moment) => {
    const found = find(node), state = of(node);
    if (!found) {
      state.own = true;
      if (moment || !isBound(node)) return;
      changed(node);
      state.count++;
      // A click comes before the input that it makes: its action has read what is there now.
      const by = CHECKED.test(node.type) && state.clicked;
      state.older = state.by || state.older;
      [state.edit, state.by] = by ? [READ, by] : [TYPED, 0];
      state.clicked = undefined;
      state.moved = false;
      edits.add(node);
      return;
    }
    // Without its module it has no value.
    if (!node.validity) return;
    const [hole, root] = found, [, , , field, flags, debounce] = hole, { control } = state, name = property(node, field);
    const commit = () => root.$i && core.to.commit(root.$y, name);
    if (moment == 0) {
      if (state.composing) return;
      const bad = node.validity.badInput;
      changed(node);
      invalid(node, bad);
      const edited = bad ? null : control == CHOICE ? ticked(node, root.$y, name) : read(node, control, flags);
      if (control == RADIO && !node.checked) return;
      if (edited?.map) state.wanted = JSON.stringify(edited);
      else say(node, control == CHECKBOX, edited === null ? 0 : edited ? 11 : 3, '' + edited);
      core.to.edit(root.$y, name, JSON.stringify(edited));
      if ((flags & 3) != 0) return;
      if (debounce && core.pause) core.pause(node, hole, debounce - 1, commit);
      else commit();
    } else {
      // A choice has changed with every input.
      const waiting = (moment > 1 || !(node.options || CHECKED.test(node.type))) && core.cancel?.(node, hole);
      if (waiting || (flags & 3) == moment || (moment == 2 && (flags & 3) == 1)) commit();
    }
  };

  // What a form would send, files left out: a name that is there more than once has a list.
  const fields = (form, submitter) => {
    const values = { __proto__: null };
    if (!form) return values;
    // Several choices are a list, however many of them are made.
    const boxes = new Set();
    for (const { name, type } of form.elements) {
      const isBox = type == 'checkbox';
      if (name && (type == 'select-multiple' || (isBox && boxes.has(name)))) values[name] = [];
      if (isBox) boxes.add(name);
    }
    let data;
    try { data = new FormData(form, submitter); } catch { data = new FormData(form); }
    for (const [name, text] of data) {
      if (typeof text != 'string') continue;
      values[name] = name in values ? [].concat(values[name], text) : text;
    }
    return values;
  };

  core.controls = {
    fields, states, edits, edit, isBound,
    // Sends the edit of a control that has not gone out.
    send(node) {
      const found = find(node);
      if (found) core.ask(COMMIT, found[1].$y, -1, 0, property(node, found[0][3]));
    },
    // The property of a control, if it has one.
    path: node => of(node).field && property(node, of(node).field),
    // What a field says.
    model(node, control, field, force, kind, value) {
      const state = of(node), first = state.control === undefined;
      // With a `value` it is one of several where the field is a list, or null.
      state.control = control == CHOICE && kind & 3 ? CHECKBOX : control;
      Object.assign(state, { field, force });
      if (control == EDITABLE && !node.validity) core.editable?.(node);
      const changes = say(node, state.control == CHECKBOX, kind, value);
      if (!node.validity) {
        // Without its module it is not edited, but shows what the server says.
        if (changes && !(first && node.firstChild)) node.textContent = state.wanted ?? '';
        // Typed before the engine was here: it counts as an edit.
      } else if (first && touched(node)) {
        state.early = true;
        typed.push(node);
      } else if (changes) due.add(node);
    },
    // A key in the path of a control's property, or (`row`) of the row whose root this is: `{"id":KEY}`. As text, because a
    // number may have more digits than a double.
    key(node, at, value) {
      (of(node).keys ??= {})[at] = value.slice(6, -1);
    },
    // What an attribute says that the user changes too.
    property(node, name, kind, value) {
      let changes, state = of(node);
      if (/^[moi]/.test(name)) {
        // `muted`, `open` and `indeterminate`: what was set last decides whether there is anything to do.
        const on = !!(kind & 8), last = state[name] ?? node[name];
        state[name] = on;
        // Of these only `muted` does not set its attribute by itself, where it has one.
        if (last !== on || (kind & 16 && state.asked)) node[name] = node.defaultMuted = on;
        if (kind & 16) state.asked = false;
        return;
      }
      if (name == 'selected') {
        changes = node.defaultSelected != !!(kind & 8);
        node.defaultSelected = kind & 8;
        kind = 8;
        if (!(node = node.closest('select'))) return;
      }
      state = of(node);
      if (name == 'value' && FIXED.test(node.type)) {
        core.write(node, name, kind & 7 ? core.plain(kind, value) : null);
        due.add(node);
        // Which of several is chosen is not its own value.
        if (state.control) return;
      }
      const checks = name != 'value', first = (checks ? state.on : state.wanted) === undefined;
      changes |= say(node, checks, kind, value);
      if (core.firing) {
        // What the visitor does changes it here.
        state.edit = 0;
        edits.delete(node);
      } else if (first) {
        if (name != 'checked' && !FIXED.test(node.type) && touched(node)) {
          state.edit = TYPED;
          edits.add(node);
        }
      } else if (changes && !state.older) state.moved = true;
      due.add(node);
    },
    // What a control can hold is another: its type, its limits, its options.
    options(node) {
      due.add(node.closest('select') ?? node);
    },
    // What was typed into a field is refused: the text stays.
    refuse(slot, kind, field, value) {
      each(slot, field, node => {
        say(node, of(node).control == CHECKBOX, kind, value);
        invalid(node, true);
      });
    },
    // Shows what has come.
    show() {
      const now = due;
      due = new Set();
      for (const node of now) show(node);
    },
    // Tells what was typed before; `unfit` says of which components the HTML does not fit: there it is put back later.
    edited(unfit) {
      const now = typed;
      typed = [];
      for (const node of now) if (!unfit(node)) {
        of(node).early = false;
        edit(node, 0);
      }
    },
    // What an event reads: a control, of which a choice counts as read in any case, and a form.
    read(node, wants, form) {
      const isRead = wants || 'open' in node || 'muted' in node || /^(checkbox|radio|select)/.test(node.type);
      return new Map([...(form ? form.elements : []), ...(isRead ? [node] : [])].map(node => [node, of(node).count]));
    },
    // It made an action of a root.
    sent({ $i, $y }, reads) {
      for (const node of reads.keys()) {
        const state = of(node);
        state.asked = true;
        if (state.clicked == 0) state.clicked = $i;
      }
      for (const node of edits) {
        const state = of(node);
        if (!node.isConnected) edits.delete(node);
        else if (reads.get(node) == state.count) [state.edit, state.by] = [READ, $i];
        else if (state.edit != READ && node.closest('live-component')?.$c == $y) {
          if (state.edit == TYPED) state.moved = false;
          [state.edit, state.by] = [PASSED, $i];
        }
      }
    },
    // No action of the root is unanswered.
    answered(root, ok) {
      for (const node of edits) {
        const state = of(node);
        if (state.older == root) state.older = 0;
        if (state.by != root) continue;
        state.by = 0;
        state.edit = ok && (state.edit == READ || state.moved) ? 0 : TYPED;
        if (state.edit) continue;
        edits.delete(node);
        for (const one of group(node)) due.add(one);
      }
    },
  };

  // Before what listens on the document.
  const on = (type, act) => addEventListener(type, e => act(e.composedPath()[0], e), true);
  on('click', node => { if (CHECKED.test(node.type)) of(node).clicked = 0; });
  on('input', node => {
    of(node).hasInput = true;
    edit(node, 0);
  });
  // Some autofill is a change without an input.
  on('change', node => {
    const state = of(node);
    if (CHECKED.test(node.type) ? !state.hasInput : node.value !== state.last) edit(node, 0);
    state.hasInput = false;
    edit(node, 1);
  });
  on('focusout', node => {
    const state = of(node);
    if (state.composing) {
      state.composing = false;
      edit(node, 0);
    }
    edit(node, 2);
    if (isSame(node, state.wanted)) show(node);
  });
  on('compositionstart', node => { of(node).composing = true; });
  on('compositionend', node => {
    of(node).composing = false;
    edit(node, 0);
  });
  on('reset', form => setTimeout(() => {
    for (const node of form.elements ?? []) {
      if (find(node)) edit(node, 0);
      else if (edits.delete(node)) of(node).edit = 0;
    }
  }));

  note();
  return true;
};
