//! Makes the JavaScript that wasm-bindgen writes fit for a page that counts bytes.
//!
//! wasm-bindgen writes for everybody: for old browsers, for modules that are loaded in many ways, for closures that
//! are left to the garbage collector. Its version is pinned; where a piece is not found any more this fails, and
//! nothing is left out silently.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Rewrites the glue in place. `renamed` is what wasm-opt says of the names of imports and exports: lines of
/// `["module", "name", "short"]` and `["name", "short"]`; empty where it did not run.
pub(super) fn rewrite(glue: &Path, renamed: &str) -> anyhow::Result<()> {
    let mut text = fs::read_to_string(glue)?;
    let mut module = "./vivaz_client_bg.js";
    let mut imports: Vec<(String, String)> = Vec::new();
    let mut exports: Vec<(String, String)> = Vec::new();
    for line in renamed.lines() {
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        match names.as_slice() {
            [from, name, short] if *from == module => imports.push(((*name).to_owned(), (*short).to_owned())),
            [from, ..] if line.matches('"').count() == 6 => {
                bail!("an import from {from} that the glue does not have")
            }
            [name, short] => exports.push(((*name).to_owned(), (*short).to_owned())),
            _ => {}
        }
    }
    if imports.is_empty() {
        imports = text
            .lines()
            .filter_map(|line| line.strip_prefix("export function ")?.split_once('('))
            .filter(|(name, _)| name.starts_with("__wb"))
            .map(|(name, _)| (name.to_owned(), name.to_owned()))
            .collect();
    } else {
        module = "a";
    }
    text = text.replace("export function __wb", "function __wb");
    lighten(&mut text)?;
    let mut list = Vec::new();
    for (name, short) in &imports {
        list.push(format!("{short}{}", take(&mut text, &format!("function {name}"))?));
    }
    let load = LOAD.replace("MODULE", &format!("{module:?}")).replace("IMPORTS", &list.join(", "));
    replace(&mut text, "function __wbg_set_wasm", "\n}", &load)?;
    // The longest first: some names begin with others.
    exports.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, short) in &exports {
        text = text.replace(&format!("wasm.{name}"), &format!("wasm.{short}"));
    }
    fs::write(glue, text)?;
    Ok(())
}

/// Takes a function out of the text: what stands behind its name.
fn take(text: &mut String, head: &str) -> anyhow::Result<String> {
    let (before, rest) =
        text.split_once(&format!("{head}(")).with_context(|| format!("no {head} in the glue"))?;
    let end = rest.find("\n}").context("no end of a function in the glue")? + 2;
    let end = end + rest.get(end..).and_then(|rest| rest.find('\n')).unwrap_or_default();
    let (function, after) = rest.split_at(end);
    let function = format!("({function}");
    *text = format!("{before}{after}");
    Ok(function)
}

/// Replaces what is long by what does the same here.
fn lighten(text: &mut String) -> anyhow::Result<()> {
    replace(text, "export function turn", "\n}\n", TURN)?;
    // Nothing of this throws, but for a WebSocket with an address that is none.
    let mut rest = std::mem::take(text);
    while let Some((before, wrapped)) = rest.split_once("() { return handleError(function (") {
        let (body, after) = wrapped.split_once("}, arguments); }\n").context("an end of a wrapped import")?;
        text.push_str(before);
        if body.contains("new WebSocket") {
            text.push_str(&format!("() {{ return handleError(function ({body}}}, arguments); }}\n"));
        } else {
            text.push_str(&format!("({body}}}\n"));
        }
        rest = after.to_owned();
    }
    text.push_str(&rest);
    while let Some((before, rest)) = text.split_once("    let result;\n    try {\n        result = ") {
        let (value, rest) = rest.split_once(";\n").context("a value")?;
        let (_, rest) = rest.split_once("    const ret = result;\n").context("its end")?;
        *text = format!("{before}    const ret = {value};\n{rest}");
    }
    // Texts that are returned go to an address.
    for ret in ["const ptr1 = passStringToWasm0(ret", "var ptr1 = isLikeNone(ret) ? 0"] {
        while text.contains(ret) {
            replace(text, ret, "ptr1, true);\n", "give(arg0, ret);\n")?;
        }
    }
    // Asked for after it was asked whether it is a text.
    replace(text, "    const obj = arg1;\n", "obj : undefined;\n", "    const ret = arg1;\n")?;
    // Exports are functions already.
    let end = "\n}\n";
    while let Some((_, rest)) = text.split_once("\nfunction wasm_bindgen_") {
        let name = format!("wasm_bindgen_{}", rest.split('(').next().unwrap_or_default());
        replace(text, &format!("function {name}("), end, "")?;
        *text = text.replace(
            &format!("makeMutClosure(arg0, arg1, {name})"),
            &format!("makeMutClosure(arg0, arg1, wasm.{name})"),
        );
    }
    replace(text, "function makeMutClosure", end, CLOSURE)?;
    replace(text, "function passStringToWasm0", end, STRINGS)?;
    replace(text, "const CLOSURE_DTORS", ");\n", "")?;
    replace(text, "if (!('encodeInto'", end, "")?;
    replace(
        text,
        "function getArrayU32FromWasm0",
        end,
        "const getArrayU32FromWasm0 = (at, length) => new Uint32Array(wasm.memory.buffer, at >>> 0, length);\n",
    )?;
    replace(
        text,
        "function getArrayU8FromWasm0",
        end,
        "const getArrayU8FromWasm0 = (at, length) => new Uint8Array(wasm.memory.buffer, at >>> 0, length);\n",
    )?;
    replace(
        text,
        "function getStringFromWasm0",
        end,
        "const getStringFromWasm0 = (at, length) => decoder.decode(getArrayU8FromWasm0(at, length));\n",
    )?;
    for unused in [
        "function getDataViewMemory0",
        "function getUint32ArrayMemory0",
        "function getUint8ArrayMemory0",
        "function decodeText",
        "function isLikeNone",
    ] {
        replace(text, unused, end, "")?;
    }
    replace(text, "const cachedTextEncoder", ";\n", "")?;
    replace(text, "let cachedTextDecoder", "decode();\n", "")
}

/// What JavaScript calls: numbers are numbers, and memory is there.
const TURN: &str = "export function turn(what, slot, a, b, text, more) {
    const at = pass(text), length = passed, then = pass(more);
    return wasm.turn(what, slot, a, b, at, length, then, passed);
}
";

/// A closure is dropped by its owner. One of an engine that has trapped does nothing any more; of one that has not, what
/// it heard is looked at in a turn of its own.
const CLOSURE: &str = "function makeMutClosure(a, b, f) {
    const of = wasm;
    const real = event => { if (a && of === wasm) f(a, b, event), later(); };
    real._wbg_cb_unref = () => {
        if (a && of === wasm) wasm.__wbindgen_destroy_closure(a, b);
        a = 0;
    };
    return real;
}
";

const STRINGS: &str = "const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
let passed;
const pass = text => {
    const bytes = new TextEncoder().encode(text), at = wasm.__wbindgen_malloc(passed = bytes.length, 1);
    getArrayU8FromWasm0(at, passed).set(bytes);
    return at;
};
const give = (to, text) => {
    const at = pass(text);
    getArrayU32FromWasm0(to, 2).set([at, passed]);
};
";

/// Makes a new engine from the compiled module; the one before, if there was one, has trapped.
const LOAD: &str = "let later;
export function instantiate(module, turn) {
    later = turn;
    wasm = new WebAssembly.Instance(module, { MODULE: { IMPORTS } }).exports;
    wasm.__wbindgen_start();
}";

/// Puts something in place of a piece of the text, which is found by its beginning and its end.
fn replace(text: &mut String, from: &str, to: &str, by: &str) -> anyhow::Result<()> {
    let start =
        text.find(from).with_context(|| format!("the glue of wasm-bindgen has no {from:?} any more"))?;
    let rest = text.get(start..).unwrap_or_default();
    let length =
        rest.find(to).with_context(|| format!("no end of {from:?} in the glue of wasm-bindgen"))? + to.len();
    text.replace_range(start..start + length, by);
    Ok(())
}
