// Replaces the head of the page by that of the next page, and runs the scripts that are new.

/** How long the swap waits for new style sheets, in milliseconds. */
const STYLES_MS = 3000;

/** The types of scripts that a browser runs. */
const RUNS = /^(|module|importmap|(text|application)\/(x-)?(java|ecma)script)$/i;

/** The attributes with an address. */
const ADDRESSES = ['href', 'src'];

/** @param {string} address @param {string | URL} base */
const wholeAddress = (address, base) => URL.canParse(address, base) ? new URL(address, base).href : address;

/**
 * Returns what identifies an element of a head: its text with whole addresses, without what the
 * browser hides.
 *
 * @param {Element} node
 * @param {string | URL} base The address of its page.
 */
const keyOf = (node, base) => {
  const copy = /** @type {Element} */ (node.cloneNode(true));
  copy.removeAttribute('nonce');
  for (const name of ADDRESSES) {
    const address = copy.getAttribute(name);
    if (address != null) copy.setAttribute(name, wholeAddress(address, base));
  }
  return copy.outerHTML;
};

/**
 * The elements of the head that came with a page, by their keys. Those that scripts have added
 * since the module was loaded stay.
 *
 * @type {Map<Element, string>}
 */
const ofPage = new Map(Array.from(document.head.children, node => [node, keyOf(node, document.baseURI)]));

/** The addresses of the scripts that have run. A script runs once. */
const haveRun = new Set(Array.from(document.scripts, script => script.src));

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
 * Loads the style sheets of the next page that are new, without applying them, and waits for them.
 * Returns a function that makes the head that of the next page, and one that gives it up.
 *
 * @param {Document} next
 * @param {URL} url The address of the next page.
 */
export const mergeHead = async (next, url) => {
  /** @type {Map<string, Element[]>} */
  const old = new Map();
  for (const [node, key] of ofPage) old.set(key, [...old.get(key) ?? [], node]);
  /** The elements of the next page: those that stay, those that were loaded, and new ones. */
  const nodes = Array.from(next.head.children, node => {
    const key = keyOf(node, url);
    return { node, key, kept: old.get(key)?.shift(), media: /** @type {any} */ (node).media };
  });
  /** @type {Promise<unknown>[]} */
  const styles = [];
  /** @type {Element | undefined} */
  let last;
  /** @param {Element} node */
  const insert = node => {
    if (last) last.after(node);
    else document.head.prepend(node);
  };
  for (const entry of nodes) {
    const { node } = entry;
    if (!entry.kept && /** @type {any} */ (node).relList?.contains('stylesheet')) {
      const style = entry.kept = /** @type {HTMLLinkElement} */ (document.importNode(node, true));
      // The page before is still shown, at its own address.
      style.href = wholeAddress(/** @type {string} */ (node.getAttribute('href')), url);
      style.media = 'not all';
      styles.push(new Promise(resolve => { for (const type of ['load', 'error']) style.addEventListener(type, resolve); }));
      insert(style);
    }
    last = entry.kept ?? last;
  }
  if (styles.length) await Promise.race([Promise.all(styles), new Promise(resolve => setTimeout(resolve, STYLES_MS))]);
  return {
    finish() {
      last = undefined;
      for (const { node, key, kept, media } of nodes) {
        const added = kept ?? (node.localName == 'script' ? scriptFor(/** @type {any} */ (node)) : document.importNode(node, true));
        if (!added) continue;
        if (!kept) insert(added);
        else if (!ofPage.has(kept)) /** @type {any} */ (kept).media = media;
        ofPage.set(added, key);
        last = added;
      }
      for (const node of [...old.values()].flat()) if (node.localName != 'script') {
        node.remove();
        ofPage.delete(node);
      }
    },
    undo() {
      for (const { kept } of nodes) if (kept && !ofPage.has(kept)) kept.remove();
    },
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
