// Runs the engine's operations. The numbers are those of `Op` in src/dom.rs; words first, then the lengths of strings.

/** Nodes by the number that the engine gave them. A numbered root knows it (`$i`), and its template (`$b`). */
export let nodes = [null];
/** Skeletons, and what listens in each. */
export let templates = [];
/** The elements of components, by slot. */
export const elements = [];
/** Roots of instances that listen to the window, or to what happens outside of them. */
export const watchers = new Set();
/** What is not about nodes, and what the page's own code is told: client.js fills it. */
export const effects = {};

let walks = [[0]];
let names = [];

/** Forgets everything: a new engine starts to count from the beginning. */
export const reset = () => {
  for (const node of nodes) if (node) unbind(node);
  nodes = [null];
  templates = [];
  walks = [[0]];
  names = [];
  watchers.clear();
};

export const number = n => '' + n;
export const float = text => +text;

// Past so many comments, then so many elements: the last one that was passed, or null at the beginning.
const pass = (parent, step) => {
  let comments = step >> 16, elements = step & 0xffff, at = null;
  if (comments) {
    at = parent.firstChild;
    while (at && (at.nodeType != 8 || --comments)) at = at.nextSibling;
    if (!at) throw 0;
  }
  while (elements--) {
    at = at ? at.nextElementSibling : parent.firstElementChild;
    if (!at) throw 0;
  }
  return at;
};
const next = (parent, at) => (at ? at.nextElementSibling : parent.firstElementChild);

/** Follows a walk to an element; to the last node passed, where it ends at a comment. Throws where there is none. */
export const walk = (node, path) => {
  if (!node) throw 0;
  const steps = walks[path], last = steps[0] ? steps.length - 1 : steps.length;
  for (let i = 1; i < last; i++) node = next(node, pass(node, steps[i]));
  if (steps[0] == 2) node = pass(node, steps[last]);
  if (!node) throw 0;
  return node;
};

const text = (node, path, value) => {
  const parent = walk(node, path), steps = walks[path], at = pass(parent, steps[steps.length - 1]);
  const there = at ? at.nextSibling : parent.firstChild;
  if (there && there.nodeType == 3) {
    if (there.data !== value) there.data = value;
  } else if (value) parent.insertBefore(document.createTextNode(value), there);
};

const bind = (node, id, template) => {
  nodes[id] = node;
  node.$i = id;
  node.$b = template;
  const of = templates[template];
  if (of.watches) watchers.add(node);
  if (of.marks.length) marked.push(node);
};

const unbind = node => {
  node.$i = 0;
  watchers.delete(node);
  for (const end of node.$m || []) end();
  node.$m = null;
};

// References and hooks, once the nodes are in the page.
let marked = [];
const mark = node => {
  node.$m = [];
  for (const [path, hook, name] of templates[node.$b].marks) {
    const end = effects.mark(walk(node, path), hook, name);
    if (end) node.$m.push(end);
  }
};

const attribute = (node, name, value) => {
  // While the state of the wire holds an attribute, what it is meant to be waits.
  if (node.$w && name in node.$w) node.$w[name] = value;
  else write(node, name, value);
};
const write = (node, name, value) => {
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else if (name.startsWith('xlink:')) node.setAttributeNS('http://www.w3.org/1999/xlink', name, value);
  else node.setAttribute(name, value);
};

const DEFAULTS = { checked: 'defaultChecked', selected: 'defaultSelected', muted: 'defaultMuted' };

// A property that the user changes too: what was set last decides whether there is anything to do.
const property = (node, name, force, value) => {
  if (name == 'value' && !('defaultValue' in node) && node.localName != 'select') return write(node, name, value);
  const set = (node.$p ??= {});
  const last = set[name] ?? (name == 'value' ? (node.defaultValue ?? '')
    : (DEFAULTS[name] ? node[DEFAULTS[name]] : node.hasAttribute(name)) ? '1' : '');
  set[name] = value;
  if (last === value && !force) return;
  if (name == 'value') {
    const typing = node === document.activeElement && node.value !== last;
    if (node.value !== value && !typing) node.value = value;
  } else if (node[name] !== !!value) node[name] = !!value;
};

const classes = (node, on, list) => {
  for (const name of list) if (name && node.classList.contains(name) != on) node.classList.toggle(name, on);
};

const wire = (node, effect, on, argument) => {
  if (effect == 0) {
    if (node.hidden == !!on) node.hidden = !on;
  } else if (effect == 1) {
    const list = argument.split(' ');
    for (const name of list) (node.$j ??= {})[name] = 1;
    classes(node, !!on, list);
  } else if (on) {
    const held = (node.$w ??= {});
    if (!(argument in held)) {
      held[argument] = node.getAttribute(argument);
      node.setAttribute(argument, '');
    }
  } else if (node.$w && argument in node.$w) {
    const value = node.$w[argument];
    delete node.$w[argument];
    write(node, argument, value);
  }
};

const TEXT = 0, NUMBER = 1, CHECKBOX = 2, RADIO = 3, SELECT = 4, MULTIPLE = 5;

/** What a control holds, as the value of its field. Bits of `flags`: 4 trim, 8 number. */
export const read = (node, control, flags) => {
  if (control == CHECKBOX) return node.checked;
  if (control == MULTIPLE) return Array.from(node.selectedOptions, option => option.value);
  let value = node.value;
  if (flags & 4) value = value.trim();
  if (!(flags & 8)) return value;
  return value === '' ? null : isNaN(value) ? value : +value;
};

/** The same as text: what the engine would send to show it. */
export const shown = value =>
  Array.isArray(value) ? value.join('\n') : value === null ? '' : typeof value == 'boolean' ? (value ? '1' : '') : '' + value;

const touched = (node, control) => {
  if (control == CHECKBOX || control == RADIO) return node.checked != node.defaultChecked;
  if (control < CHECKBOX) return node.value !== node.defaultValue;
  const options = [...node.options], chosen = options.some(o => o.defaultSelected);
  return options.some((o, i) => o.selected != (chosen || control == MULTIPLE ? o.defaultSelected : !i));
};

/** Shows in a control what its field says. While text is being composed, that waits. */
export const show = (node, control = node.$t, value = node.$v) => {
  if (control == CHECKBOX) node.checked = !!value;
  else if (control == RADIO) node.checked = node.value === value;
  else if (control == SELECT) {
    if (node.value !== value) node.value = value;
  } else if (control == MULTIPLE) {
    const chosen = value.split('\n');
    for (const option of node.options) option.selected = chosen.includes(option.value);
  } else {
    const old = node.value;
    if (node.$c || old === value || node.validity.badInput) return;
    if (node !== document.activeElement || node.selectionStart == null) node.value = value;
    else {
      // Only what differs is replaced, so that the caret stays where it was.
      let a = 0, z = 0;
      const most = Math.min(old.length, value.length);
      while (a < most && old[a] === value[a]) a++;
      while (z < most - a && old[old.length - 1 - z] === value[value.length - 1 - z]) z++;
      node.setRangeText(value.slice(a, value.length - z), a, old.length - z, 'preserve');
    }
  }
};

const model = (node, control, force, value) => {
  if (node.$v === undefined) {
    node.$t = control;
    if (touched(node, control)) {
      // Typed before the engine was here: it counts as an edit.
      node.$v = value;
      typed.push(node);
      return;
    }
  } else if (node.$v === value && !force) return;
  node.$v = value;
  if (control == SELECT || control == MULTIPLE) selects.add(node);
  else show(node, control, value);
};

// Selections are set when all options are there; what the page's own code hears comes last.
let selects = new Set(), late = [], typed = [];

const insert = (parent, node, before) => {
  const inside = node.isConnected && node.contains(document.activeElement);
  if (node.parentNode === parent) {
    if (node.nextSibling === before) return;
    if (inside && parent.moveBefore) return parent.moveBefore(node, before);
  }
  const focused = inside && document.activeElement;
  const start = focused && focused.selectionStart, end = focused && focused.selectionEnd;
  parent.insertBefore(node, before);
  if (focused) {
    focused.focus({ preventScroll: true });
    if (start != null) focused.setSelectionRange(start, end);
  }
  if (parent.localName == 'select' || parent.localName == 'optgroup') changedOptions(parent);
};
const changedOptions = parent => {
  const select = parent.closest('select');
  if (select && select.$v !== undefined) selects.add(select);
};

const rebuild = (node, template) => {
  const kept = [];
  for (const control of node.querySelectorAll('[name]')) {
    const kind = control.type == 'checkbox' ? CHECKBOX : control.type == 'radio' ? RADIO
      : control.localName == 'select' ? (control.multiple ? MULTIPLE : SELECT) : TEXT;
    if ('value' in control && control.localName != 'button' && touched(control, kind)) kept.push(control);
  }
  const focused = node.contains(document.activeElement) && document.activeElement.name;
  node.textContent = '';
  node.append(document.importNode(templates[template].content, true));
  late.push(() => {
    for (const old of kept) {
      const radio = old.type == 'radio' ? `[value="${CSS.escape(old.value)}"]` : '';
      const control = node.querySelector(`[name="${CSS.escape(old.name)}"]${radio}`);
      if (!control || control.type != old.type || control.type == 'file') continue;
      if (old.multiple && old.options) for (const o of control.options) o.selected = [...old.selectedOptions].some(p => p.value == o.value);
      else if (old.type == 'checkbox' || old.type == 'radio') control.checked = old.checked;
      else control.value = old.value;
      control.dispatchEvent(new Event('input', { bubbles: true }));
    }
    if (focused) node.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  });
};

const skeleton = (namespace, html) => {
  const template = document.createElement('template');
  const around = ['', 'svg', 'math'][namespace];
  template.innerHTML = around ? `<${around}>${html}</${around}>` : html;
  const content = template.content;
  return { content, root: around ? content.firstChild.firstElementChild : content.firstElementChild, listen: [], controls: [], marks: [] };
};

/** Runs operations. `false`: nodes are not where the template says. */
export function run(words, string) {
  let i = 0, q = 0, fits = true, n, v, p;
  const w = () => words[i++];
  const s = () => string.slice(q, (q += words[i++]));
  const at = () => walk(nodes[w()], w());
  while (i < words.length) {
    const op = w(), from = i, cut = q;
    try {
      switch (op) {
        case 1: n = w(); v = w(); templates[n] = skeleton(v, s()); break;
        case 2: n = w(); v = w(); p = w(); walks[n] = [v, ...words.subarray(i, (i += p))]; break;
        case 3: n = w(); names[n] = s(); break;
        case 4: {
          const of = templates[w()], l = { hole: w(), path: w(), flags: w(), held: w(), debounce: w(), throttle: w(), type: s() };
          v = s();
          l.keys = v ? v.split('\n') : null;
          if (l.flags & 48) of.watches = 1;
          of.listen.push(l);
          effects.listen(l.type);
          break;
        }
        case 5: templates[w()].controls.push({ hole: w(), path: w(), control: w(), flags: w(), debounce: w() }); break;
        case 6: n = templates[w()]; n.marks.push([w(), w(), s()]); break;
        case 7: n = w(); v = w(); bind(templates[v].root.cloneNode(true), n, v); break;
        case 8: n = at(); nodes[w()] = n; break;
        case 9: {
          const parent = nodes[w()], path = w(), first = w(), count = w(), stride = w(), template = w();
          n = next(parent, pass(parent, walks[path][1]));
          for (let k = 0; k < count; k++, n = n.nextElementSibling) {
            if (!n || n.localName != templates[template].root.localName) throw 0;
            bind(n, first + k * stride, template);
          }
          break;
        }
        case 10: n = w(); v = elements[w()]; bind(v, n, w()); break;
        case 11: n = nodes[w()]; rebuild(n, w()); break;
        case 12: p = nodes[w()]; n = nodes[w()]; v = nodes[w()]; if (!p || !n) throw 0; insert(p, n, v); break;
        case 13:
          n = nodes[w()];
          if (!n) throw 0;
          p = n.parentNode;
          unbind(n);
          n.remove();
          if (p && (p.localName == 'select' || p.localName == 'optgroup')) changedOptions(p);
          break;
        case 14:
          for (v = w(), p = w(); p--; v++) {
            n = nodes[v];
            if (n && n.$i === v) unbind(n);
            nodes[v] = null;
          }
          break;
        case 15: n = nodes[w()]; if (!n) throw 0; n.textContent = ''; break;
        case 16: n = nodes[w()]; v = w(); text(n, v, s()); break;
        case 17: n = at(); v = s(); if (n.textContent !== v) n.textContent = v; break;
        case 18:
          n = at(); v = s();
          if (n.$h === undefined) {
            p = document.createElement('template');
            p.innerHTML = v;
            if (n.innerHTML !== p.innerHTML) n.innerHTML = v;
          } else if (n.$h !== v) n.innerHTML = v;
          n.$h = v;
          break;
        case 19: n = at(); v = names[w()]; attribute(n, v, s()); break;
        case 20: n = at(); attribute(n, names[w()], null); break;
        case 21: n = at(); v = names[w()]; p = w(); property(n, v, p, s()); break;
        case 22: n = at(); v = names[w()]; (n.$j ??= {})[v] = 1; classes(n, !!w(), [v]); break;
        case 23: {
          n = at();
          const list = s().split(/\s+/);
          // The first time these are the server's, of an older state perhaps; others' own are told from them.
          classes(n, false, (n.$k || [...n.classList].filter(name => !n.$j?.[name])).filter(name => !list.includes(name)));
          classes(n, true, (n.$k = list));
          break;
        }
        case 24:
          n = at().style; v = names[w()];
          if (w()) {
            p = s();
            if (n.getPropertyValue(v) !== p) n.setProperty(v, p);
          } else { s(); if (n.getPropertyValue(v)) n.removeProperty(v); }
          break;
        case 25: n = at(); v = !w(); if (n.hidden != v) n.hidden = v; break;
        case 26: n = at(); v = w(); p = w(); model(n, v, p, s()); break;
        case 27: n = at(); s(); n.$v = s(); n.$r = 1; n.setAttribute('aria-invalid', 'true'); break;
        case 28: n = at(); v = w(); p = w(); wire(n, v, p, s()); break;
        case 29: n = at(); v = w(); n.$p = { name: s(), props: s() }; effects.child(n, v); break;
        default: effects.run(op, w, s);
      }
    } catch (error) {
      if (error) {
        if (!LENGTH[op]) throw error;
        // In other HTML than the template's it may be any element that is found.
        console.warn(error);
      }
      // A place that is not there. The operation is passed over: its words and strings are counted all the same.
      fits = false;
      q = cut;
      i = from + LENGTH[op];
      for (let k = STRINGS[op] || 0; k--; ) s();
    }
  }
  const chosen = selects, marks = marked, after = late, edits = typed;
  selects = new Set();
  marked = [];
  late = [];
  typed = [];
  for (const select of chosen) show(select);
  for (const node of marks) if (node.$i && !node.$m) try { mark(node); } catch (e) { if (e) throw e; }
  for (const act of after) act();
  // What was typed into HTML that does not fit is put back when that is made anew.
  if (fits) for (const node of edits) effects.edited(node);
  return fits;
}
// How many words and strings the operations have that look for a place.
const LENGTH = { 8: 3, 9: 6, 12: 3, 13: 1, 15: 1, 16: 2, 17: 2, 18: 2, 19: 3, 20: 3, 21: 4, 22: 4, 23: 2, 24: 4, 25: 3, 26: 4, 27: 2, 28: 4, 29: 3 };
const STRINGS = { 16: 1, 17: 1, 18: 1, 19: 1, 21: 1, 23: 1, 24: 1, 26: 1, 27: 2, 28: 1, 29: 2 };
