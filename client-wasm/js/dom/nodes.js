// The nodes of views, by the numbers that the engine gives them.

import { PLACE_INSTANCES, PLACE_TEXT } from '../codes.js';
import { core } from '../core.js';
import { findAnchor, walkPath, walkStep } from './walk.js';

/**
 * Nodes by number: the root of each instance, followed by two numbers for each of its lists and
 * conditions, the parent and the anchor after the instances. A root knows its number, its block and
 * its view (see internal.d.ts).
 *
 * @type {any[]}
 */
export const nodes = [null];

/**
 * The block of each root, by the root's number: a row that is a component of its own is a root
 * twice.
 *
 * @type {Block[]}
 */
export const rootBlocks = [];

/**
 * The nodes of each root's holes, by the root's number: an element or a text; of a list or
 * condition the parent and the node after which the instances begin.
 *
 * @type {any[]}
 */
export const holeNodes = [];

/** The blocks of templates, by number. @type {Block[]} */
export const blocks = [];

/** The elements of components, by slot. @type {Map<number, Element>} */
export const elements = new Map();

const TEXT_NODE = 3;

/** Forgets all nodes and blocks: a new engine counts from the beginning. */
export const resetNodes = () => {
  for (const node of nodes) if (node) unbindRoot(node);
  nodes.length = 1;
  rootBlocks.length = holeNodes.length = blocks.length = 0;
};

/**
 * Numbers a root, its holes, and the places of its lists and conditions.
 *
 * @param {any} root
 * @param {number} number
 * @param {number} block
 * @param {number} view The slot of the component that the view belongs to.
 * @param {Node} like The root in the skeleton.
 */
export const bindRoot = (root, number, block, view, like = blocks[block].skeleton) => {
  const { holes, isWatching, isMarked } = (rootBlocks[number] = blocks[block]);
  nodes[number] = root;
  root.$root = number;
  root.$view = view;
  root.$block = block;
  if (isWatching) core.watchRoot?.(root);
  if (isMarked) core.awaitMarks?.(root);
  let part = number;
  holeNodes[number] = holes.map(([place, path, step, end]) => {
    const [at, twin] = walkPath(root, like, path);
    if (place != PLACE_TEXT && place != PLACE_INSTANCES) return at;
    const [before] = walkStep(at, twin, step);
    if (place == PLACE_INSTANCES) {
      nodes[++part] = at;
      nodes[++part] = end < 0 ? null : findAnchor(at, twin, end);
      return [at, before];
    }
    let text = before ? before.nextSibling : at.firstChild;
    if (text?.nodeType != TEXT_NODE) text = document.createTextNode('');
    text.$parent = at;
    text.$before = before;
    return text;
  });
};

/**
 * Takes the number from a root, and ends its marks.
 *
 * @param {any} root
 */
export const unbindRoot = root => {
  root.$root = 0;
  for (const end of root.$markEnds || []) end();
  root.$markEnds = null;
};
