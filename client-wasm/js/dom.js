// Runs the operations of the engine, which engine/src/dom.rs documents.

import {
  OP_ANSWERED, OP_CLEAR, OP_FORGET, OP_INSERT, OP_MAKE, OP_REFUSE, OP_REMOVE, OP_ROOT, OP_ROWS, OP_SET, OP_TEMPLATE, OP_VIEW,
} from './codes.js';
import { core } from './core.js';
import { checkOptions } from './dom/attributes.js';
import { prepareBlock } from './dom/block.js';
import { setHole } from './dom/hole.js';
import { bindRoot, blocks, elements, holeNodes, nodes, rootBlocks, unbindRoot } from './dom/nodes.js';
import { NOT_FOUND, findLike } from './dom/walk.js';

/** Formats a number as JavaScript does. @param {number} value */
export const number = value => '' + value;
/** Parses a number as JavaScript does. @param {string} text */
export const float = text => +text;

/**
 * Opens a socket, or returns the one that the capture script has opened, once, if it can be used.
 * The capture script has sent its `HELLO`, and kept what the server has answered.
 *
 * @param {string} url
 * @param {string} protocol
 */
export const openSocket = (url, protocol) => {
  const socket = document.$socket;
  document.$socket = undefined;
  if (!(socket && socket.readyState < 2)) return new WebSocket(url, protocol);
  // The engine's first message is that `HELLO`.
  socket.send = () => { delete (/** @type {any} */ (socket)).send; };
  // Once the engine listens.
  queueMicrotask(() => {
    const frames = socket.$frames;
    socket.$frames = undefined;
    for (const data of frames ?? []) socket.dispatchEvent(new MessageEvent('message', { data }));
  });
  return socket;
};

// Where the browser supports moves, media that plays and positions of scrolling in the node are
// kept.
core.moveNode = (parent, node, before) => {
  if (!parent.moveBefore) return parent.insertBefore(node, before);
  // Chromium scrolls to what has the focus in a node that it moves: the user would lose the place
  // in the page.
  /** @type {[any, number, number][]} */
  const scrolled = [];
  if (node.contains(document.activeElement)) {
    for (let at = parent; at; at = at.parentElement) scrolled.push([at, at.scrollLeft, at.scrollTop]);
  }
  parent.moveBefore(node, before);
  for (const [at, left, top] of scrolled) at.scrollTo({ left, top, behavior: 'instant' });
};

/**
 * Puts a node before another one in a parent.
 *
 * @param {any} parent
 * @param {any} node
 * @param {any} before
 */
const insertNode = (parent, node, before) => {
  const moves = node.parentNode === parent;
  if (moves && node.nextSibling === before) return;
  if (before && before.parentNode != parent) throw NOT_FOUND;
  if (moves) core.moveNode(parent, node, before);
  else parent.insertBefore(node, before);
  checkOptions(parent);
};

/** Calls to make after all operations. @type {((() => void) | undefined)[]} */
let deferred = [];

/** Fills a component's element with a skeleton. @param {Element} element @param {number} block */
const fillElement = (element, block) => {
  deferred.push(core.keepDrafts?.(element, block));
  element.textContent = '';
  element.append(document.importNode(blocks[block].skeletonContent, true));
};

/**
 * How many words the operations have that look for a place.
 *
 * @type {Record<number, number>}
 */
const LENGTHS = { [OP_ROWS]: 6, [OP_ROOT]: 4, [OP_INSERT]: 3, [OP_REMOVE]: 1, [OP_CLEAR]: 1, [OP_SET]: 3 };

/**
 * Runs operations.
 *
 * @param {Uint32Array} words The numbers of all operations, each followed by its words and the
 *   lengths of its strings.
 * @param {string} strings The strings of all operations.
 */
export function run(words, strings) {
  let at = 0, textAt = 0;
  /** The slot of the view that the operations are about. @type {any} */
  let view;
  // Views whose nodes do not match the template, and views that were filled here.
  const misplaced = new Set(), filled = new Set();
  const word = () => words[at++];
  const text = () => strings.slice(textAt, (textAt += words[at++]));
  const node = () => {
    const node = nodes[word()];
    if (!node) throw NOT_FOUND;
    return node;
  };
  while (at < words.length) {
    const op = word(), from = at, textFrom = textAt;
    let root, number, block, parent;
    try {
      switch (op) {
        case OP_TEMPLATE:
          number = word();
          for (const source of JSON.parse(text())) blocks[number++] = prepareBlock(source);
          break;
        case OP_MAKE:
          number = word();
          block = word();
          root = /** @type {Element} */ (blocks[block].skeleton.cloneNode(true));
          bindRoot(root, number, block, view);
          core.focusNew?.(root);
          break;
        case OP_ROWS: {
          node();
          [parent, root] = holeNodes[words[from]][word()];
          number = word();
          const count = word(), stride = word();
          block = word();
          for (let row = 0; row < count; row++) {
            bindRoot(root = findLike(parent, root, blocks[block].skeleton), number + row * stride, block, view);
          }
          break;
        }
        case OP_ROOT:
          number = word();
          root = elements.get(word());
          block = word();
          if (!root) throw NOT_FOUND;
          if (word()) {
            fillElement(root, block);
            filled.add(view);
          }
          bindRoot(root, number, block, view, blocks[block].skeletonContent);
          break;
        case OP_INSERT:
          // The parent belongs to the instance whose root has the nearest lower number.
          number = words[at];
          parent = node();
          root = node();
          while (!rootBlocks[number]) number--;
          if (nodes[number].isConnected && !parent.isConnected) throw NOT_FOUND;
          insertNode(parent, root, nodes[word()]);
          break;
        case OP_REMOVE:
          root = node();
          parent = root.parentNode;
          unbindRoot(root);
          root.remove();
          checkOptions(parent);
          break;
        case OP_FORGET:
          number = word();
          for (let count = word(); count--; number++) {
            root = nodes[number];
            if (root && root.$root === number) unbindRoot(root);
            nodes[number] = holeNodes[number] = null;
          }
          break;
        case OP_CLEAR: node().textContent = ''; break;
        case OP_SET: {
          root = node();
          number = words[from];
          const hole = word();
          setHole(root, rootBlocks[number].holes[hole], hole, holeNodes[number][hole], word(), text());
          break;
        }
        case OP_REFUSE: {
          /** @type {[slot: number, kind: number, field: string, value: string]} */
          const refusal = [word(), word(), text(), text()];
          core.formControls?.refuseEdit(...refusal);
          break;
        }
        case OP_VIEW: view = word(); break;
        case OP_ANSWERED: {
          /** @type {[root: number, isOk: number]} */
          const answer = [word(), word()];
          core.formControls?.actionAnswered(...answer);
          break;
        }
        default: core.runOperation(op, word, text);
      }
    } catch (error) {
      if (error) {
        if (!LENGTHS[op]) throw error;
        // Where the HTML is not the template's, the element that was found may be any element.
        console.warn(error);
      }
      // The operation is skipped, with all its words and its string.
      misplaced.add(view);
      textAt = textFrom;
      at = from + LENGTHS[op];
      if (op == OP_SET) text();
    }
  }
  const calls = deferred;
  deferred = [];
  core.formControls?.showDue();
  core.beginMarks?.();
  for (const call of calls) call?.();
  // Foreign code may have removed nodes that no operation was about.
  for (const node of nodes) if (node?.$root && !node.isConnected && elements.get(node.$view)?.isConnected) misplaced.add(node.$view);
  for (const slot of misplaced) if (!filled.has(slot)) core.rebuildView(slot);
  // What was typed into a view that is rebuilt is put back by the rebuild.
  core.formControls?.takeTyped(node => misplaced.has(/** @type {any} */ (node.closest('live-component')).$slot));
}
