//! Finds out the names that the built client goes by, and lists its optional modules: both are in
//! `client-wasm/dist`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let dist = Path::new("../client-wasm/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let manifest = std::fs::read_to_string(dist.join("manifest.json")).unwrap_or_default();
    let field = |name: &str| manifest.split_once(name).and_then(|(_, rest)| rest.split('"').nth(1));
    let (Some(wasm), Some(version), Some(capture), Some(modules)) =
        (field("\"wasm\""), field("\"version\""), field("\"capture\""), modules(&dist.join("module")))
    else {
        println!("cargo::error=the client is not built: run `cargo xtask client`");
        return;
    };
    println!("cargo::rustc-env=VIVAZ_CLIENT_WASM={wasm}");
    println!("cargo::rustc-env=VIVAZ_CLIENT_VERSION={version}");
    println!("cargo::rustc-env=VIVAZ_CAPTURE_HASH={capture}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("modules.rs");
    if let Err(error) = std::fs::write(&out, modules) {
        println!("cargo::error=cannot write {}: {error}", out.display());
    }
}

/// Writes the list of modules as Rust: the name of each, and the content plain, in gzip and in
/// brotli.
fn modules(folder: &Path) -> Option<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".js").map(str::to_owned)
        })
        .collect();
    names.sort();
    let folder = folder.canonicalize().ok()?;
    let mut list = String::from("[");
    for name in names {
        let path = folder.join(&name);
        let file = |end: &str| format!("include_bytes!({:?})", format!("{}.js{end}", path.display()));
        write!(list, "({name:?}, [{}.as_slice(), {}, {}]),", file(""), file(".gz"), file(".br")).ok()?;
    }
    list.push(']');
    Some(list)
}
