//! The built client, embedded into the binary: an application neither builds nor deploys it.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::{AssetFile, IMMUTABLE, REVALIDATE, etag};

/// The name of the wasm file, with a hash of its content, as `client.js` imports it.
const WASM: &str = env!("VIVAZ_CLIENT_WASM");

/// The version of the client: a hash of all its files. `client.js` contains it, and uses it in the
/// paths of modules.
pub(crate) const VERSION: &str = env!("VIVAZ_CLIENT_VERSION");

/// A built file in three encodings: plain, gzip, brotli.
type EncodedFile = [&'static [u8]; 3];

/// The optional modules: name and content.
const MODULES: &[(&str, EncodedFile)] = &include!(concat!(env!("OUT_DIR"), "/modules.rs"));

/// The capture script, which records the clicks and submits that happen before the client runs.
/// [`Live::head`](crate::Live::head) writes it into the page. It needs [`CAPTURE_HASH`] in the
/// `script-src` of a content security policy.
///
/// ```
/// use vivaz::{CAPTURE, CAPTURE_HASH};
///
/// let policy = format!("script-src 'self' 'wasm-unsafe-eval' '{CAPTURE_HASH}'");
/// # assert!(!CAPTURE.contains("</script") && CAPTURE_HASH.starts_with("sha256-"));
/// ```
pub const CAPTURE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/dist/capture.js"));

/// The hash of [`CAPTURE`] for a content security policy: `sha256-`, followed by the hash in
/// Base64.
pub const CAPTURE_HASH: &str = env!("VIVAZ_CAPTURE_HASH");

/// A strict content security policy for pages: everything is from the own origin, and no inline
/// script runs but [`CAPTURE`]. `wasm-unsafe-eval` lets the browser compile the page's engine; it
/// allows no JavaScript.
///
/// ```
/// use axum::http::header::CONTENT_SECURITY_POLICY;
/// use axum::middleware::map_response;
/// use axum::response::Response;
///
/// let app: axum::Router = axum::Router::new().layer(map_response(async |page: Response| {
///     ([(CONTENT_SECURITY_POLICY, vivaz::PAGE_POLICY)], page)
/// }));
/// ```
pub const PAGE_POLICY: &str = concat!(
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' '",
    env!("VIVAZ_CAPTURE_HASH"),
    "'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
);

macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/dist/", $name))
    };
}

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

/// Returns the path of [`CAPTURE`] below the WebSocket's path.
pub(crate) fn capture_path() -> String {
    format!("capture/{VERSION}.js")
}

/// Returns the path of the client below the WebSocket's path. It never changes.
pub(crate) fn script_path() -> String {
    format!("client-{VERSION}.js")
}

/// Returns the path of an optional module below the WebSocket's path.
pub(crate) fn module_path(name: &str) -> String {
    format!("module/{VERSION}/{name}.js")
}

/// Returns the path of the engine below the WebSocket's path.
pub(crate) fn engine_path() -> &'static str {
    WASM
}

/// Returns all files of the client with their paths below the WebSocket's path.
pub(super) fn files() -> impl Iterator<Item = (String, AssetFile)> {
    let script: EncodedFile = [built!("client.js"), built!("client.js.gz"), built!("client.js.br")];
    let wasm: EncodedFile = [built!("client.wasm"), built!("client.wasm.gz"), built!("client.wasm.br")];
    let capture: EncodedFile = [built!("capture.js"), built!("capture.js.gz"), built!("capture.js.br")];
    let script_name = script_path();
    let entry = format!("export * from './{script_name}';\nexport {{ default }} from './{script_name}';\n");
    let core = [
        (script_path(), file(SCRIPT_TYPE, IMMUTABLE, script)),
        // For scripts of the page: the same module as that of the page, so there is one engine.
        ("client.js".to_owned(), AssetFile::new(SCRIPT_TYPE, REVALIDATE, entry.into())),
        (capture_path(), file(SCRIPT_TYPE, IMMUTABLE, capture)),
        (WASM.to_owned(), file("application/wasm", IMMUTABLE, wasm)),
    ];
    let modules =
        MODULES.iter().map(|(name, content)| (module_path(name), file(SCRIPT_TYPE, IMMUTABLE, *content)));
    core.into_iter().chain(modules)
}

fn file(media_type: &'static str, cache: HeaderValue, [plain, gzip, brotli]: EncodedFile) -> AssetFile {
    AssetFile {
        media_type,
        cache,
        etag: etag(plain),
        plain: Bytes::from_static(plain),
        gzip: Some(Bytes::from_static(gzip)).into(),
        brotli: Some(Bytes::from_static(brotli)),
    }
}
