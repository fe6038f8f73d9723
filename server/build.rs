//! Says whether the client has been built, so that the build of the client itself does not depend on it.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(client_built)");
    println!("cargo::rerun-if-changed=../client-wasm/dist/manifest.json");
    if std::path::Path::new("../client-wasm/dist/manifest.json").exists() {
        println!("cargo::rustc-cfg=client_built");
    }
}
