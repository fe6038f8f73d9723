//! Finds out by which name `client.js` asks for its module: it has the hash of the content in it, and only the manifest
//! knows it.

fn main() {
    let dist = std::path::Path::new("../client-wasm/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let manifest = std::fs::read_to_string(dist.join("manifest.json")).unwrap_or_default();
    let name = manifest.split_once("\"wasm\"").and_then(|(_, rest)| rest.split('"').nth(1));
    match name {
        Some(name) => println!("cargo::rustc-env=VIVAZ_CLIENT_WASM={name}"),
        None => println!("cargo::error=the client is not built: run `cargo xtask client`"),
    }
}
