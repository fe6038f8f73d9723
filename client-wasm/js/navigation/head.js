// Replaces the head of the page by that of the next page, and runs the scripts that are new.

/** How long the swap waits for new style sheets, in milliseconds. */
const STYLES_MS = 3000;

/** The types of scripts that a browser runs. */
const RUNS = /^(|module|importmap|(text|application)\/(x-)?(java|ecma)script)$/i;

/** The elements of the head that came with a page. Those that scripts have added stay. */
const ofPage = new Set(document.head.children);

/** The addresses of the scripts that have run. A script runs once. */
const haveRun = new Set(Array.from(document.scripts, script => script.src));

/** Returns what identifies an element of a head. The browser hides nonces. @param {Element} node */
const keyOf = node => {
  const copy = /** @type {Element} */ (node.cloneNode(true));
  copy.removeAttribute('nonce');
  return copy.outerHTML;
};

/**
 * Returns the script that runs in place of one of the next page, if it is new; null for one that
 * does not run. Inline scripts do not: they would bypass the Content-Security-Policy.
 *
 * @param {HTMLScriptElement} next
 */
const scriptFor = next => {
  if (!RUNS.test(next.type)) return document.importNode(next, true);
  if (!next.src) {
    console.warn('live:navigate: an inline script of the next page does not run; load it with `src`', next);
    return null;
  }
  if (haveRun.has(next.src)) return null;
  haveRun.add(next.src);
  const script = document.createElement('script');
  for (const { name, value } of next.attributes) if (name != 'nonce') script.setAttribute(name, value);
  /** @type {HTMLElement | null} */
  const withNonce = document.querySelector('script[nonce]');
  script.nonce = withNonce?.nonce ?? '';
  // In the order of the page.
  script.async = next.async;
  return script;
};

/**
 * Adds what is new in the head of the next page, and waits for its style sheets. Returns a function
 * that removes what only the page before had.
 *
 * @param {Document} next
 */
export const mergeHead = async next => {
  const { head } = document;
  /** @type {Map<string, Element>} */
  const old = new Map(Array.from(ofPage, node => [keyOf(node), node]));
  /** @type {Promise<unknown>[]} */
  const styles = [];
  /** @type {Element | undefined} */
  let last;
  for (const node of next.head.children) {
    const key = keyOf(node), kept = old.get(key);
    old.delete(key);
    const added = kept || (node.localName == 'script' ? scriptFor(/** @type {any} */ (node)) : document.importNode(node, true));
    if (!added) continue;
    if (!kept) {
      ofPage.add(added);
      if (/** @type {any} */ (added).relList?.contains('stylesheet')) {
        styles.push(new Promise(resolve => { for (const type of ['load', 'error']) added.addEventListener(type, resolve); }));
      }
      if (last) last.after(added);
      else head.prepend(added);
    }
    last = added;
  }
  if (styles.length) await Promise.race([Promise.all(styles), new Promise(resolve => setTimeout(resolve, STYLES_MS))]);
  return () => {
    for (const node of old.values()) if (node.localName != 'script') {
      node.remove();
      ofPage.delete(node);
    }
  };
};

/** Runs the scripts of the body that are new. */
export const runScripts = () => {
  for (const next of document.body.querySelectorAll('script')) {
    if (!RUNS.test(next.type) || haveRun.has(next.src) && next.src) continue;
    const script = scriptFor(next);
    if (script) next.replaceWith(script);
  }
};
