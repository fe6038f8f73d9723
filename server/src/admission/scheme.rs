//! Detects whether a visitor uses TLS, which a proxy may terminate.

use axum::http::HeaderName;
use axum::http::request::Parts;

/// Added by proxies; each proxy in a chain appends its own value.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Checks whether a request came by HTTPS, according to `X-Forwarded-Proto` or its target. If so, a
/// cookie in the response has to be `Secure`.
///
/// A header that cannot be read, or that has a value other than `http`, counts as HTTPS. A client
/// that forges it only gets a cookie that its own browser does not send.
///
/// ```
/// use axum::http::Request;
///
/// let request = Request::builder().header("x-forwarded-proto", "https").body(())?;
/// let (parts, ()) = request.into_parts();
/// assert!(vivaz::is_https(&parts));
/// # Ok::<(), axum::http::Error>(())
/// ```
#[must_use]
pub fn is_https(request: &Parts) -> bool {
    let mut forwarded = request.headers.get_all(FORWARDED_PROTO).iter();
    let is_plain = |value: &[u8]| {
        let mut schemes = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        schemes.all(|scheme| scheme.eq_ignore_ascii_case(b"http"))
    };
    request.uri.scheme_str() == Some("https") || forwarded.any(|value| !is_plain(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};
    use proptest::prelude::*;

    use super::*;

    fn is_https_with(values: &[&[u8]]) -> bool {
        let mut request = Request::builder().uri("/page");
        for value in values {
            request = request.header(FORWARDED_PROTO, HeaderValue::from_bytes(value).unwrap());
        }
        is_https(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_an_explicit_http_is_plain() {
        for plain in [&[][..], &[&b"http"[..]], &[b"HTTP"], &[b"http, http"], &[b"http", b"http"]] {
            assert!(!is_https_with(plain), "{plain:?}");
        }
        for secure in [
            &[&b"https"[..]][..],
            &[b"https, http"],
            &[b"http", b"https"],
            &[b"wss"],
            &[b"\xff"],
            &[b""],
            &[b"http,"],
        ] {
            assert!(is_https_with(secure), "{secure:?}");
        }
        let (parts, ()) = Request::builder().uri("https://app.example/").body(()).unwrap().into_parts();
        assert!(is_https(&parts));
    }

    proptest! {
        #[test]
        fn any_other_value_is_https(value in proptest::collection::vec(any::<u8>(), 0..16)) {
            let is_plain = value.split(|byte| *byte == b',').all(|one| one.trim_ascii().eq_ignore_ascii_case(b"http"));
            if HeaderValue::from_bytes(&value).is_ok() {
                prop_assert_eq!(is_https_with(&[&value]), !is_plain);
            }
        }
    }
}
