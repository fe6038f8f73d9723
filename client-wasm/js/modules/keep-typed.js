// Keeps what was typed over a reload that the client itself makes: the user or the session is another one.

import { places } from '../identity.js';
import { lost } from '../lost.js';
import { changed, content, put } from '../values.js';

const KEPT = 'live-typed ' + location.pathname;

// The controls of a component, its children left out. A password is not kept, and a file cannot be.
const controls = element => [...element.querySelectorAll('input,textarea,select,[contenteditable]')]
  .filter(node => node.validity && node.closest('live-component') == element && !/^(password|file|hidden)$/.test(node.type));

// A control in its component: which one it is, and what says whether another page has the same there.
const sign = node => [
  node.localName, node.type, node.name, node.getAttribute('aria-label'), ...(/^(checkbox|radio)$/.test(node.type) ? [node.value] : []),
].join();

export default core => {
  core.keep = () => {
    const kept = [];
    for (const [place, { element }] of places(core.components)) {
      if (element) controls(element).forEach((node, at) => {
        if (changed(node)) kept.push({ place, at, sign: sign(node), name: node.name, value: content(node) });
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
    await Promise.allSettled(Array.from(found.values(), component => component.mounted));
    for (const one of kept) {
      const element = found.get(one.place)?.element, node = element && controls(element)[one.at];
      if (node && sign(node) == one.sign) {
        if (changed(node)) continue;
        put(node, one.value);
        for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, { bubbles: true }));
      } else lost(element || document, one);
    }
  };
  back();
};
