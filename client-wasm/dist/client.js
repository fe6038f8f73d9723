// ../target/client/bound/snippets/vivaz-client-1fa7847e0c10a8fb/js/dom.js
var nodes = [null];
var templates = [];
var elements = [];
var watchers = /* @__PURE__ */ new Set();
var effects = {};
var walks = [[0]];
var names = [];
var reset = () => {
  nodes = [null];
  templates = [];
  walks = [[0]];
  names = [];
  watchers.clear();
};
var number = (n) => "" + n;
var pass = (parent, step) => {
  let comments = step >> 16, elements2 = step & 65535, at = null;
  if (comments) {
    at = parent.firstChild;
    while (at && (at.nodeType != 8 || --comments)) at = at.nextSibling;
    if (!at) throw 0;
  }
  while (elements2--) {
    at = at ? at.nextElementSibling : parent.firstElementChild;
    if (!at) throw 0;
  }
  return at;
};
var next = (parent, at) => at ? at.nextElementSibling : parent.firstElementChild;
var walk = (node, path) => {
  if (!node) throw 0;
  const steps = walks[path], last = steps[0] ? steps.length - 1 : steps.length;
  for (let i = 1; i < last; i++) node = next(node, pass(node, steps[i]));
  if (steps[0] == 2) node = pass(node, steps[last]);
  if (!node) throw 0;
  return node;
};
var text = (node, path, value) => {
  const parent = walk(node, path), steps = walks[path], at = pass(parent, steps[steps.length - 1]);
  const there = at ? at.nextSibling : parent.firstChild;
  if (there && there.nodeType == 3) {
    if (there.data !== value) there.data = value;
  } else if (value) parent.insertBefore(document.createTextNode(value), there);
};
var bind = (node, id, template2) => {
  nodes[id] = node;
  node.$i = id;
  node.$b = template2;
  const of = templates[template2];
  if (of.watches) watchers.add(node);
  if (of.marks.length) marked.push(node);
};
var unbind = (node) => {
  node.$i = 0;
  watchers.delete(node);
  for (const end of node.$m || []) end();
  node.$m = null;
};
var marked = [];
var mark = (node) => {
  node.$m = [];
  for (const [path, hook2, name] of templates[node.$b].marks) {
    const end = effects.mark(walk(node, path), hook2, name);
    if (end) node.$m.push(end);
  }
};
var attribute = (node, name, value) => {
  if (node.$w && name in node.$w) node.$w[name] = value;
  else write(node, name, value);
};
var write = (node, name, value) => {
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else if (name.startsWith("xlink:")) node.setAttributeNS("http://www.w3.org/1999/xlink", name, value);
  else node.setAttribute(name, value);
};
var DEFAULTS = { checked: "defaultChecked", selected: "defaultSelected", muted: "defaultMuted" };
var property = (node, name, force, value) => {
  if (name == "value" && !("defaultValue" in node) && node.localName != "select") return write(node, name, value);
  const set2 = node.$p ??= {};
  const last = set2[name] ?? (name == "value" ? node.defaultValue ?? "" : (DEFAULTS[name] ? node[DEFAULTS[name]] : node.hasAttribute(name)) ? "1" : "");
  set2[name] = value;
  if (last === value && !force) return;
  if (name == "value") {
    const typing = node === document.activeElement && node.value !== last;
    if (node.value !== value && !typing) node.value = value;
  } else if (node[name] !== !!value) node[name] = !!value;
};
var classes = (node, on, list) => {
  for (const name of list) if (name && node.classList.contains(name) != on) node.classList.toggle(name, on);
};
var wire = (node, effect, on, argument) => {
  if (effect == 0) {
    if (node.hidden == !!on) node.hidden = !on;
  } else if (effect == 1) classes(node, !!on, argument.split(" "));
  else if (on) {
    const held = node.$w ??= {};
    if (!(argument in held)) {
      held[argument] = node.getAttribute(argument);
      node.setAttribute(argument, "");
    }
  } else if (node.$w && argument in node.$w) {
    const value = node.$w[argument];
    delete node.$w[argument];
    write(node, argument, value);
  }
};
var TEXT = 0;
var CHECKBOX = 2;
var RADIO = 3;
var SELECT = 4;
var MULTIPLE = 5;
var read = (node, control2, flags) => {
  if (control2 == CHECKBOX) return node.checked;
  if (control2 == MULTIPLE) return Array.from(node.selectedOptions, (option) => option.value);
  let value = node.value;
  if (flags & 4) value = value.trim();
  if (!(flags & 8)) return value;
  return value === "" ? null : isNaN(value) ? value : +value;
};
var shown = (value) => Array.isArray(value) ? value.join("\n") : value === null ? "" : typeof value == "boolean" ? value ? "1" : "" : "" + value;
var touched = (node, control2) => {
  if (control2 == CHECKBOX || control2 == RADIO) return node.checked != node.defaultChecked;
  if (control2 < CHECKBOX) return node.value !== node.defaultValue;
  const options = [...node.options], chosen = options.some((o) => o.defaultSelected);
  return options.some((o, i) => o.selected != (chosen || control2 == MULTIPLE ? o.defaultSelected : !i));
};
var show = (node, control2 = node.$t, value = node.$v) => {
  if (control2 == CHECKBOX) node.checked = !!value;
  else if (control2 == RADIO) node.checked = node.value === value;
  else if (control2 == SELECT) {
    if (node.value !== value) node.value = value;
  } else if (control2 == MULTIPLE) {
    const chosen = value.split("\n");
    for (const option of node.options) option.selected = chosen.includes(option.value);
  } else {
    const old = node.value;
    if (node.$c || old === value || node.validity.badInput) return;
    if (node !== document.activeElement || node.selectionStart == null) node.value = value;
    else {
      let a = 0, z = 0;
      const most = Math.min(old.length, value.length);
      while (a < most && old[a] === value[a]) a++;
      while (z < most - a && old[old.length - 1 - z] === value[value.length - 1 - z]) z++;
      node.setRangeText(value.slice(a, value.length - z), a, old.length - z, "preserve");
    }
  }
};
var model = (node, control2, force, value) => {
  if (node.$v === void 0) {
    node.$t = control2;
    if (touched(node, control2)) {
      node.$v = value;
      late.push(() => effects.edited(node));
      return;
    }
  } else if (node.$v === value && !force) return;
  node.$v = value;
  if (control2 == SELECT || control2 == MULTIPLE) selects.add(node);
  else show(node, control2, value);
};
var selects = /* @__PURE__ */ new Set();
var late = [];
var insert = (parent, node, before) => {
  const inside = node.isConnected && node.contains(document.activeElement);
  if (node.parentNode === parent) {
    if (node.nextSibling === before) return;
    if (inside && parent.moveBefore) return parent.moveBefore(node, before);
  }
  const focused = inside && document.activeElement;
  const start3 = focused && focused.selectionStart, end = focused && focused.selectionEnd;
  parent.insertBefore(node, before);
  if (focused) {
    focused.focus({ preventScroll: true });
    if (start3 != null) focused.setSelectionRange(start3, end);
  }
  if (parent.localName == "select" || parent.localName == "optgroup") changedOptions(parent);
};
var changedOptions = (parent) => {
  const select = parent.closest("select");
  if (select && select.$v !== void 0) selects.add(select);
};
var rebuild = (node, template2) => {
  const kept = [];
  for (const control2 of node.querySelectorAll("[name]")) {
    const kind = control2.type == "checkbox" ? CHECKBOX : control2.type == "radio" ? RADIO : control2.localName == "select" ? control2.multiple ? MULTIPLE : SELECT : TEXT;
    if ("value" in control2 && control2.localName != "button" && touched(control2, kind)) kept.push(control2);
  }
  const focused = node.contains(document.activeElement) && document.activeElement.name;
  node.textContent = "";
  node.append(document.importNode(templates[template2].content, true));
  late.push(() => {
    for (const old of kept) {
      const radio = old.type == "radio" ? `[value="${CSS.escape(old.value)}"]` : "";
      const control2 = node.querySelector(`[name="${CSS.escape(old.name)}"]${radio}`);
      if (!control2 || control2.type != old.type || control2.type == "file") continue;
      if (old.multiple && old.options) for (const o of control2.options) o.selected = [...old.selectedOptions].some((p) => p.value == o.value);
      else if (old.type == "checkbox" || old.type == "radio") control2.checked = old.checked;
      else control2.value = old.value;
      control2.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (focused) node.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  });
};
var skeleton = (namespace, html) => {
  const template2 = document.createElement("template");
  const around = ["", "svg", "math"][namespace];
  template2.innerHTML = around ? `<${around}>${html}</${around}>` : html;
  const content = template2.content;
  return { content, root: around ? content.firstChild.firstElementChild : content.firstElementChild, listen: [], controls: [], marks: [] };
};
function run(words, string) {
  let i = 0, q = 0, fits = true, n, v, p;
  const w = () => words[i++];
  const s = () => string.slice(q, q += words[i++]);
  const at = () => walk(nodes[w()], w());
  while (i < words.length) {
    const op = w(), from = i, cut = q;
    try {
      switch (op) {
        case 1:
          n = w();
          v = w();
          templates[n] = skeleton(v, s());
          break;
        case 2:
          n = w();
          v = w();
          p = w();
          walks[n] = [v, ...words.subarray(i, i += p)];
          break;
        case 3:
          n = w();
          names[n] = s();
          break;
        case 4: {
          const of = templates[w()], l = { hole: w(), path: w(), flags: w(), held: w(), debounce: w(), throttle: w(), type: s() };
          v = s();
          l.keys = v ? v.split("\n") : null;
          if (l.flags & 48) of.watches = 1;
          of.listen.push(l);
          effects.listen(l.type);
          break;
        }
        case 5:
          templates[w()].controls.push({ hole: w(), path: w(), control: w(), flags: w(), debounce: w() });
          break;
        case 6:
          n = templates[w()];
          n.marks.push([w(), w(), s()]);
          break;
        case 7:
          n = w();
          v = w();
          bind(templates[v].root.cloneNode(true), n, v);
          break;
        case 8:
          n = at();
          nodes[w()] = n;
          break;
        case 9: {
          const parent = nodes[w()], path = w(), first = w(), count = w(), stride = w(), template2 = w();
          n = next(parent, pass(parent, walks[path][1]));
          for (let k = 0; k < count; k++, n = n.nextElementSibling) {
            if (!n || n.localName != templates[template2].root.localName) throw 0;
            bind(n, first + k * stride, template2);
          }
          break;
        }
        case 10:
          n = w();
          v = elements[w()];
          bind(v, n, w());
          break;
        case 11:
          n = nodes[w()];
          rebuild(n, w());
          break;
        case 12:
          p = nodes[w()];
          n = nodes[w()];
          v = nodes[w()];
          if (!p || !n) throw 0;
          insert(p, n, v);
          break;
        case 13:
          n = nodes[w()];
          if (!n) throw 0;
          p = n.parentNode;
          unbind(n);
          n.remove();
          if (p && (p.localName == "select" || p.localName == "optgroup")) changedOptions(p);
          break;
        case 14:
          for (v = w(), p = w(); p--; v++) {
            n = nodes[v];
            if (n && n.$i === v) unbind(n);
            nodes[v] = null;
          }
          break;
        case 15:
          n = nodes[w()];
          if (!n) throw 0;
          n.textContent = "";
          break;
        case 16:
          n = nodes[w()];
          v = w();
          text(n, v, s());
          break;
        case 17:
          n = at();
          v = s();
          if (n.textContent !== v) n.textContent = v;
          break;
        case 18:
          n = at();
          v = s();
          if (n.$h === void 0) {
            p = document.createElement("template");
            p.innerHTML = v;
            if (n.innerHTML !== p.innerHTML) n.innerHTML = v;
          } else if (n.$h !== v) n.innerHTML = v;
          n.$h = v;
          break;
        case 19:
          n = at();
          v = names[w()];
          attribute(n, v, s());
          break;
        case 20:
          n = at();
          attribute(n, names[w()], null);
          break;
        case 21:
          n = at();
          v = names[w()];
          p = w();
          property(n, v, p, s());
          break;
        case 22:
          n = at();
          v = names[w()];
          classes(n, !!w(), [v]);
          break;
        case 23: {
          n = at();
          const list = s().split(/\s+/);
          classes(n, false, (n.$k || []).filter((name) => !list.includes(name)));
          classes(n, true, n.$k = list);
          break;
        }
        case 24:
          n = at().style;
          v = names[w()];
          if (w()) {
            p = s();
            if (n.getPropertyValue(v) !== p) n.setProperty(v, p);
          } else {
            s();
            if (n.getPropertyValue(v)) n.removeProperty(v);
          }
          break;
        case 25:
          n = at();
          v = !w();
          if (n.hidden != v) n.hidden = v;
          break;
        case 26:
          n = at();
          v = w();
          p = w();
          model(n, v, p, s());
          break;
        case 27:
          n = at();
          s();
          n.$v = s();
          n.$r = 1;
          n.setAttribute("aria-invalid", "true");
          break;
        case 28:
          n = at();
          v = w();
          p = w();
          wire(n, v, p, s());
          break;
        case 29:
          n = at();
          v = w();
          n.$p = { name: s(), props: s() };
          effects.child(n, v);
          break;
        default:
          effects.run(op, w, s);
      }
    } catch (error) {
      console.log("MISFIT", op, from, [...words.slice(from, from + 8)], error);
      if (error) throw error;
      fits = false;
      q = cut;
      i = from + LENGTH[op];
      for (let k = STRINGS[op] || 0; k--; ) s();
    }
  }
  const chosen = selects, marks = marked, after2 = late;
  selects = /* @__PURE__ */ new Set();
  marked = [];
  late = [];
  for (const select of chosen) show(select);
  for (const node of marks) if (node.$i && !node.$m) try {
    mark(node);
  } catch (e) {
    if (e) throw e;
  }
  for (const act of after2) act();
  return true;
}
var LENGTH = { 8: 3, 9: 6, 12: 3, 13: 1, 15: 1, 16: 2, 17: 2, 18: 2, 19: 3, 20: 3, 21: 4, 22: 4, 23: 2, 24: 4, 25: 3, 26: 4, 27: 2, 28: 4, 29: 3 };
var STRINGS = { 16: 1, 17: 1, 18: 1, 19: 1, 21: 1, 23: 1, 24: 1, 26: 1, 27: 2, 28: 1, 29: 2 };

// ../target/client/bound/vivaz_client.js
function __wbg_reset_state() {
  __wbg_instance_id++;
  cachedDataViewMemory0 = null;
  cachedUint32ArrayMemory0 = null;
  cachedUint8ArrayMemory0 = null;
  if (typeof numBytesDecoded !== "undefined") numBytesDecoded = 0;
  if (typeof WASM_VECTOR_LEN !== "undefined") WASM_VECTOR_LEN = 0;
  __wbg_reinit_scheduled = false;
  wasmInstance = new WebAssembly.Instance(wasmModule, __wbg_get_imports());
  wasm = wasmInstance.exports;
  wasm.__wbindgen_start();
}
function call(slot2, action, _arguments, ticket2) {
  const val3 = +slot2;
  const val4 = +ticket2;
  let ptr0, len0, ptr1, len1;
  try {
    ptr0 = passStringToWasm0(action, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len0 = WASM_VECTOR_LEN;
    ptr1 = passStringToWasm0(_arguments, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len1 = WASM_VECTOR_LEN;
  } catch (e) {
    if (ptr1) {
      wasm.__wbindgen_free(ptr1, len1 * 1, 1);
    }
    if (ptr0) {
      wasm.__wbindgen_free(ptr0, len0 * 1, 1);
    }
    throw e;
  }
  __wbg_call_guard();
  wasm.call(val3, ptr0, len0, ptr1, len1, val4);
}
function commit(slot2, node, hole) {
  __wbg_call_guard();
  wasm.commit(slot2, node, hole);
}
function edit(slot2, node, hole, value) {
  const val2 = +slot2;
  const val3 = +node;
  const val4 = +hole;
  const ptr0 = passStringToWasm0(value, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
  const len0 = WASM_VECTOR_LEN;
  __wbg_call_guard();
  wasm.edit(val2, val3, val4, ptr0, len0);
}
function event(slot2, node, hole, payload) {
  const val2 = +slot2;
  const val3 = +node;
  const val4 = +hole;
  const ptr0 = passStringToWasm0(payload, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
  const len0 = WASM_VECTOR_LEN;
  __wbg_call_guard();
  wasm.event(val2, val3, val4, ptr0, len0);
}
function guess(slot2, patch) {
  const val2 = +slot2;
  const ptr0 = passStringToWasm0(patch, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
  const len0 = WASM_VECTOR_LEN;
  let ret;
  __wbg_call_guard();
  ret = wasm.guess(val2, ptr0, len0);
  return ret;
}
function leave(for_good) {
  __wbg_call_guard();
  wasm.leave(for_good);
}
function loading(slot2) {
  let ret;
  __wbg_call_guard();
  ret = wasm.loading(slot2);
  return ret !== 0;
}
function mount(id, seal, name, props2, template2, shape, user, element) {
  const val8 = +element;
  let ptr0, len0, ptr1, len1, ptr2, len2, ptr3, len3, ptr4, len4, ptr5, len5, ptr6, len6;
  try {
    ptr0 = passStringToWasm0(id, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len0 = WASM_VECTOR_LEN;
    ptr1 = isLikeNone(seal) ? 0 : passStringToWasm0(seal, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len1 = WASM_VECTOR_LEN;
    ptr2 = passStringToWasm0(name, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len2 = WASM_VECTOR_LEN;
    ptr3 = passStringToWasm0(props2, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len3 = WASM_VECTOR_LEN;
    ptr4 = passStringToWasm0(template2, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len4 = WASM_VECTOR_LEN;
    ptr5 = isLikeNone(shape) ? 0 : passStringToWasm0(shape, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len5 = WASM_VECTOR_LEN;
    ptr6 = passStringToWasm0(user, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len6 = WASM_VECTOR_LEN;
  } catch (e) {
    if (ptr6) {
      wasm.__wbindgen_free(ptr6, len6 * 1, 1);
    }
    if (ptr5) {
      wasm.__wbindgen_free(ptr5, len5 * 1, 1);
    }
    if (ptr4) {
      wasm.__wbindgen_free(ptr4, len4 * 1, 1);
    }
    if (ptr3) {
      wasm.__wbindgen_free(ptr3, len3 * 1, 1);
    }
    if (ptr2) {
      wasm.__wbindgen_free(ptr2, len2 * 1, 1);
    }
    if (ptr1) {
      wasm.__wbindgen_free(ptr1, len1 * 1, 1);
    }
    if (ptr0) {
      wasm.__wbindgen_free(ptr0, len0 * 1, 1);
    }
    throw e;
  }
  __wbg_call_guard();
  wasm.mount(ptr0, len0, ptr1, len1, ptr2, len2, ptr3, len3, ptr4, len4, ptr5, len5, ptr6, len6, val8);
}
function props(slot2, props2) {
  const val2 = +slot2;
  const ptr0 = passStringToWasm0(props2, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
  const len0 = WASM_VECTOR_LEN;
  __wbg_call_guard();
  wasm.props(val2, ptr0, len0);
}
function release(slot2, tag) {
  __wbg_call_guard();
  wasm.release(slot2, tag);
}
function set(slot2, field, value, ticket2) {
  const val3 = +slot2;
  const val4 = +ticket2;
  let ptr0, len0, ptr1, len1;
  try {
    ptr0 = passStringToWasm0(field, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len0 = WASM_VECTOR_LEN;
    ptr1 = passStringToWasm0(value, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len1 = WASM_VECTOR_LEN;
  } catch (e) {
    if (ptr1) {
      wasm.__wbindgen_free(ptr1, len1 * 1, 1);
    }
    if (ptr0) {
      wasm.__wbindgen_free(ptr0, len0 * 1, 1);
    }
    throw e;
  }
  __wbg_call_guard();
  wasm.set(val3, ptr0, len0, ptr1, len1, val4);
}
function start(url, seed) {
  const val2 = +seed;
  const ptr0 = passStringToWasm0(url, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
  const len0 = WASM_VECTOR_LEN;
  __wbg_call_guard();
  wasm.start(ptr0, len0, val2);
}
function state(slot2) {
  let deferred1_0;
  let deferred1_1;
  try {
    let ret;
    __wbg_call_guard();
    ret = wasm.state(slot2);
    deferred1_0 = ret[0];
    deferred1_1 = ret[1];
    return getStringFromWasm0(ret[0], ret[1]);
  } finally {
    __wbg_call_guard();
    wasm.__wbindgen_free(deferred1_0, deferred1_1, 1);
  }
}
function template(hash, text2) {
  let ptr0, len0, ptr1, len1;
  try {
    ptr0 = passStringToWasm0(hash, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len0 = WASM_VECTOR_LEN;
    ptr1 = isLikeNone(text2) ? 0 : passStringToWasm0(text2, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    len1 = WASM_VECTOR_LEN;
  } catch (e) {
    if (ptr1) {
      wasm.__wbindgen_free(ptr1, len1 * 1, 1);
    }
    if (ptr0) {
      wasm.__wbindgen_free(ptr0, len0 * 1, 1);
    }
    throw e;
  }
  __wbg_call_guard();
  wasm.template(ptr0, len0, ptr1, len1);
}
function timer(token) {
  __wbg_call_guard();
  wasm.timer(token);
}
function unmount(slot2) {
  __wbg_call_guard();
  wasm.unmount(slot2);
}
function wake() {
  __wbg_call_guard();
  wasm.wake();
}
function __wbg_get_imports() {
  const import0 = {
    __proto__: null,
    __wbg___wbindgen_is_function_741ff2bb612836f5: function(arg0) {
      const ret = typeof arg0 === "function";
      return ret;
    },
    __wbg___wbindgen_is_string_fc456fee5d3317de: function(arg0) {
      const ret = typeof arg0 === "string";
      return ret;
    },
    __wbg___wbindgen_is_undefined_be5b34249ff1fc15: function(arg0) {
      const ret = arg0 === void 0;
      return ret;
    },
    __wbg___wbindgen_string_get_7ce8eee7fd327545: function(arg0, arg1) {
      const obj = arg1;
      const ret = typeof obj === "string" ? obj : void 0;
      var ptr1 = isLikeNone(ret) ? 0 : passStringToWasm0(ret, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
      var len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
    },
    __wbg___wbindgen_throw_4c88d8bf264fd984: function(arg0, arg1) {
      throw new Error(getStringFromWasm0(arg0, arg1));
    },
    __wbg__wbg_cb_unref_09736879a3f67559: function(arg0) {
      arg0._wbg_cb_unref();
    },
    __wbg_addEventListener_847fd86b8c33ec43: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        arg0.addEventListener(getStringFromWasm0(arg1, arg2), arg3);
      }, arguments);
    },
    __wbg_addEventListener_f2d27251d333a631: function() {
      return handleError(function(arg0, arg1, arg2, arg3, arg4) {
        arg0.addEventListener(getStringFromWasm0(arg1, arg2), arg3, arg4);
      }, arguments);
    },
    __wbg_close_297c4419d0990129: function() {
      return handleError(function(arg0, arg1) {
        arg0.close(arg1);
      }, arguments);
    },
    __wbg_close_2a8b1ba07b9e0fee: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        arg0.close(arg1, getStringFromWasm0(arg2, arg3));
      }, arguments);
    },
    __wbg_close_5ee9c5fe4e8754a4: function() {
      return handleError(function(arg0) {
        arg0.close();
      }, arguments);
    },
    __wbg_code_3e6881d821eab2c4: function(arg0) {
      const ret = arg0.code;
      return ret;
    },
    __wbg_data_c7e5e8500f1bca2f: function(arg0) {
      const ret = arg0.data;
      return ret;
    },
    __wbg_dispatchEvent_a2af00ffae37e129: function() {
      return handleError(function(arg0, arg1) {
        const ret = arg0.dispatchEvent(arg1);
        return ret;
      }, arguments);
    },
    __wbg_instanceof_ArrayBuffer_12cdaa4161423e6b: function(arg0) {
      let result;
      try {
        result = arg0 instanceof ArrayBuffer;
      } catch (_) {
        result = false;
      }
      const ret = result;
      return ret;
    },
    __wbg_instanceof_Error_74e3cca0c4a69161: function(arg0) {
      let result;
      try {
        result = arg0 instanceof Error;
      } catch (_) {
        result = false;
      }
      const ret = result;
      return ret;
    },
    __wbg_length_186163212ffe79c3: function(arg0) {
      const ret = arg0.length;
      return ret;
    },
    __wbg_message_43d8c8f1d543a349: function(arg0) {
      const ret = arg0.message;
      return ret;
    },
    __wbg_name_d1fa514fdca6a975: function(arg0) {
      const ret = arg0.name;
      return ret;
    },
    __wbg_new_13de428334042d26: function(arg0) {
      const ret = new Uint8Array(arg0);
      return ret;
    },
    __wbg_new_cd4348290afae586: function() {
      const ret = new Object();
      return ret;
    },
    __wbg_new_from_slice_b8daf545a41c6aa0: function(arg0, arg1) {
      const ret = new Uint8Array(getArrayU8FromWasm0(arg0, arg1));
      return ret;
    },
    __wbg_new_with_event_init_dict_1013e4173a7bced3: function() {
      return handleError(function(arg0, arg1, arg2) {
        const ret = new CloseEvent(getStringFromWasm0(arg0, arg1), arg2);
        return ret;
      }, arguments);
    },
    __wbg_new_with_str_4c87e2a5ba925021: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        const ret = new WebSocket(getStringFromWasm0(arg0, arg1), getStringFromWasm0(arg2, arg3));
        return ret;
      }, arguments);
    },
    __wbg_new_with_u8_array_sequence_9cda61cd48ab1b97: function() {
      return handleError(function(arg0) {
        const ret = new Blob(arg0);
        return ret;
      }, arguments);
    },
    __wbg_number_6d90e1daf231367d: function(arg0, arg1) {
      const ret = number(arg1);
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
    },
    __wbg_of_027eb15371aac932: function(arg0) {
      const ret = Array.of(arg0);
      return ret;
    },
    __wbg_prototypesetcall_13162965d1fe7aa3: function(arg0, arg1, arg2) {
      Uint8Array.prototype.set.call(getArrayU8FromWasm0(arg0, arg1), arg2);
    },
    __wbg_queueMicrotask_1e8503a8a690f0a3: function(arg0) {
      const ret = arg0.queueMicrotask;
      return ret;
    },
    __wbg_queueMicrotask_4a1a4d8dd332373b: function(arg0) {
      queueMicrotask(arg0);
    },
    __wbg_readyState_039bc047141a5f6d: function(arg0) {
      const ret = arg0.readyState;
      return ret;
    },
    __wbg_reason_34b16516ab3f72d4: function(arg0, arg1) {
      const ret = arg1.reason;
      const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
      const len1 = WASM_VECTOR_LEN;
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
      getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
    },
    __wbg_removeEventListener_4e20bd5fac3de092: function() {
      return handleError(function(arg0, arg1, arg2, arg3) {
        arg0.removeEventListener(getStringFromWasm0(arg1, arg2), arg3);
      }, arguments);
    },
    __wbg_resolve_dbf78ab4942478b0: function(arg0) {
      const ret = Promise.resolve(arg0);
      return ret;
    },
    __wbg_run_0d75f4e32438f775: function(arg0, arg1, arg2, arg3) {
      const ret = run(getArrayU32FromWasm0(arg0, arg1), getStringFromWasm0(arg2, arg3));
      return ret;
    },
    __wbg_send_cd51063ca1be4d0f: function() {
      return handleError(function(arg0, arg1, arg2) {
        arg0.send(getStringFromWasm0(arg1, arg2));
      }, arguments);
    },
    __wbg_send_f844c2f7a703c2d0: function() {
      return handleError(function(arg0, arg1) {
        arg0.send(arg1);
      }, arguments);
    },
    __wbg_set_binaryType_d5b4dafd0f127fb2: function(arg0, arg1) {
      arg0.binaryType = __wbindgen_enum_BinaryType[arg1];
    },
    __wbg_set_code_7999ea6b8ee3441b: function(arg0, arg1) {
      arg0.code = arg1;
    },
    __wbg_set_once_ee3e8ed5823add1f: function(arg0, arg1) {
      arg0.once = arg1 !== 0;
    },
    __wbg_set_reason_951ad46a305cb7f3: function(arg0, arg1, arg2) {
      arg0.reason = getStringFromWasm0(arg1, arg2);
    },
    __wbg_static_accessor_GLOBAL_THIS_003ee833af9699fc: function() {
      const ret = typeof globalThis === "undefined" ? void 0 : globalThis;
      return isLikeNone(ret) ? 0 : addToExternrefTable0(ret);
    },
    __wbg_static_accessor_GLOBAL_e4293fb22cbe77da: function() {
      const ret = typeof global === "undefined" ? void 0 : global;
      return isLikeNone(ret) ? 0 : addToExternrefTable0(ret);
    },
    __wbg_static_accessor_SELF_53bb20457401453d: function() {
      const ret = typeof self === "undefined" ? void 0 : self;
      return isLikeNone(ret) ? 0 : addToExternrefTable0(ret);
    },
    __wbg_static_accessor_WINDOW_b5e0810bfecb7feb: function() {
      const ret = typeof window === "undefined" ? void 0 : window;
      return isLikeNone(ret) ? 0 : addToExternrefTable0(ret);
    },
    __wbg_then_e3f7f2d365708be8: function(arg0, arg1) {
      const ret = arg0.then(arg1);
      return ret;
    },
    __wbg_toString_4d043badaf1f4f69: function(arg0) {
      const ret = arg0.toString();
      return ret;
    },
    __wbg_wasClean_5318a54e8ede66d8: function(arg0) {
      const ret = arg0.wasClean;
      return ret;
    },
    __wbindgen_generic_0000000000000001: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___wasm_bindgen_a797f7faac21c98c___JsValue__core_15266d276e3a2055___result__Result_____wasm_bindgen_a797f7faac21c98c___JsError___true_);
      return ret;
    },
    __wbindgen_generic_0000000000000002: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true_);
      return ret;
    },
    __wbindgen_generic_0000000000000003: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__19);
      return ret;
    },
    __wbindgen_generic_0000000000000004: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__20);
      return ret;
    },
    __wbindgen_generic_0000000000000005: function(arg0, arg1) {
      const ret = makeMutClosure(arg0, arg1, wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke_______true_);
      return ret;
    },
    __wbindgen_init_externref_table: function() {
      const table = wasm.__wbindgen_externrefs;
      table.set(0, void 0);
      table.set(1024, void 0);
      table.set(1025, null);
      table.set(1026, true);
      table.set(1027, false);
    }
  };
  return {
    __proto__: null,
    "./vivaz_client_bg.js": import0
  };
}
function __wbg_call_guard() {
  if (__wbg_reinit_scheduled) {
    __wbg_reset_state();
    return;
  }
}
function wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke_______true_(arg0, arg1) {
  __wbg_call_guard();
  wasm.wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke_______true_(arg0, arg1);
}
function wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true_(arg0, arg1, arg2) {
  __wbg_call_guard();
  wasm.wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true_(arg0, arg1, arg2);
}
function wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__19(arg0, arg1, arg2) {
  __wbg_call_guard();
  wasm.wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__19(arg0, arg1, arg2);
}
function wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__20(arg0, arg1, arg2) {
  __wbg_call_guard();
  wasm.wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___web_sys_fd886c59e78469d___features__gen_CloseEvent__CloseEvent______true__20(arg0, arg1, arg2);
}
function wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___wasm_bindgen_a797f7faac21c98c___JsValue__core_15266d276e3a2055___result__Result_____wasm_bindgen_a797f7faac21c98c___JsError___true_(arg0, arg1, arg2) {
  let ret;
  __wbg_call_guard();
  ret = wasm.wasm_bindgen_a797f7faac21c98c___convert__closures_____invoke___wasm_bindgen_a797f7faac21c98c___JsValue__core_15266d276e3a2055___result__Result_____wasm_bindgen_a797f7faac21c98c___JsError___true_(arg0, arg1, arg2);
  if (ret[1]) {
    throw takeFromExternrefTable0(ret[0]);
  }
}
var __wbindgen_enum_BinaryType = ["blob", "arraybuffer"];
var __wbg_instance_id = 0;
function addToExternrefTable0(obj) {
  const idx = wasm.__externref_table_alloc();
  wasm.__wbindgen_externrefs.set(idx, obj);
  return idx;
}
var CLOSURE_DTORS = typeof FinalizationRegistry === "undefined" ? { register: () => {
}, unregister: () => {
} } : new FinalizationRegistry((state2) => {
  if (state2.instance === __wbg_instance_id) {
    wasm.__wbindgen_destroy_closure(state2.a, state2.b);
  }
});
function getArrayU32FromWasm0(ptr, len) {
  ptr = ptr >>> 0;
  return getUint32ArrayMemory0().subarray(ptr / 4, ptr / 4 + len);
}
function getArrayU8FromWasm0(ptr, len) {
  ptr = ptr >>> 0;
  return getUint8ArrayMemory0().subarray(ptr / 1, ptr / 1 + len);
}
var cachedDataViewMemory0 = null;
function getDataViewMemory0() {
  if (cachedDataViewMemory0 === null || cachedDataViewMemory0.buffer.detached === true || cachedDataViewMemory0.buffer.detached === void 0 && cachedDataViewMemory0.buffer !== wasm.memory.buffer) {
    cachedDataViewMemory0 = new DataView(wasm.memory.buffer);
  }
  return cachedDataViewMemory0;
}
function getStringFromWasm0(ptr, len) {
  ptr = ptr >>> 0;
  return decodeText(getUint8ArrayMemory0().subarray(ptr, ptr + len));
}
var cachedUint32ArrayMemory0 = null;
function getUint32ArrayMemory0() {
  if (cachedUint32ArrayMemory0 === null || cachedUint32ArrayMemory0.byteLength === 0) {
    cachedUint32ArrayMemory0 = new Uint32Array(wasm.memory.buffer);
  }
  return cachedUint32ArrayMemory0;
}
var cachedUint8ArrayMemory0 = null;
function getUint8ArrayMemory0() {
  if (cachedUint8ArrayMemory0 === null || cachedUint8ArrayMemory0.byteLength === 0) {
    cachedUint8ArrayMemory0 = new Uint8Array(wasm.memory.buffer);
  }
  return cachedUint8ArrayMemory0;
}
function handleError(f, args) {
  try {
    return f.apply(this, args);
  } catch (e) {
    const idx = addToExternrefTable0(e);
    wasm.__wbindgen_exn_store(idx);
  }
}
function isLikeNone(x) {
  return x === void 0 || x === null;
}
function makeMutClosure(arg0, arg1, f) {
  const state2 = { a: arg0, b: arg1, cnt: 1, instance: __wbg_instance_id };
  const real = (...args) => {
    if (state2.instance !== __wbg_instance_id) {
      throw new Error("Cannot invoke closure from previous WASM instance");
    }
    state2.cnt++;
    const a = state2.a;
    state2.a = 0;
    try {
      return f(a, state2.b, ...args);
    } finally {
      state2.a = a;
      real._wbg_cb_unref();
    }
  };
  real._wbg_cb_unref = () => {
    if (--state2.cnt === 0) {
      wasm.__wbindgen_destroy_closure(state2.a, state2.b);
      state2.a = 0;
      CLOSURE_DTORS.unregister(state2);
    }
  };
  CLOSURE_DTORS.register(real, state2, state2);
  return real;
}
function passStringToWasm0(arg, malloc, realloc) {
  if (realloc === void 0) {
    const buf = cachedTextEncoder.encode(arg);
    const ptr2 = malloc(buf.length, 1) >>> 0;
    getUint8ArrayMemory0().subarray(ptr2, ptr2 + buf.length).set(buf);
    WASM_VECTOR_LEN = buf.length;
    return ptr2;
  }
  let len = arg.length;
  let ptr = malloc(len, 1) >>> 0;
  const mem = getUint8ArrayMemory0();
  let offset = 0;
  for (; offset < len; offset++) {
    const code = arg.charCodeAt(offset);
    if (code > 127) break;
    mem[ptr + offset] = code;
  }
  if (offset !== len) {
    if (offset !== 0) {
      arg = arg.slice(offset);
    }
    ptr = realloc(ptr, len, len = offset + arg.length * 3, 1) >>> 0;
    const view = getUint8ArrayMemory0().subarray(ptr + offset, ptr + len);
    const ret = cachedTextEncoder.encodeInto(arg, view);
    offset += ret.written;
    ptr = realloc(ptr, len, offset, 1) >>> 0;
  }
  WASM_VECTOR_LEN = offset;
  return ptr;
}
var __wbg_reinit_scheduled = false;
function takeFromExternrefTable0(idx) {
  const value = wasm.__wbindgen_externrefs.get(idx);
  wasm.__externref_table_dealloc(idx);
  return value;
}
var cachedTextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
cachedTextDecoder.decode();
var MAX_SAFARI_DECODE_BYTES = 2146435072;
var numBytesDecoded = 0;
function decodeText(bytes) {
  numBytesDecoded += bytes.length;
  if (numBytesDecoded >= MAX_SAFARI_DECODE_BYTES) {
    cachedTextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
    cachedTextDecoder.decode();
    numBytesDecoded = bytes.length;
  }
  return cachedTextDecoder.decode(bytes);
}
var cachedTextEncoder = new TextEncoder();
if (!("encodeInto" in cachedTextEncoder)) {
  cachedTextEncoder.encodeInto = function(arg, view) {
    const buf = cachedTextEncoder.encode(arg);
    view.set(buf);
    return {
      read: arg.length,
      written: buf.length
    };
  };
}
var WASM_VECTOR_LEN = 0;
var wasmModule;
var wasmInstance;
var wasm;
function __wbg_finalize_init(instance, module) {
  wasmInstance = instance;
  wasm = instance.exports;
  wasmModule = module;
  cachedDataViewMemory0 = null;
  cachedUint32ArrayMemory0 = null;
  cachedUint8ArrayMemory0 = null;
  wasm.__wbindgen_start();
  return wasm;
}
async function __wbg_load(module, imports) {
  if (typeof Response === "function" && module instanceof Response) {
    if (!module.ok) {
      throw new Error(`failed to fetch Wasm: ${module.status} ${module.statusText} fetching '${module.url}'`);
    }
    if (typeof WebAssembly.instantiateStreaming === "function") {
      try {
        return await WebAssembly.instantiateStreaming(module, imports);
      } catch (e) {
        const validResponse = expectedResponseType(module.type);
        if (validResponse && module.headers.get("Content-Type") !== "application/wasm") {
          console.warn("`WebAssembly.instantiateStreaming` failed because your server does not serve Wasm with `application/wasm` MIME type. Falling back to `WebAssembly.instantiate` which is slower. Original error:\n", e);
        } else {
          throw e;
        }
      }
    }
    const bytes = await module.arrayBuffer();
    return await WebAssembly.instantiate(bytes, imports);
  } else {
    const instance = await WebAssembly.instantiate(module, imports);
    if (instance instanceof WebAssembly.Instance) {
      return { instance, module };
    } else {
      return instance;
    }
  }
  function expectedResponseType(type) {
    switch (type) {
      case "basic":
      case "cors":
      case "default":
        return true;
    }
    return false;
  }
}
var __wbg_init_promise;
async function __wbg_init(module_or_path) {
  if (wasm !== void 0) return wasm;
  if (__wbg_init_promise === void 0) {
    __wbg_init_promise = __wbg_init_once(module_or_path);
    __wbg_init_promise.catch(() => {
      __wbg_init_promise = void 0;
    });
  }
  return __wbg_init_promise;
}
async function __wbg_init_once(module_or_path) {
  if (module_or_path !== void 0) {
    if (Object.getPrototypeOf(module_or_path) === Object.prototype) {
      ({ module_or_path } = module_or_path);
    } else {
      console.warn("using deprecated parameters for the initialization function; pass a single object instead");
    }
  }
  const imports = __wbg_get_imports();
  if (typeof module_or_path === "string" || typeof Request === "function" && module_or_path instanceof Request || typeof URL === "function" && module_or_path instanceof URL) {
    module_or_path = fetch(module_or_path);
  }
  const { instance, module } = await __wbg_load(await module_or_path, imports);
  return __wbg_finalize_init(instance, module);
}

// ../target/client/bound/snippets/vivaz-client-1fa7847e0c10a8fb/js/events.js
var to = {};
var kinds = /* @__PURE__ */ new Set();
var pauses = /* @__PURE__ */ new Map();
var listen = (type) => {
  if (kinds.has(type)) return;
  kinds.add(type);
  document.addEventListener(type, (e) => handle(e), true);
  window.addEventListener(type, (e) => {
    for (const root of watchers) each(root, type, 16, (l, el) => consider(e, l, root, el, el));
  });
};
var each = (root, type, target, found) => {
  if (!root.isConnected) return;
  for (const l of templates[root.$b].listen) {
    if (l.type != type || (l.flags & 48) != target) continue;
    try {
      found(l, walk(root, l.path));
    } catch (e) {
      if (e) throw e;
    }
  }
};
var handle = (e, path = e.composedPath()) => {
  const found = [];
  for (const root of path) {
    if (root.$i) each(root, e.type, 0, (l, el) => {
      const at = path.indexOf(el);
      if (at == 0 || at > 0 && e.bubbles) found.push([at, l, root, el]);
    });
  }
  found.sort((a, b) => a[0] - b[0]);
  if (e.type == "submit") flush(path[0]);
  for (const [, l, root, el] of found) if (consider(e, l, root, el, path[0]) && l.flags & 2) break;
  for (const root of watchers) each(root, e.type, 32, (l, el) => {
    if (!path.includes(el)) consider(e, l, root, el, path[0]);
  });
  return found.length > 0;
};
var consider = (e, l, root, el, target) => {
  const { flags } = l;
  if (flags & 4 && target !== el) return false;
  if (l.keys && (e.isComposing || !l.keys.some((key) => key.toLowerCase() == (e.key || "").toLowerCase()))) return false;
  if (l.held && l.held != (e.ctrlKey | e.shiftKey << 1 | e.altKey << 2 | e.metaKey << 3)) return false;
  if (flags & 8) {
    const done = el.$o ??= /* @__PURE__ */ new Set();
    if (done.has(l)) return false;
    done.add(l);
  }
  if (flags & 1) e.preventDefault();
  const payload = gather(e, flags >> 8, el, target);
  const fire = () => {
    if (root.$i && root.isConnected) to.event(slot(root), root.$i, l.hole, JSON.stringify(payload));
  };
  if (l.debounce) pause(el, l, l.debounce - 1, fire);
  else if (l.throttle) throttle(el, l, fire);
  else fire();
  return true;
};
var slot = (root) => root.closest("live-component").$c;
var gather = (e, wants, el, target) => {
  const from = target.nodeType == 1 && "value" in target && el.contains(target) ? target : el;
  const payload = {};
  if (wants & 1) payload.value = from.multiple && from.selectedOptions ? Array.from(from.selectedOptions, (o) => o.value) : from.value ?? null;
  if (wants & 2) payload.checked = !!from.checked;
  if (wants & 4) payload.form = fields(from.form || from.closest?.("form") || el.querySelector?.("form"), e.submitter);
  if (wants & 8) {
    const { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey } = e;
    let detail = null;
    try {
      detail = JSON.parse(JSON.stringify(e.detail ?? null));
    } catch {
    }
    payload.event = { type, key, code, button, clientX, clientY, ctrlKey, shiftKey, altKey, metaKey, detail };
  }
  return payload;
};
var fields = (form, submitter) => {
  const values = {};
  if (!form) return values;
  let data;
  try {
    data = new FormData(form, submitter);
  } catch {
    data = new FormData(form);
  }
  for (const [name, value] of data) {
    if (typeof value != "string") continue;
    values[name] = name in values ? [].concat(values[name], value) : value;
  }
  return values;
};
var pause = (el, hole, ms, fire) => {
  cancel(el, hole);
  let of = pauses.get(el);
  if (!of) pauses.set(el, of = /* @__PURE__ */ new Map());
  of.set(hole, { fire, timer: setTimeout(() => {
    cancel(el, hole);
    if (el.isConnected) fire();
  }, ms) });
};
var cancel = (el, hole) => {
  const of = pauses.get(el), waiting = of && of.get(hole);
  if (!waiting) return;
  clearTimeout(waiting.timer);
  of.delete(hole);
  if (!of.size) pauses.delete(el);
  return waiting.fire;
};
var flush = (within) => {
  for (const [el, of] of [...pauses]) {
    if (within === el || within.contains?.(el)) for (const hole of [...of.keys()]) cancel(el, hole)?.();
  }
};
var throttle = (el, l, fire) => {
  const of = el.$q ??= /* @__PURE__ */ new Map(), now = performance.now(), since = now - (of.get(l) ?? -Infinity), ms = l.throttle - 1;
  const go = () => {
    of.set(l, performance.now());
    fire();
  };
  if (since >= ms) go();
  else pause(el, l, ms - since, go);
};
var control = (node) => {
  for (let root = node; root; root = root.parentElement) {
    if (!root.$i) continue;
    for (const c of templates[root.$b].controls) {
      try {
        if (walk(root, c.path) === node) return [c, root];
      } catch (e) {
        if (e) throw e;
      }
    }
    if (root.localName == "live-component") return;
  }
};
var edit2 = (node, moment) => {
  const found = control(node);
  if (!found) return;
  const [c, root] = found, commit2 = () => root.$i && to.commit(slot(root), root.$i, c.hole);
  if (moment == 0) {
    if (node.$c || node.validity?.badInput) return;
    if (node.$r) {
      node.$r = 0;
      node.removeAttribute("aria-invalid");
    }
    const value = read(node, c.control, c.flags);
    if (c.control == 3 && !node.checked) return;
    node.$v = shown(value);
    to.edit(slot(root), root.$i, c.hole, JSON.stringify(value));
    if ((c.flags & 3) != 0) return;
    if (c.debounce) pause(node, c, c.debounce - 1, commit2);
    else commit2();
  } else {
    const waiting = cancel(node, c);
    if (waiting || (c.flags & 3) == moment || moment == 2 && (c.flags & 3) == 1) commit2();
  }
};
var edited = (node) => edit2(node, 0);
var start2 = () => {
  const on = (type, act) => document.addEventListener(type, act, true);
  const of = (e) => e.composedPath()[0];
  on("input", (e) => edit2(of(e), 0));
  on("change", (e) => {
    const n = of(e);
    if (n.type == "checkbox" || n.type == "radio") edit2(n, 0);
    edit2(n, 1);
  });
  on("focusout", (e) => {
    const n = of(e);
    if (n.$c) {
      n.$c = 0;
      edit2(n, 0);
    }
    edit2(n, 2);
    flush(n);
  });
  on("compositionstart", (e) => {
    of(e).$c = 1;
  });
  on("compositionend", (e) => {
    const n = of(e);
    n.$c = 0;
    edit2(n, 0);
  });
  on("reset", (e) => setTimeout(() => {
    for (const n of e.target.elements) if (n.$v !== void 0) edit2(n, 0);
  }));
};

// ../target/client/bound/snippets/vivaz-client-1fa7847e0c10a8fb/js/client.js
var page = document.documentElement;
var settings = { callTimeoutMs: 3e4, warnUnsent: false };
var connection = { status: "connecting", attempt: 0, code: 0 };
var hooks = /* @__PURE__ */ new Map();
var queue = [];
var busy = false;
var ready = false;
var post = (act) => {
  queue.push(act);
  if (!ready || busy) return;
  busy = true;
  try {
    while (queue.length) queue.shift()();
  } catch (error) {
    broken(error);
  } finally {
    busy = false;
  }
  if (queue.length) queueMicrotask(() => post(() => {
  }));
};
var components = [];
var tickets = /* @__PURE__ */ new Map();
var ticket = 0;
var Component = class {
  #state;
  #listeners = /* @__PURE__ */ new Map();
  #subscribers = /* @__PURE__ */ new Set();
  constructor(slot2, element) {
    this.slot = slot2;
    this.element = element;
    this.refs = {};
    this.mounted = new Promise((resolve, reject) => {
      this.settle = [resolve, reject];
    });
    this.mounted.catch(() => {
    });
  }
  get state() {
    return this.#state ??= JSON.parse(state(this.slot));
  }
  get loading() {
    return loading(this.slot);
  }
  call(action, ...args) {
    return promise((n) => call(this.slot, action, JSON.stringify(args), n));
  }
  set(field, value) {
    return promise((n) => set(this.slot, field, JSON.stringify(value ?? null), n));
  }
  subscribe(act) {
    this.#subscribers.add(act);
    return () => this.#subscribers.delete(act);
  }
  on(name, act) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, /* @__PURE__ */ new Set());
    this.#listeners.get(name).add(act);
    return () => this.#listeners.get(name).delete(act);
  }
  optimistic(patch, until) {
    let tag;
    post(() => {
      tag = guess(this.slot, JSON.stringify(patch));
    });
    const end = () => post(() => release(this.slot, tag));
    Promise.resolve(until).then(end, end);
    return until;
  }
  unmount() {
    if (this.element) this.element.remove();
    else unmount2(this.slot);
  }
  // What the engine tells.
  changed() {
    this.#state = void 0;
    for (const act of [...this.#subscribers]) guard(() => act(this.state, this));
  }
  heard(name, data) {
    for (const act of [...this.#listeners.get(name) || []]) guard(() => act(data, this));
    this.element?.dispatchEvent(new CustomEvent(name, { detail: data, bubbles: true }));
  }
};
var guard = (act) => {
  try {
    act();
  } catch (error) {
    reportError(error);
  }
};
var failure = ({ code, message, details }) => Object.assign(new Error(message || code), { code, details });
var promise = (ask) => new Promise((resolve, reject) => {
  const number2 = ++ticket;
  const timer2 = setTimeout(() => {
    tickets.delete(number2);
    reject(failure({ code: "timeout", message: "no answer in time", details: null }));
  }, settings.callTimeoutMs);
  tickets.set(number2, { resolve, reject, timer: timer2 });
  post(() => ask(number2));
});
var settle = (number2, ok, json) => {
  const waiting = tickets.get(number2);
  if (!waiting) return;
  tickets.delete(number2);
  clearTimeout(waiting.timer);
  if (ok) waiting.resolve(JSON.parse(json));
  else waiting.reject(failure(JSON.parse(json)));
};
var ids = /* @__PURE__ */ new Set();
var made = 0;
var componentId = (wanted) => {
  let id = wanted;
  while (!id || ids.has(id) || !/^[\w-]{1,64}$/.test(id)) id = "c" + ++made;
  ids.add(id);
  return id;
};
var mount2 = (element, of) => {
  const slot2 = components.length, id = componentId(of.id), component2 = new Component(slot2, element);
  component2.id = id;
  component2.of = of;
  components.push(component2);
  if (element) {
    elements[slot2] = element;
    element.$c = slot2;
  }
  post(() => mount(id, of.seal, of.name || "", of.props || "{}", of.template || "", of.shape, of.user || "", !!element));
  return component2;
};
var unmount2 = (slot2) => {
  const component2 = components[slot2];
  if (!component2 || component2.gone) return;
  component2.gone = true;
  ids.delete(component2.id);
  delete elements[slot2];
  for (const end of component2.element?.$m || []) end();
  post(() => unmount(slot2));
};
var attribute2 = (element, name) => element.getAttribute(name) ?? void 0;
var LiveComponent = class extends HTMLElement {
  connectedCallback() {
    if (this.$c !== void 0 && !components[this.$c].gone) return;
    const of = { id: this.id, name: attribute2(this, "name"), props: attribute2(this, "props") };
    if (this.$gone || !this.hasAttribute("seal")) {
      if (this.$p) Object.assign(of, this.$p);
    } else {
      for (const name of ["seal", "template", "shape"]) of[name] = attribute2(this, name);
      of.shape ??= "";
    }
    of.user = attribute2(this, "user") ?? this.parentElement?.closest("live-component")?.$user;
    this.$user = of.user;
    if (of.seal || of.name) mount2(this, of);
  }
  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected && this.$c !== void 0) {
        unmount2(this.$c);
        this.$c = void 0;
        this.$gone = true;
      }
    });
  }
  // A move within the page is none of our business.
  connectedMoveCallback() {
  }
};
var after = (act) => queueMicrotask(() => guard(act));
effects.run = (op, w, s) => {
  switch (op) {
    case 30: {
      const attempt = w(), code = w(), status = s();
      Object.assign(connection, { status, attempt, code });
      page.setAttribute("live-connection", status);
      page.classList.toggle("live-offline", status != "connected");
      after(() => document.dispatchEvent(new CustomEvent("live:connection", { detail: { ...connection } })));
      break;
    }
    case 31: {
      const n = w(), ok = w();
      settle(n, ok, s());
      break;
    }
    case 32: {
      const c = components[w()];
      after(() => c.changed());
      break;
    }
    case 33: {
      const c = components[w()], name = s(), data = JSON.parse(s());
      after(() => c.heard(name, data));
      break;
    }
    case 34: {
      const c = components[w()], failed = w(), json = s();
      phase(c, failed && failure(JSON.parse(json)));
      break;
    }
    case 35: {
      const c = components[w()], action = s();
      fault(c, action, JSON.parse(s()));
      break;
    }
    case 36:
      fetchTemplate(s());
      break;
    case 37: {
      const token = w();
      setTimeout(() => post(() => timer(token)), w());
      break;
    }
    case 38:
      location.reload();
      break;
    default:
      throw new Error("operation " + op);
  }
};
var phase = (component2, error) => {
  const { element } = component2;
  if (element) {
    if (error) element.setAttribute("live-state", "error");
    else element.removeAttribute("live-state");
    element.$ready = !error;
  }
  after(() => {
    component2.settle[error ? 1 : 0](error || component2);
    if (!element) return;
    if (error) fault(component2, "", error);
    else {
      element.dispatchEvent(new CustomEvent("live:mounted", { bubbles: true }));
      replay(element);
    }
  });
};
var fault = (component2, action, { code, message, details }) => {
  const detail = { action, code, message, details, component: component2 };
  after(() => (component2.element || document).dispatchEvent(new CustomEvent("live:error", { detail, bubbles: true })));
};
var fetchTemplate = async (hash) => {
  let text2;
  try {
    const response = await fetch(new URL(`template/${hash}.json`, import.meta.url));
    if (response.ok) text2 = await response.text();
  } catch {
  }
  post(() => template(hash, text2));
};
effects.child = (element, anew) => {
  const { name, props: props2 } = element.$p;
  if (anew) {
    const next2 = document.createElement("live-component");
    next2.$p = element.$p;
    for (const a of element.attributes) {
      if (!["id", "seal", "template", "shape", "live-state"].includes(a.name)) next2.setAttribute(a.name, a.value);
    }
    for (let i = 0; i < nodes.length; i++) if (nodes[i] === element) nodes[i] = next2;
    element.replaceWith(next2);
  } else if (element.$given === void 0 || element.$c === void 0) {
    if (!element.hasAttribute("name")) element.setAttribute("name", name);
    if (element.isConnected && element.$c === void 0 && element instanceof LiveComponent) element.connectedCallback();
  } else if (element.$given !== props2) {
    const slot2 = element.$c;
    post(() => props(slot2, props2));
  }
  element.$given = props2;
};
effects.mark = (node, hook2, name) => {
  if (!hook2) {
    const component2 = components[node.parentElement.closest("live-component").$c];
    component2.refs[name] = node;
    return () => {
      if (component2.refs[name] === node) delete component2.refs[name];
    };
  }
  const of = hooks.get(name);
  if (!of) return console.warn(`live:hook: no hook is registered as "${name}"`);
  guard(() => of.mounted?.(node));
  return () => guard(() => of.destroyed?.(node));
};
effects.listen = listen;
effects.edited = edited;
to.event = (...args) => post(() => event(...args));
to.edit = (...args) => post(() => edit(...args));
to.commit = (...args) => post(() => commit(...args));
var early = [];
for (const type of ["click", "submit"]) {
  document.addEventListener(type, (e) => {
    const path = e.composedPath(), element = path.find((n) => n.localName == "live-component");
    if (!element || element.$ready || element.getAttribute("live-state") == "error") return;
    if (type == "submit") e.preventDefault();
    early.push({ element, path, type, bubbles: true, submitter: e.submitter, button: e.button, detail: e.detail, preventDefault() {
    } });
  }, true);
}
var replay = (element) => {
  for (const e of early.filter((e2) => e2.element === element)) {
    early.splice(early.indexOf(e), 1);
    if (!handle(e, e.path) && e.type == "submit" && e.path[0].isConnected) e.path[0].requestSubmit(e.submitter);
  }
};
var socket = () => {
  const url = new URL(".", import.meta.url);
  return (url.protocol == "https:" ? "wss:" : "ws:") + "//" + url.host + url.pathname.replace(/\/$/, "");
};
var restarts = [];
var broken = (error) => {
  reportError(error);
  ready = false;
  queue.length = 0;
  const now = Date.now();
  restarts = restarts.filter((then) => now - then < 6e4);
  if (restarts.push(now) > 3) {
    page.setAttribute("live-connection", "stopped");
    return;
  }
  setTimeout(() => {
    __wbg_reset_state();
    reset();
    const gone = Object.assign(failure({ code: "session_lost", message: "the page's engine was started again", details: null }));
    for (const [number2, waiting] of tickets) {
      clearTimeout(waiting.timer);
      tickets.delete(number2);
      waiting.reject(gone);
    }
    start(socket(), Math.random());
    ready = true;
    for (const c of components) {
      const { of } = c;
      post(() => {
        mount(c.id, of.seal, of.name || "", of.props || "{}", "", void 0, of.user || "", !!c.element);
        if (c.gone) unmount(c.slot);
      });
    }
  }, 100 * restarts.length);
};
var live = {
  /** Mounts an open component without an element. */
  mount(name, props2 = {}) {
    return mount2(null, { name, props: JSON.stringify(props2) }).mounted;
  },
  /** The component of an element, or of the one around it. */
  component(element) {
    const slot2 = element.closest("live-component")?.$c;
    return slot2 === void 0 ? void 0 : components[slot2];
  },
  hook(name, of) {
    hooks.set(name, of);
  },
  configure(given) {
    Object.assign(settings, given);
  },
  get connection() {
    return { ...connection };
  },
  reconnect() {
    post(() => wake());
  }
};
var client_default = live;
var { component, configure, hook, reconnect } = live;
var mountOpen = live.mount;
page.setAttribute("live-connection", "connecting");
page.classList.add("live-offline");
addEventListener("online", () => post(() => wake()));
addEventListener("pageshow", (e) => {
  if (e.persisted) post(() => wake());
});
addEventListener("pagehide", (e) => post(() => leave(!e.persisted)));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) post(() => wake());
});
for (const type of ["pointerdown", "keydown"]) {
  addEventListener(type, () => {
    if (connection.status == "stopped" && connection.code == 4409) post(() => wake());
  }, true);
}
addEventListener("beforeunload", (e) => {
  if (settings.warnUnsent && components.some((c) => !c.gone && c.loading)) e.preventDefault();
});
start2();
await __wbg_init({ module_or_path: new URL("client-b29530222821c63b5c8492b27bbce393.wasm", import.meta.url) });
start(socket(), Math.random());
ready = true;
customElements.define("live-component", LiveComponent);
post(() => {
});
export {
  component,
  configure,
  client_default as default,
  hook,
  mountOpen as mount,
  reconnect
};
