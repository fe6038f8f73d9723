//! The built client, embedded: an application neither builds nor deploys it.

use bytes::Bytes;

use super::{File, IMMUTABLE, REVALIDATE, etag};

/// The module's name, which has the hash of its content in it, as `client.js` imports it.
const MODULE: &str = env!("VIVAZ_CLIENT_WASM");

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/dist/", $name))
    };
}

/// The two files under the names by which a page asks for them.
pub(super) fn files() -> [(String, File); 2] {
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
    [("client.js".to_owned(), script), (MODULE.to_owned(), module)]
}
