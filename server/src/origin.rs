//! Whether a request to open a socket comes from a page of ours. Browsers send cookies along with a socket that any
//! page opens, so a foreign page must not get one.

use axum::http::{HeaderMap, Uri, header};

/// Which pages may open a socket, and under which names the server may be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    /// Origins allowed beside the server's own, as a browser writes them.
    pub(crate) allowed: Vec<Box<str>>,
    /// The names (with the port, where it is not the default) that `Host` may have; none means any.
    pub(crate) hosts: Vec<Box<str>>,
}

impl Origins {
    /// Whether the request may go on. A missing `Origin` may: it is no browser, and nobody's cookies are abused.
    pub(crate) fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let host = match headers.get(header::HOST) {
            Some(host) => host.to_str().ok(),
            None => uri.authority().map(axum::http::uri::Authority::as_str),
        };
        if !self.hosts.is_empty()
            && !host.is_some_and(|host| self.hosts.iter().any(|one| one.eq_ignore_ascii_case(host)))
        {
            return false;
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        origins.next().is_none()
            && (self.allowed.iter().any(|one| one.eq_ignore_ascii_case(origin))
                || host.is_some_and(|host| is_own(origin, host)))
    }
}

/// Whether the origin is the host itself. Its scheme is not compared, because behind a proxy that ends TLS the server
/// does not know its own; default ports are left out by browsers on both sides alike.
fn is_own(origin: &str, host: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| origin.strip_prefix(scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &Origins, headers: &[(header::HeaderName, &str)]) -> bool {
        let map = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        origins.allow(&Uri::from_static("/live"), &map)
    }

    #[test]
    fn own_pages_and_programs_may_foreign_pages_may_not() {
        let any = Origins::default();
        let host = (header::HOST, "app.example:3000");
        assert!(allowed(&any, std::slice::from_ref(&host)));
        assert!(allowed(&any, &[host.clone(), (header::ORIGIN, "http://app.example:3000")]));
        assert!(allowed(&any, &[host.clone(), (header::ORIGIN, "https://APP.example:3000")]));
        for origin in
            ["https://evil.example", "null", "http://app.example", "http://app.example:3000.evil.example", ""]
        {
            assert!(!allowed(&any, &[host.clone(), (header::ORIGIN, origin)]), "{origin}");
        }
        assert!(!allowed(&any, &[(header::ORIGIN, "http://app.example:3000")]));
    }

    #[test]
    fn lists_extend_origins_and_narrow_hosts() {
        let origins =
            Origins { allowed: vec!["https://other.example".into()], hosts: vec!["app.example".into()] };
        assert!(allowed(
            &origins,
            &[(header::HOST, "app.example"), (header::ORIGIN, "https://other.example")]
        ));
        assert!(!allowed(&origins, &[(header::HOST, "rebound.example")]));
        assert!(!allowed(
            &origins,
            &[(header::HOST, "rebound.example"), (header::ORIGIN, "https://rebound.example")]
        ));
    }
}
