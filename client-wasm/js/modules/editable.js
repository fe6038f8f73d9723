// Elements with `contenteditable` that are bound to a field. They get the properties of a text
// area, so that the module `controls` can treat them as one.

import { commonEnds } from '../text.js';

const TEXT_NODE = 3;

/**
 * Returns the text of an element as the lines that a visitor sees, and the offsets of points in it,
 * each a node and an offset. Browsers make lines by line breaks, `<br>` and blocks.
 *
 * @param {any} host
 * @param {...[node: Node | null, offset: number]} points
 * @returns {[text: string, ...offsets: number[]]}
 */
const readLines = (host, ...points) => {
  let text = '', endsBlock = false;
  const offsets = points.map(() => 0);
  const endLine = () => {
    if (text && !text.endsWith('\n')) text += '\n';
    endsBlock = false;
  };
  /** @param {any} node */
  const walk = node => {
    /** @param {number} at */
    const recordPoints = at => points.forEach(([of, offset], point) => {
      if (of == node && offset >= at) offsets[point] = text.length + (node.data ? offset : 0);
    });
    const { data, localName: name } = node;
    if (node.nodeType == TEXT_NODE || name == 'br') {
      if (endsBlock && data !== '') endLine();
      recordPoints(0);
      text += data ?? '\n';
    } else if (name) {
      const { display } = getComputedStyle(node), isBlock = node != host && !/^inline|^contents/.test(display);
      if (display == 'none' && node != host) return;
      if (isBlock) endLine();
      node.childNodes.forEach((/** @type {Node} */ child, /** @type {number} */ at) => {
        recordPoints(at);
        walk(child);
      });
      recordPoints(node.childNodes.length);
      endsBlock ||= isBlock;
    }
  };
  walk(host);
  // The last line break is invisible.
  text = text.replace(/\n$/, '');
  return [text, ...offsets.map(at => Math.min(at, text.length))];
};

/**
 * Writes a text into the existing text node, so that the selection in it is kept.
 *
 * @param {any} host
 * @param {string} text
 */
const writeLines = (host, text) => {
  text = text.replace(/\r\n?/g, '\n').replace(/\n$/, '\n\n');
  const [node, another] = host.childNodes;
  if (!another && node?.nodeType == TEXT_NODE) {
    const [start, end] = commonEnds(node.data, text);
    node.replaceData(start, node.data.length - start - end, text.slice(start, text.length - end));
  } else host.textContent = text;
};

/**
 * Returns the start, the end and the direction of the selection in an element.
 *
 * @param {any} host
 * @returns {any[]}
 */
const readSelection = host => {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = /** @type {Selection} */ (getSelection());
  if (!host.contains(anchorNode) || !host.contains(focusNode)) return [];
  const [, anchor, focus] = readLines(host, [anchorNode, anchorOffset], [focusNode, focusOffset]);
  return anchor > focus ? [focus, anchor, 'backward'] : [anchor, focus, 'forward'];
};

/** @type {Module} */
export default core => {
  core.makeEditable = host => {
    const getter = (/** @type {(host: any) => unknown} */ get) => ({ get: () => get(host) }), constant = (/** @type {any} */ value) => ({ value });
    Object.defineProperties(host, {
      type: constant('textarea'),
      validity: constant({}),
      value: { get: () => readLines(host)[0], set: text => writeLines(host, text) },
      // Typed before the client was loaded: see capture.js.
      defaultValue: { value: host.$typed ? null : readLines(host)[0], writable: true },
      selectionStart: getter(host => readSelection(host)[0]),
      selectionEnd: getter(host => readSelection(host)[1]),
      selectionDirection: getter(host => readSelection(host)[2]),
      setRangeText: constant((/** @type {string} */ text, /** @type {number} */ start, /** @type {number} */ end) => {
        const old = host.value;
        writeLines(host, old.slice(0, start) + text + old.slice(end));
      }),
      setSelectionRange: constant((/** @type {number} */ start, /** @type {number} */ end, /** @type {string} */ direction) => {
        const node = host.firstChild ?? host;
        const [anchor, focus] = direction == 'backward' ? [end, start] : [start, end];
        /** @type {Selection} */ (getSelection()).setBaseAndExtent(node, anchor, node, focus);
      }),
    });
    // Spaces and line breaks are visible.
    host.style.whiteSpace = 'pre-wrap';
  };

  return true;
};
