//! Checks whether a request comes from a page of this application. Browsers send cookies along with
//! the requests of any page, so a page of another site must neither open a WebSocket nor submit a
//! form.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};

use super::browser::has_other_cookies;

/// Set by browsers; scripts cannot change it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins whose pages are accepted, and the host names that the server accepts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    /// Origins allowed in addition to the server's own, in the form that browsers send.
    pub(crate) allowed: Vec<Box<str>>,
    /// The names (with the port, if it is not the default) that `Host` may have. An empty list
    /// allows any.
    pub(crate) hosts: Vec<Box<str>>,
}

/// A header that the check depends on has several values or is not ASCII, or the host is not
/// allowed.
struct UntrustedHeader;

/// An allowed origin or host that no request can have.
pub(crate) enum InvalidOrigin {
    Origin(Box<str>),
    Host(Box<str>),
}

impl Origins {
    /// Checks that browsers can send the allowed origins and hosts.
    pub(crate) fn check(&self) -> Result<(), InvalidOrigin> {
        if let Some(origin) = self.allowed.iter().find(|origin| !is_origin(origin)) {
            return Err(InvalidOrigin::Origin(origin.clone()));
        }
        match self.hosts.iter().find(|host| !is_host(host)) {
            Some(host) => Err(InvalidOrigin::Host(host.clone())),
            None => Ok(()),
        }
    }

    /// Checks a request that opens a WebSocket. A missing `Origin` passes: such a request does not
    /// come from a browser, so it cannot abuse a user's cookies.
    pub(crate) fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Ok((host, origin)) = self.names(uri, headers) else { return false };
        origin.is_none_or(|origin| self.is_allowed(origin) || is_own(origin, host))
    }

    /// Checks any other request. A request with an unsafe method must come from a page of an
    /// allowed origin, or from a program that is not a browser.
    ///
    /// `Sec-Fetch-Site` decides if it is present, because the browser compares complete origins,
    /// while the server does not know its own scheme behind a proxy. Browsers from before 2023 send
    /// `Origin` alone.
    pub(crate) fn allow_method(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return true;
        }
        let Ok((host, origin)) = self.names(uri, headers) else { return false };
        let Ok(site) = single(headers, &SEC_FETCH_SITE) else { return false };
        origin.is_some_and(|origin| self.is_allowed(origin))
            || match site {
                Some(site) => site == "same-origin" || site == "none",
                None => origin.is_none_or(|origin| is_own(origin, host)),
            }
    }

    /// Returns the request's host and its `Origin`.
    ///
    /// # Errors
    /// Returns [`UntrustedHeader`] if one of the headers cannot be read or the host is not allowed.
    fn names<'h>(
        &self,
        uri: &'h Uri,
        headers: &'h HeaderMap,
    ) -> Result<(Option<&'h str>, Option<&'h str>), UntrustedHeader> {
        let host = host(uri, headers)?;
        let is_named = |host: &str| self.hosts.iter().any(|one| one.eq_ignore_ascii_case(host));
        if !self.hosts.is_empty() && !host.is_some_and(is_named) {
            return Err(UntrustedHeader);
        }
        Ok((host, single(headers, &header::ORIGIN)?))
    }

    fn is_allowed(&self, origin: &str) -> bool {
        self.allowed.iter().any(|one| one.eq_ignore_ascii_case(origin))
    }
}

/// Checks whether a request carries credentials and may come from a page of another site. Such a
/// page cannot read the answer, but it may see its length on the wire.
///
/// Browsers that do not send `Sec-Fetch-Site` cannot be told apart, so their requests count too.
pub(crate) fn is_of_other_site_with_credentials(headers: &HeaderMap) -> bool {
    let has_credentials = has_other_cookies(headers) || headers.contains_key(header::AUTHORIZATION);
    has_credentials && !matches!(single(headers, &SEC_FETCH_SITE), Ok(Some("same-origin" | "none")))
}

/// Checks that a text has the form of an `Origin` header: a scheme and a host. `null` is the origin
/// of every sandboxed page, so it cannot be allowed.
fn is_origin(text: &str) -> bool {
    let parts = text.split_once("://");
    parts.is_some_and(|(scheme, host)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && is_host(host)
    })
}

/// Checks that a text has the form of a `Host` header.
fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        authority.as_str() == text && !text.contains('@') && !authority.host().is_empty()
    })
}

/// Returns the host in the request's `Host` header or in its target.
///
/// # Errors
/// Returns [`UntrustedHeader`] if the two differ or `Host` cannot be read.
fn host<'h>(uri: &'h Uri, headers: &'h HeaderMap) -> Result<Option<&'h str>, UntrustedHeader> {
    let named = single(headers, &header::HOST)?;
    let target = uri.authority().map(axum::http::uri::Authority::as_str);
    match (named, target) {
        (Some(named), Some(target)) if !named.eq_ignore_ascii_case(target) => Err(UntrustedHeader),
        (named, target) => Ok(named.or(target)),
    }
}

/// Returns a header's value, if the header is present.
///
/// # Errors
/// Returns [`UntrustedHeader`] if the header occurs more than once or is not ASCII.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, UntrustedHeader> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().map_err(|_| UntrustedHeader)).transpose()?;
    if values.next().is_some() { Err(UntrustedHeader) } else { Ok(value) }
}

/// Checks whether the origin's host is the requested host. The scheme is not compared, because a
/// server behind a proxy that terminates TLS does not know its own. Browsers omit default ports in
/// both headers.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let Some(host) = host.filter(|host| !host.is_empty()) else { return false };
    ["https://", "http://"]
        .iter()
        .any(|scheme| origin.strip_prefix(scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn map(headers: &[(HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        map
    }

    fn allowed(origins: &Origins, headers: &[(HeaderName, &str)]) -> bool {
        origins.allow(&Uri::from_static("/live"), &map(headers))
    }

    fn posts(origins: &Origins, headers: &[(HeaderName, &str)]) -> bool {
        origins.allow_method(&Method::POST, &Uri::from_static("/user"), &map(headers))
    }

    #[test]
    fn own_pages_and_programs_pass_and_foreign_pages_do_not() {
        let any = Origins::default();
        let host = (header::HOST, "app.example:3000");
        for check in [allowed, posts] {
            assert!(check(&any, std::slice::from_ref(&host)));
            assert!(check(&any, &[host.clone(), (header::ORIGIN, "http://app.example:3000")]));
            assert!(check(&any, &[host.clone(), (header::ORIGIN, "https://APP.example:3000")]));
            for origin in [
                "https://evil.example",
                "null",
                "http://app.example",
                "http://app.example:3000.evil.example",
                "",
                "http://",
            ] {
                assert!(!check(&any, &[host.clone(), (header::ORIGIN, origin)]), "{origin}");
            }
            assert!(!check(&any, &[(header::ORIGIN, "http://app.example:3000")]));
            assert!(!check(&any, &[(header::HOST, ""), (header::ORIGIN, "http://")]));
        }
    }

    #[test]
    fn lists_extend_origins_and_narrow_hosts() {
        let origins =
            Origins { allowed: vec!["https://other.example".into()], hosts: vec!["app.example".into()] };
        for check in [allowed, posts] {
            let other = (header::ORIGIN, "https://other.example");
            assert!(check(&origins, &[(header::HOST, "app.example"), other.clone()]));
            assert!(!check(&origins, &[(header::HOST, "rebound.example")]));
            assert!(!check(&origins, &[other]));
            let rebound = (header::ORIGIN, "https://rebound.example");
            assert!(!check(&origins, &[(header::HOST, "rebound.example"), rebound]));
        }
    }

    #[test]
    fn two_hosts_or_two_origins_are_refused() {
        let origins = Origins { hosts: vec!["app.example".into()], ..Origins::default() };
        let host = (header::HOST, "app.example");
        let own = (header::ORIGIN, "https://app.example");
        for check in [allowed, posts] {
            assert!(check(&origins, &[host.clone(), own.clone()]));
            for second in ["app.example", "evil.example", ""] {
                for origins in [&origins, &Origins::default()] {
                    assert!(!check(origins, &[host.clone(), (header::HOST, second)]), "{second}");
                    assert!(
                        !check(origins, &[(header::HOST, second), host.clone(), own.clone()]),
                        "{second}"
                    );
                }
            }
            assert!(!check(&origins, &[host.clone(), own.clone(), own.clone()]));
        }
        // A target with its own authority.
        let target = Uri::from_static("http://evil.example/live");
        assert!(!origins.allow(&target, &map(std::slice::from_ref(&host))));
        assert!(!Origins::default().allow(&target, &map(&[host, own])));
    }

    #[test]
    fn sec_fetch_site_takes_precedence_over_origin() {
        let any = Origins::default();
        let host = (header::HOST, "app.example");
        for (site, may) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false), ("", false)]
        {
            for origin in [None, Some("https://app.example"), Some("https://evil.example"), Some("null")] {
                let mut headers = vec![host.clone(), (SEC_FETCH_SITE, site)];
                headers.extend(origin.map(|origin| (header::ORIGIN, origin)));
                assert_eq!(posts(&any, &headers), may, "{site} {origin:?}");
            }
        }
        let friend = Origins { allowed: vec!["https://friend.example".into()], ..Origins::default() };
        let from = [host, (SEC_FETCH_SITE, "cross-site"), (header::ORIGIN, "https://friend.example")];
        assert!(posts(&friend, &from));
        assert!(!posts(&friend, &[from.as_slice(), &[(SEC_FETCH_SITE, "same-origin")]].concat()));
    }

    #[test]
    fn safe_methods_are_not_checked() {
        let evil = map(&[
            (header::HOST, "app.example"),
            (SEC_FETCH_SITE, "cross-site"),
            (header::ORIGIN, "https://evil.example"),
        ]);
        let asked = |method: &Method| Origins::default().allow_method(method, &Uri::from_static("/"), &evil);
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(asked(&method), "{method}");
        }
        let other = Method::from_bytes(b"BREW").unwrap();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::CONNECT, other] {
            assert!(!asked(&method), "{method}");
        }
    }

    proptest! {
        /// A request of a foreign page passes only if its origin is exactly the server's name.
        #[test]
        fn unreadable_headers_are_refused(
            host in proptest::collection::vec(any::<u8>(), 0..16),
            origin in proptest::collection::vec(any::<u8>(), 0..32),
            site in proptest::collection::vec(any::<u8>(), 0..16),
        ) {
            let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
            let origins = Origins { hosts: vec!["app.example".into()], ..Origins::default() };
            let uri = Uri::from_static("/");
            let own = HeaderValue::from_static("app.example");
            if let Some(host) = value(&host) {
                let headers = HeaderMap::from_iter([(header::HOST, host)]);
                prop_assert!(!origins.allow(&uri, &headers));
                prop_assert!(!origins.allow_method(&Method::POST, &uri, &headers));
            }
            if let Some(origin) = value(&origin) {
                let headers = HeaderMap::from_iter([(header::HOST, own.clone()), (header::ORIGIN, origin)]);
                prop_assert!(!origins.allow(&uri, &headers));
                prop_assert!(!origins.allow_method(&Method::POST, &uri, &headers));
            }
            if let Some(site) = value(&site) {
                let headers = HeaderMap::from_iter([(header::HOST, own), (SEC_FETCH_SITE, site)]);
                prop_assert!(!origins.allow_method(&Method::POST, &uri, &headers));
            }
        }
    }
}
