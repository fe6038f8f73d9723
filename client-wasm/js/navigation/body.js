// Replaces the body of the page by that of the next page. Elements that are the same stay.

/** Elements with a state of their own: each page has new ones. */
const STATEFUL = 'live-component,input,textarea,select,[contenteditable],iframe,video,audio,canvas,object,embed,details,dialog,[popover],script';
const ELEMENT_NODE = 1;

/** @param {Element} node */
const isStateful = node => node.matches(STATEFUL) || node.localName.includes('-');

/**
 * Checks whether a node of the page can become one of the next page.
 *
 * @param {any} old
 * @param {any} next
 */
const isAlike = (old, next) => old.nodeName == next.nodeName && old.nodeType == next.nodeType && (
  old.nodeType != ELEMENT_NODE || old.namespaceURI == next.namespaceURI && old.id == next.id && !isStateful(old) && !isStateful(next));

/** @param {any} old @param {any} next */
const syncNode = (old, next) => {
  if (old.nodeType != ELEMENT_NODE) {
    if (old.data != next.data) old.data = next.data;
    return;
  }
  if (old.isEqualNode(next) && !old.querySelector(STATEFUL)) return;
  syncAttributes(old, next);
  syncChildren(old, next);
};

/** @param {Element} old @param {Element} next */
const syncAttributes = (old, next) => {
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const attribute of next.attributes) {
    if (old.getAttribute(attribute.name) != attribute.value) old.setAttributeNode(/** @type {Attr} */ (attribute.cloneNode()));
  }
};

/** @param {Element} old @param {Element} next */
const syncChildren = (old, next) => {
  let at = old.firstChild;
  for (const node of next.childNodes) {
    let like = at;
    while (like && !isAlike(like, node)) like = like.nextSibling;
    if (like) {
      while (at != like) at = removeNode(/** @type {ChildNode} */ (at));
      at = like.nextSibling;
      syncNode(like, node);
    } else old.insertBefore(document.importNode(node, true), at);
  }
  while (at) at = removeNode(at);
};

/** Removes a node. Returns the one after it. @param {ChildNode} node */
const removeNode = node => {
  const { nextSibling } = node;
  node.remove();
  return nextSibling;
};

/**
 * Moves a node within the document, with its state if the browser can.
 *
 * @param {any} parent
 * @param {any} node
 * @param {any} before
 */
const moveNode = (parent, node, before) => parent[parent.moveBefore ? 'moveBefore' : 'insertBefore'](node, before);

const PERSIST = 'live:persist', MARK = 'live-persisted';

/**
 * Swaps the body. Elements with `live:persist` that both pages have under the same name are moved,
 * with their components.
 *
 * @param {Document} next
 */
export const swapBody = async next => {
  const old = new Map(Array.from(document.querySelectorAll(`[${CSS.escape(PERSIST)}]`), node => [node.getAttribute(PERSIST), node]));
  /**
   * The scrolled elements in those that stay: a move resets them.
   *
   * @type {[Element, left: number, top: number][]}
   */
  const scrolled = [];
  const kept = [], shelf = document.createElement('div');
  shelf.hidden = true;
  document.documentElement.append(shelf);
  for (const node of next.querySelectorAll(`[${CSS.escape(PERSIST)}]`)) {
    const stays = old.get(node.getAttribute(PERSIST));
    // One inside of another one stays with it.
    if (!stays || !node.isConnected || shelf.contains(stays)) continue;
    const mark = next.createElement(MARK);
    mark.id = `${MARK}-${kept.length}`;
    node.replaceWith(mark);
    kept.push(stays);
    for (const inner of [stays, ...stays.querySelectorAll('*')]) {
      if (inner.scrollTop || inner.scrollLeft) scrolled.push([inner, inner.scrollLeft, inner.scrollTop]);
    }
    moveNode(shelf, stays, null);
  }
  // The components of the page before are unmounted first: the server counts those of a session.
  for (const component of document.body.querySelectorAll('live-component')) component.remove();
  await undefined;
  syncAttributes(document.body, next.body);
  syncChildren(document.body, next.body);
  kept.forEach((stays, number) => {
    const mark = /** @type {Element} */ (document.getElementById(`${MARK}-${number}`));
    moveNode(mark.parentNode, stays, mark);
    mark.remove();
  });
  shelf.remove();
  for (const [inner, left, top] of scrolled) inner.scrollTo({ left, top, behavior: 'instant' });
};
