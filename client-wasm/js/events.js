// What happens in the page, brought to the engine: one listener on the document for each kind of event.

import { spots, templates } from './dom.js';
import { core } from './core.js';

/** Where events go: client.js fills it. */
export const to = {};

/** Listens to a kind of event, once: the listener is always the same function. */
export const listen = type => document.addEventListener(type, handle, true);

// Calls back for every hole of a root that listens to that; `target` are the bits of window and outside.
export const each = (root, type, target, found) => {
  if (!root.isConnected) return;
  for (const l of templates[root.$b].listen) {
    if (l.type != type || (l.flags & 48) != target) continue;
    found(l, spots[root.$i][l.at]);
  }
};

/** Finds what listens, innermost first. `true` if something did. */
export const handle = (e, path = e.composedPath()) => {
  const { type } = e, found = [];
  for (const root of path) {
    if (root.$i) each(root, type, 0, (l, el) => {
      const at = path.indexOf(el);
      if (at == 0 || (at > 0 && e.bubbles)) found.push([at, l, root, el]);
    });
  }
  found.sort((a, b) => a[0] - b[0]);
  // Asked for before anything runs: what the event itself makes or shows was not there to be missed.
  const { length } = found;
  core.outside?.(e, path, found);
  if (type == 'submit') core.flush?.(path[0]);
  for (const [, l, root, el] of found) if (consider(e, l, root, el, path[0]) && l.flags & 2) break;
  return length > 0;
};

export const consider = (e, l, root, el, target) => {
  const { flags } = l;
  if (flags & 4 && target !== el) return false;
  // With a key held down a link opens elsewhere.
  if (flags & 1 && !l.modifiers && e.type == 'click' && (e.ctrlKey || e.metaKey || e.shiftKey) && el.href) return false;
  // Safari ends a composition before the Enter that ends it: that one has the code 229.
  if (l.keys[0] && (e.isComposing || e.keyCode == 229 || !l.keys.some(key => key.toLowerCase() == (e.key || '').toLowerCase()))) return false;
  if (l.modifiers && l.modifiers != (e.ctrlKey | (e.shiftKey << 1) | (e.altKey << 2) | (e.metaKey << 3))) return false;
  if (flags & 8) {
    const done = (el.$o ??= new Set());
    if (done.has(l)) return false;
    done.add(l);
  }
  if (flags & 1) e.preventDefault();
  const [payload, reads] = gather(e, flags >> 8, el, target);
  const fire = () => {
    if (root.$i && root.isConnected) to.event(root, l.address, JSON.stringify(payload), reads);
  };
  if (l.debounce && core.pause) core.pause(el, l, l.debounce - 1, fire);
  else if (l.throttle && core.throttle) core.throttle(el, l, fire);
  else fire();
  return true;
};

// What expressions ask for: 1 value, 2 checked, 4 form, 8 event. And which edits are read by that.
const gather = (e, wants, el, target) => {
  const from = target.nodeType == 1 && 'value' in target && el.contains(target) ? target : el;
  const payload = {}, form = (wants & 4 || e.type == 'submit') && (from.form || from.closest?.('form') || el.querySelector?.('form'));
  if (wants & 1) payload.value = from.multiple && from.selectedOptions ? Array.from(from.selectedOptions, o => o.value) : (from.value ?? null);
  if (wants & 2) payload.checked = !!from.checked;
  if (wants & 4) payload.form = core.controls?.fields(form, e.submitter) || {};
  if (wants & 8) payload.event = core.event?.(e);
  return [payload, core.controls?.read(from, wants & 3, form)];
};

document.addEventListener('focusout', e => core.flush?.(e.composedPath()[0]), true);
