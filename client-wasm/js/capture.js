// Keeps the clicks and submits that come before their component is mounted, or while the engine
// restarts.
//
// A classic script in the head of the page: it runs before there is anything to click, and long
// before the client.

document.$early ??= (() => {
  const page = document.documentElement;
  // Opens the socket and the session while the engine loads, if the page has a component.
  const observer = new MutationObserver(() => {
    const script = /** @type {any} */ (document.querySelector('script[live-build]'));
    if (!script || !document.querySelector('live-component')) return;
    observer.disconnect();
    const socket = document.$socket = /** @type {EarlySocket} */ (new WebSocket(script.src.replace(/^http/, 'ws').replace(/\/[^/]*$/, ''), ['vivaz.v1.json', 'vivaz.hello']));
    socket.$frames = [];
    socket.addEventListener('open', () => socket.send('{"v":1,"type":"HELLO","payload":{}}'));
    socket.addEventListener('message', ({ data }) => socket.$frames?.push(data));
  });
  observer.observe(document, { childList: true, subtree: true });
  // The engine opens the socket for components that are added later.
  document.addEventListener('DOMContentLoaded', () => observer.disconnect());
  /** @type {CapturedEvent[]} */
  let kept = [];
  for (const type of ['click', 'submit']) {
    document.addEventListener(type, (/** @type {any} */ event) => {
      // Without the insides of other elements.
      const all = event.composedPath(), path = all.slice(1 + all.findLastIndex((/** @type {any} */ node) => node instanceof ShadowRoot));
      const element = path.find((/** @type {any} */ node) => node.localName == 'live-component');
      if (!element || element.$ready) return;
      const isFailed = element.getAttribute('live-state') == 'error' || page.getAttribute('live-connection') == 'stopped';
      // No component will answer the form: a form without `action` and `method` would put its
      // fields into the address.
      if (type == 'submit' && !(isFailed && ['action', 'method'].some(name => path[0].hasAttribute(name)))) event.preventDefault();
      if (isFailed) return;
      // The way to the target from the outermost component: where it is found if that is rebuilt.
      const trail = path.slice(0, 1 + path.findLastIndex((/** @type {any} */ node) => node.localName == 'live-component'))
        .map((/** @type {any} */ node) => [node, [...node.parentNode.children].indexOf(node)]).reverse();
      kept.push({ trail, target: path[0], type, bubbles: true, submitter: event.submitter, button: event.button, detail: event.detail, preventDefault() {} });
    }, true);
  }
  // What is typed into an editable element leaves no other trace: a control has its default value.
  document.addEventListener('input', event => { /** @type {any} */ (event.composedPath()[0]).$typed = true; }, true);
  // Without the engine, the forms that work without it are sent.
  const stop = () => {
    page.setAttribute('live-connection', 'stopped');
    for (const { type, target, submitter } of kept) if (type == 'submit') target.requestSubmit(submitter);
  };
  // The client fetches its engine again as after any failure; the page has to be corrected.
  document.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
    if (blockedURI != 'wasm-eval') return;
    console.error("live: the page's Content-Security-Policy needs script-src 'wasm-unsafe-eval'");
    stop();
  });
  // The client cannot be loaded.
  document.addEventListener('error', ({ target }) => { if (/** @type {any} */ (target).matches('script[live-build]')) stop(); }, true);
  document.addEventListener('live:connection', (/** @type {any} */ { detail }) => { if (detail.status == 'stopped') stop(); });
  // Repeats the events that were kept for a component that is mounted now.
  return (element, handleEvent) => {
    for (const event of [...kept]) {
      // The target itself, or the element in its place since the component was rebuilt: only if it
      // is the same, as are a button and a row of a list around it. A form has a new token.
      let at = /** @type {any} */ (document), found;
      for (const [old, position] of event.trail) {
        const now = old.isConnected ? old : at.children[position];
        found = now?.localName == old.localName && now.id == old.id && (now == old || old.localName == 'live-component' ||
          (old.localName == 'form' ? now.textContent == old.textContent : !(old.$block || old == event.target || old.matches('a,button,label')) || now.isEqualNode(old)));
        if (!found) break;
        at = now;
      }
      if (at.closest?.('live-component') != element) continue;
      kept.splice(kept.indexOf(event), 1);
      if (!found) continue;
      const path = [];
      for (let node = at; node; node = node.parentNode) path.push(node);
      if (!handleEvent(event, path) && event.type == 'submit') at.requestSubmit(event.submitter?.isConnected ? event.submitter : null);
    }
    // Drops those of components that are gone.
    kept = kept.filter(({ trail: [[outermost]] }) => outermost.isConnected);
  };
})();
