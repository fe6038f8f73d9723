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
    replace(&mut text, "function makeMutClosure", "\n}\n", CLOSURE)?;
    replace(&mut text, "function passStringToWasm0", "\n}\n", PASS)?;
    replace(&mut text, "const CLOSURE_DTORS", ");\n", "")?;
    replace(&mut text, "if (!('encodeInto'", "\n}\n", "")?;
    let list: Vec<String> = imports.iter().map(|(name, short)| format!("{short}: {name}")).collect();
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

/// A closure is dropped by its owner. One of an engine that has trapped does nothing any more.
const CLOSURE: &str = "function makeMutClosure(a, b, f) {
    const of = wasm;
    const real = (...args) => { if (a && of === wasm) return f(a, b, ...args); };
    real._wbg_cb_unref = () => {
        if (a && of === wasm) wasm.__wbindgen_destroy_closure(a, b);
        a = 0;
    };
    return real;
}
";

const PASS: &str = "function passStringToWasm0(text, malloc) {
    const bytes = cachedTextEncoder.encode(text);
    WASM_VECTOR_LEN = bytes.length;
    const at = malloc(WASM_VECTOR_LEN, 1) >>> 0;
    getUint8ArrayMemory0().set(bytes, at);
    return at;
}
";

/// Makes a new engine from the compiled module; the one before, if there was one, has trapped.
const LOAD: &str = "export function instantiate(module) {
    cachedDataViewMemory0 = cachedUint32ArrayMemory0 = cachedUint8ArrayMemory0 = null;
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
