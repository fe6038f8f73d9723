//! Compresses responses, except those whose length would tell another site about their content.

use std::fmt;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, header};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::compression::{self, CompressionBody, CompressionLayer, CompressionLevel};
use tower_layer::Layer;
use tower_service::Service;

use crate::admission::origin::is_of_other_site_with_credentials;

/// Smaller responses fit into one packet anyway, in bytes.
const MIN_SIZE: u64 = 1024;

/// The fastest level with most of brotli's effect. For a page of 195 KB, levels 4, 5 and 9 give
/// 16.5 KB in 0.9 ms, 13.2 KB in 1.4 ms and 12.9 KB in 12.7 ms.
const LEVEL: CompressionLevel = CompressionLevel::Precise(5);

/// A layer that compresses responses with brotli or gzip, as the request accepts.
///
/// It compresses HTML, style sheets, scripts, JSON and other text from 1 KiB up. A streamed
/// response is flushed whenever its handler pauses.
///
/// It does not compress the answer to a request that carries credentials (`Cookie` or
/// `Authorization`) and does not come from a page of the same origin or from the visitor's address
/// bar. Such an answer may contain a secret of the visitor beside a text that another site
/// has put into the URL; its compressed length would tell whether the two have a part in common.
/// The attack is called [BREACH][breach]. A request without `Sec-Fetch-Site`, which browsers send
/// over HTTPS since 2023, counts as one of another site.
///
/// A response with `Cache-Control: no-transform`, `Content-Encoding` or `Content-Range` stays as it
/// is. A strong `ETag` of a compressed response becomes weak, because its bytes differ.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use vivaz::{Compression, Runtime};
///
/// let runtime = Runtime::builder().build()?;
/// let app: Router = Router::new()
///     .route("/", get(async || "a page"))
///     .merge(runtime.router())
///     .layer(Compression::new());
/// # Ok::<(), vivaz::BuildError>(())
/// ```
///
/// [breach]: https://breachattack.com
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Compression {}

/// The service behind [`Compression`].
#[derive(Clone)]
pub struct Compressed<S> {
    inner: compression::Compression<S, IsText>,
}

impl<S: fmt::Debug> fmt::Debug for Compressed<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Compressed").field(self.inner.get_ref()).finish()
    }
}

impl Compression {
    /// Creates the layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for Compression {
    type Service = Compressed<S>;

    fn layer(&self, inner: S) -> Compressed<S> {
        Compressed { inner: CompressionLayer::new().quality(LEVEL).compress_when(IsText).layer(inner) }
    }
}

impl<S> Service<Request> for Compressed<S>
where
    S: Service<Request, Response = Response<Body>, Future: Send + 'static>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if is_of_other_site_with_credentials(request.headers()) {
            return self.inner.get_mut().call(request).boxed();
        }
        self.inner.call(request).map_ok(weaken_etag).boxed()
    }
}

/// Makes the `ETag` of a compressed response weak: it was made for other bytes.
fn weaken_etag(response: Response<CompressionBody<Body>>) -> Response<Body> {
    let mut response = response.map(Body::new);
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(etag) = headers.get_mut(header::ETAG)
        && !etag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
    {
        *etag = weak;
    }
    response
}

/// Chooses responses that are worth the work and that may be changed.
#[derive(Clone, Copy, Debug)]
struct IsText;

impl Predicate for IsText {
    fn should_compress<B: HttpBody>(&self, response: &Response<B>) -> bool {
        let header =
            |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap_or_default());
        let is_fixed = header(header::CACHE_CONTROL)
            .split(',')
            .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"));
        let media_type = header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
        !is_fixed && is_text(media_type) && SizeAbove::new(MIN_SIZE).should_compress(response)
    }
}

/// Server-sent events are text too, but each is short, and they would be compressed one by one.
fn is_text(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    match media_type.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => {
            matches!(kind, "json" | "javascript" | "xml" | "wasm")
                || kind.ends_with("+json")
                || kind.ends_with("+xml")
        }
        Some(("image", kind)) => kind.ends_with("+xml"),
        _ => false,
    }
}
