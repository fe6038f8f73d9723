//! The built client, embedded: an application neither builds nor deploys it.

use bytes::Bytes;
use serde::Deserialize;

use super::{File, IMMUTABLE, REVALIDATE, etag};

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/dist/", $name))
    };
}

/// What the build of the client says about itself.
#[derive(Deserialize)]
struct Manifest {
    /// The module's name with the hash of its content, as `client.js` imports it.
    wasm: String,
}

/// The two files under the names by which a page asks for them.
pub(super) fn files() -> Vec<(String, File)> {
    let manifest: Manifest = match serde_json::from_slice(built!("manifest.json")) {
        Ok(manifest) => manifest,
        Err(error) => {
            tracing::error!(%error, "the manifest of the embedded client cannot be read: no page will start");
            return Vec::new();
        }
    };
    let script = File {
        media_type: "text/javascript; charset=utf-8",
        cache: REVALIDATE,
        etag: etag(built!("client.js")),
        plain: Bytes::from_static(built!("client.js")),
        gzip: Some(Bytes::from_static(built!("client.js.gz"))),
        brotli: Some(Bytes::from_static(built!("client.js.br"))),
    };
    let module = File {
        media_type: "application/wasm",
        cache: IMMUTABLE,
        etag: etag(built!("client.wasm")),
        plain: Bytes::from_static(built!("client.wasm")),
        gzip: Some(Bytes::from_static(built!("client.wasm.gz"))),
        brotli: Some(Bytes::from_static(built!("client.wasm.br"))),
    };
    vec![("client.js".to_owned(), script), (manifest.wasm, module)]
}
