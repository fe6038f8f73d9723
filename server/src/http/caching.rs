//! What caches and proxies may do with a page.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::admission::origin::is_of_other_site_with_credentials;

/// Forbids caching: a cache could otherwise store a 404 and return it to other visitors.
pub(in crate::http) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
/// The header with [`PRIVATE`].
pub(in crate::http) const UNCACHED: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, PRIVATE)];

/// Returns the `Cache-Control` of a page, given the headers of its request. Proxies must not
/// compress a page if another site may have asked for it with the visitor's credentials: the
/// length would tell about its content.
pub(super) fn cache_control(request: &HeaderMap) -> HeaderValue {
    if is_of_other_site_with_credentials(request) {
        HeaderValue::from_static("private, no-store, no-transform")
    } else {
        PRIVATE
    }
}
