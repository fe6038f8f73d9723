//! Extracts the functions that the wasm module imports from wasm-bindgen's JavaScript.
//!
//! wasm-bindgen writes a file with these functions and with helpers that they call. Only the
//! functions are used: `client-wasm/js/glue.js` has smaller versions of the helpers.
//! wasm-bindgen's version is pinned. After an update, a function that calls a helper which
//! `glue.js` lacks is an error.
//!
//! Bytes of `client.js` in brotli that the versions of `glue.js` save, each measured alone:
//!
//! | helper | bytes |
//! | --- | --- |
//! | texts to the engine (`passText`) | 192 |
//! | texts from the engine (`getStringFromWasm0`) | 69 |
//! | views of the memory (`getArrayU8FromWasm0`, `getArrayU32FromWasm0`) | 91, 52 |
//! | closures (`makeMutClosure`); it also ignores events of an engine that has trapped | 87 |
//! | the call of the engine (`runCommand`) | 37 |

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

/// The module that wasm-bindgen imports from: its own file.
const BINDGEN: &str = "./vivaz_client_bg.js";

/// The names of imports and exports in the final module.
#[derive(Default)]
pub(super) struct Renamed {
    /// The module's imports: their names in wasm-bindgen's file, and those in the module.
    imports: Vec<(String, String)>,
    /// The name of the module that they are imported from.
    module: String,
    /// The exports: their names in wasm-bindgen's file, and those in the module.
    pub(super) exports: Vec<(String, String)>,
}

impl Renamed {
    /// Parses the output of wasm-opt: lines of `["module", "name", "short"]` and
    /// `["name", "short"]`.
    ///
    /// # Errors
    /// Fails if the module imports from another file than wasm-bindgen's.
    pub(super) fn parse(output: &str) -> anyhow::Result<Self> {
        let mut renamed = Self { module: "a".to_owned(), ..Self::default() };
        for line in output.lines() {
            let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            match names.as_slice() {
                [BINDGEN, name, short] => renamed.imports.push(((*name).to_owned(), (*short).to_owned())),
                [from, name, _] => bail!("the module imports {name} from {from}"),
                [name, short] => renamed.exports.push(((*name).to_owned(), (*short).to_owned())),
                _ => {}
            }
        }
        Ok(renamed)
    }

    /// Returns the names of a module that wasm-opt did not change, from wasm-bindgen's file.
    pub(super) fn unchanged(bindgen: &str) -> Self {
        let names = bindgen
            .lines()
            .filter_map(|line| Some(line.strip_prefix("export function ")?.split_once('(')?.0))
            .filter(|name| name.starts_with("__wb") && *name != "__wbg_set_wasm");
        let imports = names.map(|name| (name.to_owned(), name.to_owned())).collect();
        Self { imports, module: BINDGEN.to_owned(), exports: Vec::new() }
    }
}

/// Writes the module `vivaz-imports` that `client-wasm/js/glue.js` imports.
///
/// # Errors
/// Fails if wasm-bindgen's file lacks an import, or an import calls a helper that `glue.js` lacks.
pub(super) fn write(js: &Path, bindgen: &str, renamed: &Renamed, to: &Path) -> anyhow::Result<()> {
    let glue = fs::read_to_string(js.join("glue.js"))?;
    let own: Vec<&str> = ["export const ", "export let "]
        .iter()
        .flat_map(|start| glue.lines().filter_map(move |line| line.strip_prefix(start)))
        .filter_map(|line| line.split([' ', ';']).next())
        .collect();
    let mut imports = String::new();
    for (name, short) in &renamed.imports {
        let function = simplify(function(bindgen, name)?)?;
        imports.push_str(&format!("{short}{function},\n"));
    }
    for helper in declarations(bindgen).filter(|helper| mentions(&imports, helper)) {
        ensure!(own.contains(&helper), "an import calls {helper}, which client-wasm/js/glue.js lacks");
    }
    let (dom, glue) = (js.join("dom.js"), js.join("glue.js"));
    let text = format!(
        "import {{ float, number, openSocket, run }} from {dom:?};\nimport {{ {} }} from {glue:?};\n\
         export const imports = {{ {:?}: {{\n{imports}}} }};\n",
        own.join(", "),
        renamed.module,
    );
    Ok(fs::write(to, text)?)
}

/// Returns the parameters and the body of a function in wasm-bindgen's file.
fn function<'a>(bindgen: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let head = format!("export function {name}(");
    let start = bindgen.find(&head).with_context(|| format!("wasm-bindgen has no {head}"))? + head.len() - 1;
    let text = bindgen.get(start..).unwrap_or_default();
    // The body is indented.
    let end = text.find("\n}").context("the end of a function")? + 1;
    let length = text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |line| end + line);
    Ok(text.get(..length).unwrap_or_default())
}

/// Shortens a function. The numbers are bytes of `client.js` in brotli that each step saves.
fn simplify(function: &str) -> anyhow::Result<String> {
    let mut text = function.to_owned();
    // Calls the export directly instead of wasm-bindgen's wrapper.
    text = text
        .replace("makeMutClosure(arg0, arg1, wasm_bindgen", "makeMutClosure(arg0, arg1, wasm.wasm_bindgen");
    // 39: of these functions only `openSocket` throws, for an invalid address.
    if !text.contains("openSocket")
        && let Some(body) = text.strip_prefix("() { return handleError(function ")
    {
        text = body.replace("}, arguments); }", "}");
    }
    // 38: `instanceof` of a class does not throw.
    if let Some((before, rest)) = text.split_once("    let result;\n    try {\n        result = ") {
        let (value, rest) = rest.split_once(";\n").context("a value")?;
        let (_, rest) = rest.split_once("    const ret = result;\n").context("its end")?;
        text = format!("{before}    const ret = {value};\n{rest}");
    }
    // 56: a text is returned as its address and length.
    for start in ["    const ptr1 = passStringToWasm0(ret", "    var ptr1 = isLikeNone(ret) ? 0"] {
        if let Some((before, rest)) = text.split_once(start) {
            let (_, rest) = rest.split_once("ptr1, true);\n").context("the end of a text")?;
            text = format!("{before}    returnText(arg0, ret);\n{rest}");
        }
    }
    Ok(text)
}

/// Returns the names of all private functions and variables of a file.
fn declarations(text: &str) -> impl Iterator<Item = &str> {
    let starts = ["function ", "const ", "let "];
    text.lines().filter_map(move |line| {
        let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
        rest.split([' ', '(', ';', '=']).next()
    })
}

/// Whether a text contains a name that is not a property.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '.');
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + name.len()..).unwrap_or_default();
        !before.ends_with(is_part) && !after.starts_with(|letter| is_part(letter) && letter != '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDGEN_FILE: &str = "\
import { run } from './snippets/dom.js';
export function turn(what) {
    return wasm.turn(what);
}
export function __wbg_close_1() { return handleError(function (arg0) {
    arg0.close();
}, arguments); }
export function __wbg_isError_2(arg0) {
    let result;
    try {
        result = arg0 instanceof Error;
    } catch (_) {
        result = false;
    }
    const ret = result;
    return ret;
}
export function __wbg_name_3(arg0, arg1) {
    const ret = arg1.name;
    const ptr1 = passStringToWasm0(ret, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
    const len1 = WASM_VECTOR_LEN;
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 1, len1, true);
    getDataViewMemory0().setInt32((arg0 >>> 0) + 4 * 0, ptr1, true);
}
function helper(x) {
    return x;
}
let wasm;
export function __wbg_set_wasm(val) {
    wasm = val;
}
";

    fn simple(name: &str) -> String {
        simplify(function(BINDGEN_FILE, name).unwrap()).unwrap()
    }

    #[test]
    fn functions_are_shortened() {
        assert_eq!(simple("__wbg_close_1"), "(arg0) {\n    arg0.close();\n}");
        assert_eq!(
            simple("__wbg_isError_2"),
            "(arg0) {\n    const ret = arg0 instanceof Error;\n    return ret;\n}"
        );
        assert_eq!(
            simple("__wbg_name_3"),
            "(arg0, arg1) {\n    const ret = arg1.name;\n    returnText(arg0, ret);\n}"
        );
        assert!(function(BINDGEN_FILE, "__wbg_other").is_err());
    }

    #[test]
    fn names_are_read_from_both_kinds_of_build() {
        let renamed = Renamed::parse(
            "\"imports\": [\n[\"./vivaz_client_bg.js\", \"__wbg_close_1\", \"a\"]\n[\"turn\", \"O\"]",
        );
        let renamed = renamed.unwrap();
        assert_eq!(renamed.imports, [("__wbg_close_1".to_owned(), "a".to_owned())]);
        assert_eq!(renamed.exports, [("turn".to_owned(), "O".to_owned())]);
        assert!(Renamed::parse("[\"env\", \"other\", \"b\"]").is_err());
        let unchanged = Renamed::unchanged(BINDGEN_FILE);
        assert_eq!(unchanged.imports.len(), 3, "{:?}", unchanged.imports);
    }

    #[test]
    fn a_helper_that_the_glue_lacks_is_an_error() {
        let folder = std::env::temp_dir().join(format!("vivaz-glue-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("glue.js"), "export let wasm;\nexport const returnText = () => {};\n").unwrap();
        let file =
            format!("{BINDGEN_FILE}export function __wbg_new_4(arg0) {{\n    return helper(arg0);\n}}\n");
        let write = |file: &str| write(&folder, file, &Renamed::unchanged(file), &folder.join("imports.js"));
        write(BINDGEN_FILE).unwrap();
        let imports = fs::read_to_string(folder.join("imports.js")).unwrap();
        assert!(
            imports.contains("import { wasm, returnText }")
                || imports.contains("import { returnText, wasm }")
        );
        assert!(write(&file).unwrap_err().to_string().contains("helper"));
        fs::remove_dir_all(folder).unwrap();
    }
}
