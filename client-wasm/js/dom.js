// Runs the engine's operations. The numbers are those of `Op` in src/dom.rs; words first, then the lengths of strings.

import { core } from './core.js';
import { common } from './text.js';

/**
 * Nodes by the number that the engine gave them. A numbered root knows it (`$i`), its template (`$b`), and the slot of its
 * component (`$y`).
 */
export const nodes = [null];
// The block of each root, by the same number: a row that is a component of its own is a root twice.
const blocks = [];
/**
 * The nodes of each root's holes, by the same number: elements, texts, and of what grows and shrinks the parent and what it
 * begins after.
 */
export const spots = [];
/** Skeletons, and what listens in each. */
export const templates = [];
/** The elements of components, by slot. */
export const elements = new Map();
/** What is not about nodes, and what the page's own code is told: client.js fills it. */
export const effects = {};

/** Forgets everything: a new engine starts to count from the beginning. */
export const reset = () => {
  for (const node of nodes) if (node) unbind(node);
  nodes.length = 1;
  blocks.length = spots.length = templates.length = 0;
};

export const number = n => '' + n;
export const float = text => +text;

// A walk is made once for each hole, when its root is numbered: in the page and in the skeleton, side by side. What
// others put into the page (a password manager's icon) has nothing like it in the skeleton, and is passed over.

const sibling = (parent, at) => (at ? at.nextElementSibling : parent.firstElementChild);

// The next element that is like the skeleton's.
const next = (parent, at, like) => {
  do at = sibling(parent, at); while (at && at != like && !(
    at.localName == like.localName && like.getAttributeNames().every(name => at.hasAttribute(name))));
  if (!at) throw 0;
  return at;
};

// Past so many comments, then so many elements: the last one that was passed, or null at the beginning.
const pass = (parent, like, step) => {
  const mark = parent => {
    let comments = step >> 16, at = comments ? parent.firstChild : null;
    while (at && (at.nodeType != 8 || at.data || --comments)) at = at.nextSibling;
    if (comments) throw 0;
    return at;
  };
  let at = mark(parent), of = mark(like);
  for (let elements = step & 0xffff; elements--;) {
    of = sibling(like, of);
    at = next(parent, at, of);
  }
  return [at, of];
};

const walk = (node, like, path) => {
  for (const step of path) {
    const [at, of] = pass(node, like, step);
    like = sibling(like, of);
    node = next(node, at, like);
  }
  return [node, like];
};

// A text, its parent (`$f`) and the node before it (`$a`). It is in the page once it is not empty.
const text = (node, value) => {
  const { $f: parent, $a: at, data: old } = node;
  if (node.parentNode != parent) {
    if (at && at.parentNode != parent) throw 0;
    let there;
    // A translator puts elements of its own in its place.
    while ((there = at ? at.nextSibling : parent.firstChild)?.localName == 'font') there.remove();
    if (value) parent.insertBefore(node, there);
  }
  if (old === value) return;
  // Only what differs, so that what the visitor has selected beside it stays selected.
  const [a, z] = common(old, value);
  node.replaceData(a, old.length - a - z, value.slice(a, value.length - z));
};

// Numbers a root, and after it the places of what grows and shrinks inside: the parent, and what stands behind.
const bind = (node, id, template, slot, like = templates[template].root) => {
  const of = (blocks[id] = templates[template]);
  nodes[id] = node;
  node.$i = id;
  node.$y = slot;
  node.$b = template;
  if (of.watches) core.watch?.(node);
  if (of.marks) core.marks?.wait(node);
  let part = id;
  spots[id] = of.holes.map(([place, path, step, end]) => {
    const [at, twin] = walk(node, like, path);
    if (place && place != 7) return at;
    const [before] = pass(at, twin, step);
    if (place) {
      nodes[++part] = at;
      nodes[++part] = end < 0 ? null : pass(at, twin, (end + 1) << 16)[0];
      return [at, before];
    }
    let there = before ? before.nextSibling : at.firstChild;
    if (there?.nodeType != 3) there = document.createTextNode('');
    there.$f = at;
    there.$a = before;
    return there;
  });
};

const unbind = node => {
  node.$i = 0;
  for (const end of node.$m || []) end();
  node.$m = null;
};

const attribute = (node, name, value) => {
  // While the state of the wire holds an attribute, what it is meant to be waits.
  if (node.$w && name in node.$w) node.$w[name] = value;
  else if (write(node, name, value)) choices(node, name);
};

/** Returns whether it was another before. */
export const write = (node, name, value) => {
  if (name == 'disabled' && core.press?.(node, value)) return;
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else if (!core.link?.(node, name, value)) node.setAttribute(name, value);
  return 1;
};

// Sets the classes that a hole puts on its element. One that others put there too stays when the hole takes it off.
export const classes = (node, hole, text, last) => {
  const all = (node.$k ??= new Map()), list = text.match(/\S+/g) ?? [];
  last = all.get(hole) ?? last;
  all.set(hole, list);
  const others = [...all.values()].flat();
  for (const name of last) if (!others.includes(name)) node.classList.remove(name);
  node.classList.add(...list);
  if (!node.classList.length) node.removeAttribute('class');
};

// `hidden` means nothing in a drawing.
export const conceal = (node, on) => {
  if (!('hidden' in node)) write(node, 'display', on ? null : 'none');
  else if (node.hidden == !!on) node.hidden = !on;
};

const insert = (parent, node, before) => {
  const moves = node.parentNode === parent;
  if (moves && node.nextSibling === before) return;
  if (before && before.parentNode != parent) throw 0;
  // Where the browser can, what plays or scrolls inside of it goes on.
  if (moves && core.move) core.move(parent, node, before);
  else parent[moves && parent.moveBefore ? 'moveBefore' : 'insertBefore'](node, before);
  choices(parent);
};
// What a select offers is another, or what an input can hold.
const choices = (node, name) => { if (/^(select|opt|input (type|m|step))/.test(node?.localName + ' ' + name)) core.controls?.options(node); };

// What the page's own code hears comes last.
let late = [];

const rebuild = (node, template) => {
  late.push(core.drafts?.(node, template));
  node.textContent = '';
  node.append(document.importNode(templates[template].content, true));
};

// Takes a block: what is cloned, and what its holes are. Their numbers are those of `Place` in template/src/code.rs.
const prepare = ([html, namespace, holes, modules]) => {
  const template = document.createElement('template');
  const around = ['', 'svg', 'math'][namespace];
  template.innerHTML = around ? `<${around}>${html}</${around}>` : html;
  const content = template.content;
  const of = { content, root: around ? content.firstChild.firstElementChild : content.firstElementChild, holes, listen: [] };
  // Instances that are made before a module is here are made anew then, if the module says that it matters.
  modules?.forEach(name => effects.load(name)?.then(anew => {
    if (anew) for (const slot of new Set(nodes.filter(node => blocks[node?.$i] == of).map(node => node.$y))) effects.anew(slot);
  }));
  holes.forEach(([place, , a, b, c, d, e, keys, address], at) => {
    if (place == 8) {
      of.listen.push({ at, type: a, flags: b, modifiers: c, debounce: d, throttle: e, keys, address });
      if (b & 48) of.watches = 1;
      effects.listen(a);
    } else if (place == 11 || place == 12) of.marks = 1;
  });
  return of;
};

// A value as text: lists and objects have none. Kinds are those of `shown` in src/render/value.rs.
export const plain = (kind, value) => ((kind & 7) > 3 ? '' : value.replace(/\0/g, '\ufffd'));

const set = (root, [place, , a, b, c], at, node, kind, value) => {
  // Others have taken it out of the page.
  if (root.isConnected && !(place ? node : node.$f).isConnected) throw 0;
  const type = kind & 7, on = kind & 8, bool = type == 1 || type == 2, v = plain(kind, value);
  switch (place) {
    case 0: text(node, v); break;
    case 1:
      if (node.localName == 'textarea') core.controls?.property(node, 'value', kind, value);
      else if (node.textContent !== v) {
        node.textContent = v;
        choices(node);
      }
      break;
    case 2:
      core.html?.(node, v);
      break;
    case 3:
      // As it is, a URL, several of them, a property, a word that truth values are written as, classes.
      if (b == 3) core.controls?.property(node, a, kind, value);
      else if (b == 5) {
        // The first time these are the server's, of an older state perhaps.
        classes(node, at, bool ? '' : v, [...node.classList]);
      } else if (b == 4) attribute(node, a, type ? v : null);
      else attribute(node, a, type < 2 ? null : bool ? '' : b && !core.safe?.(v, b) ? 'about:invalid' : v);
      break;
    case 4: classes(node, at, on ? a : '', [a]); break;
    case 5: core.style?.(node, at, a, v); break;
    case 6: conceal(node, on); break;
    case 9: core.controls?.model(node, a, b, c & 16, kind, value); break;
    case 10: core.wire?.(node, at, a, on, b); break;
    case 13: core.child?.show(node, a, value); break;
    // A number and its text are two keys.
    case 14: core.child?.key(node, type + value); break;
    case 15: core.child?.shared(node, value); break;
    case 16: core.controls?.key(node, a, value); break;
  }
};

/** Runs operations. */
export function run(words, string) {
  // The slot of the view that is brought up to date; those whose nodes are not where the template says, and those that
  // were made anew here.
  let i = 0, q = 0, view, n, v, p;
  const unfit = new Set(), anew = new Set();
  const w = () => words[i++];
  const s = () => string.slice(q, (q += words[i++]));
  const node = () => {
    const node = nodes[w()];
    if (!node) throw 0;
    return node;
  };
  while (i < words.length) {
    const op = w(), from = i, cut = q;
    try {
      switch (op) {
        case 1: n = w(); for (const block of JSON.parse(s())) templates[n++] = prepare(block); break;
        case 2:
          n = w(); v = w();
          bind(p = templates[v].root.cloneNode(true), n, v, view);
          core.autofocus?.(p);
          break;
        case 3: {
          node();
          [p, n] = spots[words[from]][w()];
          const first = w(), count = w(), stride = w(), template = w();
          for (v = 0; v < count; v++) bind(n = next(p, n, templates[template].root), first + v * stride, template, view);
          break;
        }
        case 4:
          n = w(); v = elements.get(w()); p = w();
          if (!v) throw 0;
          if (w()) { rebuild(v, p); anew.add(view); }
          bind(v, n, p, view, templates[p].content);
          break;
        case 5:
          v = words[i]; p = node(); n = node();
          while (!blocks[v]) v--;
          if (nodes[v].isConnected && !p.isConnected) throw 0;
          insert(p, n, nodes[w()]);
          break;
        case 6:
          n = node();
          p = n.parentNode;
          unbind(n);
          n.remove();
          choices(p);
          break;
        case 7:
          for (v = w(), p = w(); p--; v++) {
            n = nodes[v];
            if (n && n.$i === v) unbind(n);
            nodes[v] = spots[v] = null;
          }
          break;
        case 8: node().textContent = ''; break;
        case 9: n = node(); v = words[from]; p = w(); set(n, blocks[v].holes[p], p, spots[v][p], w(), s()); break;
        case 10: { const of = [w(), w(), s(), s()]; core.controls?.refuse(...of); break; }
        case 24: view = w(); break;
        case 25: { const of = [w(), w()]; core.controls?.answered(...of); break; }
        default: effects.run(op, w, s);
      }
    } catch (error) {
      if (error) {
        if (!LENGTH[op]) throw error;
        // In other HTML than the template's it may be any element that is found.
        console.warn(error);
      }
      // A place that is not there. The operation is passed over: its words and its string are counted all the same.
      unfit.add(view);
      q = cut;
      i = from + LENGTH[op];
      if (op == 9) s();
    }
  }
  const after = late;
  late = [];
  core.controls?.show();
  core.marks?.begin();
  for (const act of after) act?.();
  // Others may have taken out what no operation was about.
  for (const node of nodes) if (node?.$i && !node.isConnected && elements.get(node.$y)?.isConnected) unfit.add(node.$y);
  for (const slot of unfit) if (!anew.has(slot)) effects.anew(slot);
  // What was typed into HTML that does not fit is put back when that is made anew.
  core.controls?.edited(node => unfit.has(node.closest('live-component').$c));
}
// How many words the operations have that look for a place.
const LENGTH = { 3: 6, 4: 4, 5: 3, 6: 1, 8: 1, 9: 3 };
