//! Static files for pages: the client and its optional modules, compressed at build time, and the
//! templates, compressed at the first request.

pub(crate) mod client;
mod encoding;

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;

use encoding::AcceptedEncodings;

/// The file never changes: its path contains a hash of its content.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The browser stores the file, and asks before each use whether it has changed.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The files, by path below the WebSocket's path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assets {
    files: Arc<HashMap<String, AssetFile>>,
}

#[derive(Debug)]
struct AssetFile {
    media_type: &'static str,
    cache: HeaderValue,
    etag: HeaderValue,
    plain: Bytes,
    /// Compressed at the first request that accepts it; `None` if that does not make it smaller.
    gzip: OnceLock<Option<Bytes>>,
    brotli: Option<Bytes>,
}

impl Assets {
    /// Creates the assets from the client's files and from templates, given as hash and compiled
    /// form.
    pub(crate) fn new<'a>(templates: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files = HashMap::from_iter(client::files());
        for (hash, json) in templates {
            let plain = Bytes::copy_from_slice(json.as_bytes());
            files.insert(template_path(hash), AssetFile::new("application/json", IMMUTABLE, plain));
        }
        Self { files: Arc::new(files) }
    }

    /// Returns the response to a request for a path: the file, 304 or 404.
    pub(crate) fn respond(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        match self.files.get(path) {
            Some(file) => file.respond(headers),
            None => status(StatusCode::NOT_FOUND),
        }
    }
}

/// Returns the path of a template below the WebSocket's path.
pub(crate) fn template_path(hash: &str) -> String {
    format!("template/{hash}.json")
}

impl AssetFile {
    /// Creates a file that is compressed at its first request.
    fn new(media_type: &'static str, cache: HeaderValue, plain: Bytes) -> Self {
        Self { media_type, cache, etag: etag(&plain), gzip: OnceLock::new(), brotli: None, plain }
    }

    fn respond(&self, headers: &HeaderMap) -> Response<Body> {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|sent| matches(sent, &self.etag));
        let accepted = AcceptedEncodings::of(headers);
        let gzip = || self.gzip.get_or_init(|| gzip(&self.plain)).as_ref();
        let (encoding, content) = if let Some(brotli) = self.brotli.as_ref().filter(|_| accepted.brotli) {
            (Some("br"), brotli)
        } else if let Some(gzip) = accepted.gzip.then(gzip).flatten() {
            (Some("gzip"), gzip)
        } else {
            (None, &self.plain)
        };
        let mut response =
            if known { status(StatusCode::NOT_MODIFIED) } else { Response::new(Body::from(content.clone())) };
        let fields = response.headers_mut();
        fields.insert(header::CACHE_CONTROL, self.cache.clone());
        fields.insert(header::ETAG, self.etag.clone());
        fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if !known {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
            fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            if let Some(encoding) = encoding {
                fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
        }
        response
    }
}

/// Checks whether a value of `If-None-Match`, a list of tags, matches a tag. Tags are compared
/// weakly, as RFC 9110 requires for this header.
fn matches(sent: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(sent), Ok(etag)) = (sent.to_str(), etag.to_str()) else { return false };
    sent.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag.trim_start_matches("W/"))
}

/// Returns the tag of a content. It is weak, because the bytes differ for each content encoding.
fn etag(content: &[u8]) -> HeaderValue {
    let hash = blake3::hash(content).to_hex();
    HeaderValue::try_from(format!("W/\"{}\"", hash.get(..32).unwrap_or_default()))
        .unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// Compresses content with gzip; `None` if that does not make it smaller.
fn gzip(content: &[u8]) -> Option<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < content.len()).then(|| compressed.into())
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets() -> Assets {
        Assets::new(
            [("abc", r#"{"blocks":[],"more":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#)]
                .into_iter(),
        )
    }

    fn ask(name: header::HeaderName, value: &str) -> Response<Body> {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        assets().respond("template/abc.json", &headers)
    }

    #[test]
    fn a_template_is_immutable_and_compressed_if_accepted() {
        let response = ask(header::ACCEPT_ENCODING, "gzip, br");
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[header::CACHE_CONTROL], IMMUTABLE);
        assert!(!ask(header::ACCEPT_ENCODING, "identity").headers().contains_key(header::CONTENT_ENCODING));
    }

    #[test]
    fn a_known_file_is_answered_with_304() {
        let etag = ask(header::ACCEPT, "*/*").headers()[header::ETAG].clone();
        assert_eq!(ask(header::IF_NONE_MATCH, etag.to_str().unwrap()).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask(header::IF_NONE_MATCH, "\"other\"").status(), StatusCode::OK);
    }

    #[test]
    fn an_unknown_path_is_not_found() {
        assert_eq!(assets().respond("../secret", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }
}
