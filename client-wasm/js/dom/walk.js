// Finds the places of a block in the page by walking the page and the block's skeleton side by
// side.
//
// A walk is made once for each hole, when its root is numbered. What foreign code put into the page
// (a password manager's icon) has nothing like it in the skeleton, and is skipped.

/** Thrown where the page has no such place: the view does not match its template. */
export const NOT_FOUND = 0;

// A step of a walk is a number of comments, shifted, plus a number of elements.
const COMMENTS_SHIFT = 16, ELEMENTS_MASK = 0xffff;
const COMMENT_NODE = 8;

/** @param {ParentNode} parent @param {Element | null} at */
const nextElement = (parent, at) => (at ? at.nextElementSibling : parent.firstElementChild);

/**
 * Returns the next element that is like the skeleton's.
 *
 * @param {ParentNode} parent
 * @param {any} at The node before it; null at the beginning.
 * @param {Element} like
 * @returns {any}
 */
export const findLike = (parent, at, like) => {
  do at = nextElement(parent, at); while (at && at != like && !(
    at.localName == like.localName && like.getAttributeNames().every(name => at.hasAttribute(name))));
  if (!at) throw NOT_FOUND;
  return at;
};

/**
 * Walks past a number of comments, then past a number of elements. Returns the last node that was
 * passed, in the page and in the skeleton; null at the beginning of the parent.
 *
 * @param {any} parent
 * @param {any} like The same parent in the skeleton.
 * @param {number} step
 */
export const walkStep = (parent, like, step) => {
  /** @param {Node} parent */
  const lastComment = parent => {
    let comments = step >> COMMENTS_SHIFT, at = comments ? /** @type {any} */ (parent.firstChild) : null;
    // A marker is an empty comment.
    while (at && (at.nodeType != COMMENT_NODE || at.data || --comments)) at = at.nextSibling;
    if (comments) throw NOT_FOUND;
    return at;
  };
  let at = lastComment(parent), twin = lastComment(like);
  for (let elements = step & ELEMENTS_MASK; elements--;) {
    twin = nextElement(like, twin);
    at = findLike(parent, at, twin);
  }
  return [at, twin];
};

/**
 * Walks to an element of a block, in the page and in the skeleton.
 *
 * @param {any} node
 * @param {any} like
 * @param {number[]} path
 */
export const walkPath = (node, like, path) => {
  for (const step of path) {
    const [at, twin] = walkStep(node, like, step);
    like = nextElement(like, twin);
    node = findLike(node, at, like);
  }
  return [node, like];
};

/**
 * Returns the anchor that ends the instances of a list or condition.
 *
 * @param {any} parent
 * @param {any} like
 * @param {number} comments How many markers precede it.
 */
export const findAnchor = (parent, like, comments) => {
  const [anchor] = walkStep(parent, like, (comments + 1) << COMMENTS_SHIFT);
  return anchor;
};
