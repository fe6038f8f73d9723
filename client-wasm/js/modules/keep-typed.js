// Keeps what was typed over a reload that the client itself makes: the user or the session is another one.

import { changed, held, put } from '../values.js';

const KEPT = 'live-typed ' + location.pathname;

// Identifies a component in the next page too: its name, and its position among the components of that name.
const places = components => {
  const counts = {}, found = new Map();
  for (const c of components.values()) {
    if (c.element) found.set(c.of.name + ' ' + (counts[c.of.name] = (counts[c.of.name] ?? -1) + 1), c);
  }
  return found;
};

// The controls of a component, its children left out. A password is not kept, and a file cannot be.
const controls = element => [...element.querySelectorAll('input,textarea,select,[contenteditable]')]
  .filter(node => 'value' in node && node.closest('live-component') == element && !/^(password|file|hidden)$/.test(node.type));

// A control in its component: which one it is, and what says whether another page has the same there.
const sign = node => [
  node.localName, node.type, node.name, node.getAttribute('aria-label'), ...(/^(checkbox|radio)$/.test(node.type) ? [node.value] : []),
].join();

export default core => {
  core.keep = () => {
    const kept = [];
    for (const [place, { element }] of places(core.components)) {
      controls(element).forEach((node, at) => {
        if (changed(node)) kept.push({ place, at, sign: sign(node), name: node.name, value: held(node) });
      });
    }
    if (!kept.length) return;
    try {
      sessionStorage[KEPT] = JSON.stringify(kept);
    } catch (error) {
      // There is no room for it: the page is loaded anew all the same.
      reportError(error);
    }
  };

  const back = async () => {
    let kept;
    try {
      kept = JSON.parse(sessionStorage[KEPT] || '[]');
      delete sessionStorage[KEPT];
    } catch {
      return;
    }
    if (!kept.length) return;
    if (document.readyState != 'complete') await new Promise(resolve => addEventListener('load', resolve));
    const found = places(core.components);
    await Promise.allSettled(Array.from(found.values(), c => c.mounted));
    for (const { place, at, sign: wanted, name, value } of kept) {
      const element = found.get(place)?.element, node = element && controls(element)[at];
      if (node && sign(node) == wanted) {
        if (changed(node)) continue;
        put(node, value);
        for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, { bubbles: true }));
      } else {
        const message = 'what was typed before the page was loaded anew could not be put back';
        const detail = { action: '', code: 'typed_lost', message, details: { field: name, value } };
        (element || document).dispatchEvent(new CustomEvent('live:error', { detail, bubbles: true }));
      }
    }
  };
  back();
};
