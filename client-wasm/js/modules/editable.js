// Elements with `contenteditable` whose text is a field's. They get the properties of a text area: for `controls` they are one.

import { common } from '../text.js';

// The text of an element, as the lines that a visitor sees, and how far into it points are, each a node and an offset.
// Browsers make lines of line breaks, of `<br>` and of blocks.
const read = (host, ...points) => {
  let text = '', ends;
  const offsets = points.map(() => 0);
  const line = () => {
    if (text && !text.endsWith('\n')) text += '\n';
    ends = false;
  };
  const walk = node => {
    const note = at => points.forEach(([of, offset], i) => { if (of == node && offset >= at) offsets[i] = text.length + (node.data ? offset : 0); });
    const { data, localName: name } = node;
    if (node.nodeType == 3 || name == 'br') {
      if (ends && data !== '') line();
      note(0);
      text += data ?? '\n';
    } else if (name) {
      const { display } = getComputedStyle(node), block = node != host && !/^inline|^contents/.test(display);
      if (display == 'none' && node != host) return;
      if (block) line();
      node.childNodes.forEach((child, at) => {
        note(at);
        walk(child);
      });
      note(node.childNodes.length);
      ends ||= block;
    }
  };
  walk(host);
  // The last line break shows nothing.
  text = text.replace(/\n$/, '');
  return [text, ...offsets.map(at => Math.min(at, text.length))];
};

// Puts a text into an element: into the node that is there, so that what the visitor marks in it stays.
const put = (host, text) => {
  text = text.replace(/\r\n?/g, '\n').replace(/\n$/, '\n\n');
  const [node, another] = host.childNodes;
  if (!another && node?.nodeType == 3) {
    const [a, z] = common(node.data, text);
    node.replaceData(a, node.data.length - a - z, text.slice(a, text.length - z));
  } else host.textContent = text;
};

// Where the selection begins and ends, and its direction.
const selected = host => {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
  if (!host.contains(anchorNode) || !host.contains(focusNode)) return [];
  const [, anchor, focus] = read(host, [anchorNode, anchorOffset], [focusNode, focusOffset]);
  return anchor > focus ? [focus, anchor, 'backward'] : [anchor, focus, 'forward'];
};

export default core => {
  core.editable = host => {
    const get = get => ({ get: () => get(host) }), value = value => ({ value });
    Object.defineProperties(host, {
      type: value('textarea'),
      validity: value({}),
      value: { get: () => read(host)[0], set: text => put(host, text) },
      // Typed before the client was here: see capture.js.
      defaultValue: { value: host.$typed ? null : read(host)[0], writable: true },
      selectionStart: get(host => selected(host)[0]),
      selectionEnd: get(host => selected(host)[1]),
      selectionDirection: get(host => selected(host)[2]),
      setRangeText: value((text, a, end) => {
        const old = host.value;
        put(host, old.slice(0, a) + text + old.slice(end));
      }),
      setSelectionRange: value((start, end, direction) => {
        const node = host.firstChild ?? host;
        const [anchor, focus] = direction == 'backward' ? [end, start] : [start, end];
        getSelection().setBaseAndExtent(node, anchor, node, focus);
      }),
    });
    // Spaces and line breaks show as they are.
    host.style.whiteSpace = 'pre-wrap';
  };

  return true;
};
