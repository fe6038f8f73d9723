// The JavaScript side of the engine's WebAssembly module: makes instances of it and passes texts
// and closures.
//
// wasm-bindgen generates the functions that the module imports; the build takes them from there
// (`vivaz-imports`). They call the functions of this file, which have the names that wasm-bindgen
// gives. wasm-bindgen's own versions are larger: they support old browsers, other ways to load a
// module, and closures that the garbage collector drops.

import { imports } from 'vivaz-imports';

/** How wasm-bindgen numbers the types of binary messages. */
export const __wbindgen_enum_BinaryType = ['blob', 'arraybuffer'];

/** The exports of the running instance. @type {any} */
export let wasm;
/** @type {() => void} */
let requestTurn;

/**
 * Makes a new instance of the engine.
 *
 * @param {WebAssembly.Module} module
 * @param {() => void} onSocket Called when the socket needs a turn of the engine.
 */
export const instantiate = (module, onSocket) => {
  requestTurn = onSocket;
  wasm = new WebAssembly.Instance(module, imports).exports;
  wasm.__wbindgen_start();
};

/**
 * Runs a command of client-wasm/src/engine.rs. What a command does not need may be left out.
 *
 * @param {number} command One of `COMMAND_…`.
 * @param {number} [slot]
 * @param {number} [a]
 * @param {number} [b]
 * @param {string} [text]
 * @param {string} [json]
 * @returns {number}
 */
export const runCommand = (command, slot, a, b, text = '', json = '') => {
  const textAt = passText(text), textLength = passedLength, jsonAt = passText(json);
  return wasm.turn(command, slot, a, b, textAt, textLength, jsonAt, passedLength);
};

/** @param {number} at @param {number} length */
export const getArrayU8FromWasm0 = (at, length) => new Uint8Array(wasm.memory.buffer, at >>> 0, length);
/** @param {number} at @param {number} length */
export const getArrayU32FromWasm0 = (at, length) => new Uint32Array(wasm.memory.buffer, at >>> 0, length);

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** @param {number} at @param {number} length */
export const getStringFromWasm0 = (at, length) => decoder.decode(getArrayU8FromWasm0(at, length));

/** The length of the last text that was passed, in bytes. */
let passedLength = 0;

/**
 * Copies a text into the engine's memory, which takes ownership, and returns its address.
 *
 * @param {string} text
 */
const passText = text => {
  const bytes = new TextEncoder().encode(text), at = wasm.__wbindgen_malloc(passedLength = bytes.length, 1);
  getArrayU8FromWasm0(at, passedLength).set(bytes);
  return at;
};

/**
 * Returns a text from an import: writes its address and length to an address.
 *
 * @param {number} to
 * @param {string} text
 */
export const returnText = (to, text) => {
  const at = passText(text);
  getArrayU32FromWasm0(to, 2).set([at, passedLength]);
};

/**
 * Calls a function that may throw; the engine gets the exception as an error.
 *
 * @param {Function} act
 * @param {IArguments} args
 */
export const handleError = (act, args) => {
  try {
    return act(...args);
  } catch (error) {
    const index = wasm.__externref_table_alloc();
    wasm.__wbindgen_externrefs.set(index, error);
    wasm.__wbindgen_exn_store(index);
  }
};

/**
 * Makes a closure of the engine a function. The engine drops the closure itself. A closure of an
 * instance that has trapped does nothing; of the running one it requests a turn, in which the
 * engine looks at what the closure has received.
 *
 * @param {number} a
 * @param {number} b
 * @param {Function} invoke
 */
export const makeMutClosure = (a, b, invoke) => {
  const own = wasm;
  const closure = (/** @type {Event} */ event) => {
    if (!a || own !== wasm) return;
    invoke(a, b, event);
    requestTurn();
  };
  closure._wbg_cb_unref = () => {
    if (a && own === wasm) wasm.__wbindgen_destroy_closure(a, b);
    a = 0;
  };
  return closure;
};
