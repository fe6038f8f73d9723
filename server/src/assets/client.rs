//! The built client, embedded: an application neither builds nor deploys it.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::{File, IMMUTABLE, REVALIDATE, etag};

/// The name of the wasm file, with a hash of its content, as `client.js` imports it.
const WASM: &str = env!("VIVAZ_CLIENT_WASM");

/// The version of the client: a hash of all its files. `client.js` knows it, and asks for modules
/// under it.
pub(crate) const VERSION: &str = env!("VIVAZ_CLIENT_VERSION");

/// A file as it was built: plain, in gzip, in brotli.
type Content = [&'static [u8]; 3];

/// Each optional module: its name and its content.
const MODULES: &[(&str, Content)] = &include!(concat!(env!("OUT_DIR"), "/modules.rs"));

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/dist/", $name))
    };
}

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

/// Returns all files under the paths by which a page asks for them.
pub(super) fn files() -> impl Iterator<Item = (String, File)> {
    let script: Content = [built!("client.js"), built!("client.js.gz"), built!("client.js.br")];
    let wasm: Content = [built!("client.wasm"), built!("client.wasm.gz"), built!("client.wasm.br")];
    let core = [
        ("client.js".to_owned(), file(SCRIPT_TYPE, REVALIDATE, script)),
        (WASM.to_owned(), file("application/wasm", IMMUTABLE, wasm)),
    ];
    let modules = MODULES.iter().map(|(name, content)| {
        (format!("module/{VERSION}/{name}.js"), file(SCRIPT_TYPE, IMMUTABLE, *content))
    });
    core.into_iter().chain(modules)
}

fn file(media_type: &'static str, cache: HeaderValue, [plain, gzip, brotli]: Content) -> File {
    File {
        media_type,
        cache,
        etag: etag(plain),
        plain: Bytes::from_static(plain),
        gzip: Some(Bytes::from_static(gzip)),
        brotli: Some(Bytes::from_static(brotli)),
    }
}
