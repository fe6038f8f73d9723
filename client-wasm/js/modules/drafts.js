// Keeps what was typed, and the focus, over a view that is made anew.

import { lost } from '../lost.js';
import { content, put, touched } from '../values.js';

const CHOSEN = /^(checkbox|radio)$/, TEXT = 'textarea,[contenteditable]';

// What an element says, without what is typed into it.
const words = element => {
  const copy = element.cloneNode(true);
  for (const node of [copy, ...copy.querySelectorAll(TEXT)]) if (node.matches(TEXT)) node.textContent = '';
  return copy.textContent;
};

// What a control is.
const sign = node => [node.localName, node.type, node.name, CHOSEN.test(node.type) && node.value];

export default core => {
  // `controls` may start after this module.
  const of = node => core.controls.states.get(node);
  // Whether a state is one of the engine that runs: another one knows nothing of its edits, and has other numbers.
  const isCurrent = state => state.engine == core.templates[0];

  // Whether a control holds something that neither the engine nor an action has.
  const isDraft = node => {
    const state = of(node);
    if (!state || state.early || !isCurrent(state)) return touched(node);
    if (state.control !== undefined) return state.invalid || state.composing;
    return core.controls.isBound(node) ? state.edit : touched(node);
  };

  /*
   * Describes a control of a component. It is known again by the property that it edits (`exact`), or by the keys of the
   * rows around it, its block and what it is. Where the page was not what its template says there are neither rows nor
   * blocks: there it is known by what it is alone (`alike`), and in a row only if the row says the same. `isSame` says
   * whether blocks have the numbers that they had before.
   */
  const describe = (node, element, isSame) => {
    const rows = [];
    let root, outermost, depth = 0;
    for (let at = node, steps = 0; at != element; at = at.parentElement, steps++) {
      const key = of(at)?.keys?.row;
      if (key) {
        rows.push(key);
        [outermost, depth] = [at, steps];
      }
      if (at.$b !== undefined) root ??= at;
    }
    return {
      node, root, outermost, depth, value: content(node), isDraft: isDraft(node),
      exact: JSON.stringify([core.controls.path(node) ?? [rows, isSame && root?.$b], sign(node)]),
      alike: JSON.stringify([sign(node), node.getAttribute('aria-label'), node.id]),
    };
  };

  const inside = element => [...element.querySelectorAll('input,select,' + TEXT)].filter(node => {
    // Typed before the client was here.
    if (node.$typed && !node.validity) core.editable?.(node);
    return node.validity;
  });
  const isOwn = element => node => node.closest('live-component') == element;

  // Finds the control that is now what another one was: at the same place among as many.
  const seek = (old, before, now) => {
    const find = by => {
      const [from, to] = [before, now].map(all => all.filter(one => one[by] == old[by]));
      return from.length == to.length ? to[from.indexOf(old)] : undefined;
    };
    const exact = find('exact');
    if (exact || old.root) return exact;
    const alike = find('alike');
    if (!alike?.outermost) return alike;
    let row = old.node;
    for (let { depth } = alike; row && depth; depth--) row = row.parentElement;
    return row && words(row) == words(alike.outermost) ? alike : undefined;
  };

  // Puts a draft back: it is as far as it was.
  const restore = (node, old) => {
    if (node.type == 'file') node.files = old.node.files;
    else put(node, old.value);
    const state = of(old.node);
    if (!state?.edit || !isCurrent(state)) return core.controls.edit(node, 0);
    const { edit: far, by, older, moved, count, last, caret } = state;
    Object.assign(of(node), { edit: far, by, older, moved, count, last, caret });
    core.controls.edits.add(node);
  };

  /**
   * Notes what is typed into a component whose element is about to be filled with a skeleton. Returns what puts it back
   * once the view is there. What has no place there is told.
   */
  core.drafts = (element, template) => {
    const all = inside(element), own = isOwn(element);
    const isSame = element.$b == template && all.every(node => !of(node) || isCurrent(of(node)));
    const before = all.filter(own).map(node => describe(node, element, isSame));
    const gone = all.filter(node => !own(node) && isDraft(node)).map(({ name, type, value }) => ({ name, type, value }));
    const focused = document.activeElement, { selectionStart, selectionEnd, selectionDirection } = focused;
    return () => {
      const now = inside(element).filter(own).map(node => describe(node, element, isSame));
      for (const old of before) {
        const found = seek(old, before, now)?.node, { name, type } = old.node;
        if (found) found.$g = old.node.$g;
        if (old.isDraft && found) restore(found, old);
        else if (old.isDraft) gone.push({ name, type, value: old.value });
        if (found && old.node == focused) {
          found.focus({ preventScroll: true });
          if (selectionStart != null) found.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
        }
      }
      for (const one of gone) queueMicrotask(() => lost(element, one));
    };
  };
};
