// Keeps what a visitor does before a component is there, or while its engine starts anew.
//
// A classic script in the head of the page: it runs before there is anything to press, and long before the client.

document.$early ??= (() => {
  let kept = [];
  for (const type of ['click', 'submit']) {
    document.addEventListener(type, e => {
      const path = e.composedPath(), element = path.find(n => n.localName == 'live-component');
      if (!element || element.$ready) return;
      const isOver = element.getAttribute('live-state') == 'error';
      // Nobody answers a form any more: one that does not say how it is sent would put its fields into the page's address.
      if (type == 'submit' && !(isOver && ['action', 'method'].some(name => path[0].hasAttribute(name)))) e.preventDefault();
      if (isOver) return;
      // The way to it, from the outermost component: where it is, should that be made anew.
      const trail = path.slice(0, 1 + path.findLastIndex(n => n.localName == 'live-component'))
        .map(n => [n, [...n.parentNode.children].indexOf(n)]).reverse();
      kept.push({ trail, type, bubbles: true, submitter: e.submitter, button: e.button, detail: e.detail, preventDefault() {} });
    }, true);
  }
  // What is typed into an element has no other trace: a control knows what it held at first.
  document.addEventListener('input', e => { e.composedPath()[0].$typed = true; }, true);
  // The client asks for its engine again as after any failure; it is the page that has to change.
  document.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
    if (blockedURI == 'wasm-eval') console.error("live: the page's Content-Security-Policy needs script-src 'wasm-unsafe-eval'");
  });
  /** Does what was kept for a component that is there now. `handle` takes an event and its path, as the client does. */
  return (element, handle) => {
    for (const e of [...kept]) {
      // The element that was meant, or what stands in its place since the component was made anew. In a row of a list
      // that is so only where the row says the same.
      let at = document, found;
      for (const [old, place] of e.trail) {
        const there = old.isConnected ? old : at.children[place];
        found = there && there.localName == old.localName && there.id == old.id &&
          (!old.$b || old.localName == 'live-component' || there.isEqualNode(old));
        if (!found) break;
        at = there;
      }
      if (at.closest?.('live-component') != element) continue;
      kept.splice(kept.indexOf(e), 1);
      if (!found) continue;
      const path = [];
      for (let node = at; node; node = node.parentNode) path.push(node);
      if (!handle(e, path) && e.type == 'submit') at.requestSubmit(e.submitter?.isConnected ? e.submitter : null);
    }
    // Those of components that are gone.
    kept = kept.filter(e => e.trail[0][0].isConnected);
  };
})();
