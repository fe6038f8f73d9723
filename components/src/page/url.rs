//! The parser of the addresses that handlers send pages to.
//!
//! It reads an address as a browser does, which removes tabs and line breaks before it parses, so
//! that `/\t/example.org` is `//example.org`, an address of another host. The client checks the
//! address again.

use std::fmt;

/// Maximum length of an address, in bytes.
const MAX_BYTES: usize = 8192;

/// The reason why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not a path of the application.
    #[error("the address does not start with `/`; `cx.navigate` takes a path such as `/orders`")]
    NoPath,
    /// It is neither a path nor an address with `http:` or `https:`.
    #[error("the address is neither a path such as `/orders` nor an address with `https://` or `http://`")]
    Scheme,
    /// It is an address of another host without a scheme, as browsers read it.
    #[error("the address starts with two slashes, which browsers read as another host")]
    OtherHost,
    /// It has a backslash, which browsers read as a slash.
    #[error("the address has a backslash; write a slash, or `%5C`")]
    Backslash,
    /// It has a control character or a space.
    #[error("the address has a control character or a space; percent-encode it")]
    Character,
    /// It has no host, or a user name before the host.
    #[error("the address has no host, or has a user name before it")]
    Host,
    /// It is too long.
    #[error("the address is longer than 8,192 bytes")]
    TooLong,
}

/// A path of the application with an optional query and fragment: an address on the same origin.
#[derive(Clone, PartialEq, Eq)]
pub struct PagePath(Box<str>);

/// The address of a page: a [`PagePath`], or one with `http:` or `https:`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUrl(Box<str>);

impl PagePath {
    /// Parses a path.
    ///
    /// # Errors
    /// Returns an error if a browser could read the text as anything but a path on the same origin.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = cleaned(text)?;
        let Some(rest) = text.strip_prefix('/') else {
            return Err(if text.starts_with('\\') { UrlError::OtherHost } else { UrlError::NoPath });
        };
        if rest.starts_with(['/', '\\']) {
            return Err(UrlError::OtherHost);
        }
        if before_query(&text).contains('\\') {
            return Err(UrlError::Backslash);
        }
        Ok(Self(text.into()))
    }

    /// Returns the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RedirectUrl {
    /// Parses a path or an address with `http:` or `https:`.
    ///
    /// # Errors
    /// Returns an error for any other scheme, and for an address that a browser could read as one
    /// of another host.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let clean = cleaned(text)?;
        if clean.starts_with(['/', '\\']) {
            return PagePath::parse(&clean).map(|path| Self(path.0));
        }
        let scheme = ["https://", "http://"]
            .iter()
            .find(|scheme| clean.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        let rest = scheme.and_then(|scheme| clean.get(scheme.len()..)).ok_or(UrlError::Scheme)?;
        if before_query(rest).contains('\\') {
            return Err(UrlError::Backslash);
        }
        let authority = before_query(rest).split('/').next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
            return Err(UrlError::Host);
        }
        Ok(Self(clean.into()))
    }

    /// Returns the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Removes tabs and line breaks, as a browser does before it parses. Refuses other control
/// characters, spaces, and long addresses.
fn cleaned(text: &str) -> Result<String, UrlError> {
    if text.len() > MAX_BYTES {
        return Err(UrlError::TooLong);
    }
    let clean: String = text.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let is_refused = |c: char| c.is_control() || c.is_whitespace();
    if clean.contains(is_refused) { Err(UrlError::Character) } else { Ok(clean) }
}

/// Returns the part before the query and the fragment, where a backslash is a slash.
fn before_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}
shown!(PagePath, RedirectUrl);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Result<String, UrlError> {
        PagePath::parse(text).map(|path| path.as_str().to_owned())
    }

    fn redirect(text: &str) -> Result<String, UrlError> {
        RedirectUrl::parse(text).map(|url| url.as_str().to_owned())
    }

    /// CVE-2026-64941 of `LiveView`: tabs and line breaks between two slashes passed its check.
    #[test]
    fn removed_characters_hide_no_other_host() {
        for text in [
            "/\t/example.org",
            "/\n/example.org",
            "/\r/example.org",
            "/\r\n\t/example.org",
            "\t//example.org",
            "/\t\\example.org",
            "\\\t\\example.org",
            "\n/\n/example.org",
        ] {
            assert_eq!(path(text), Err(UrlError::OtherHost), "{text:?}");
            assert_eq!(redirect(text), Err(UrlError::OtherHost), "{text:?}");
        }
        assert_eq!(path("/or\tders").unwrap(), "/orders");
    }

    /// CVE-2026-58228 of `LiveView`: a redirect to a scheme that runs a script.
    #[test]
    fn no_scheme_but_http_is_followed() {
        for text in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "\tjavascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://example.org/1",
            "ftp://example.org/",
            "https:example.org",
            "https:/example.org",
            "orders",
            "",
            "?page=2",
        ] {
            assert_eq!(redirect(text), Err(UrlError::Scheme), "{text:?}");
            assert_eq!(path(text), Err(UrlError::NoPath), "{text:?}");
        }
        for text in
            ["\u{1}javascript:alert(1)", " javascript:alert(1)", "/a b", "/a\0", "/\u{a0}", "/\u{2028}"]
        {
            assert_eq!(redirect(text), Err(UrlError::Character), "{text:?}");
            assert_eq!(path(text), Err(UrlError::Character), "{text:?}");
        }
    }

    #[test]
    fn two_slashes_and_backslashes_are_refused() {
        for text in ["//example.org", "/\\example.org", "\\\\example.org", "\\/example.org", "///a"] {
            assert_eq!(path(text), Err(UrlError::OtherHost), "{text:?}");
        }
        assert_eq!(path("/a/..\\..\\example.org"), Err(UrlError::Backslash));
        assert_eq!(path("/a?b=\\#\\").unwrap(), "/a?b=\\#\\");
        assert_eq!(redirect("https://example.org\\@other.example/"), Err(UrlError::Backslash));
        for text in
            ["https://", "https:///a", "http://user@example.org/", "http://a:b@example.org", "http://:80/"]
        {
            assert_eq!(redirect(text), Err(UrlError::Host), "{text:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(MAX_BYTES))), Err(UrlError::TooLong));
    }

    #[test]
    fn ordinary_addresses_are_followed() {
        for text in ["/", "/orders/7?a=b#c", "/a//b", "/?next=//example.org", "/:a", "/日本"] {
            assert_eq!(path(text).unwrap(), text);
            assert_eq!(redirect(text).unwrap(), text);
        }
        for text in ["https://example.org", "HTTP://example.org:8080/a?b=@", "https://[::1]/"] {
            assert_eq!(redirect(text).unwrap(), text);
            assert_eq!(path(text), Err(UrlError::NoPath));
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_starts_with_one_slash(text in "[/\\\\\\t\\n\\r :@a?#.]{0,12}|\\PC{0,20}") {
            if let Ok(path) = path(&text) {
                let mut chars = path.chars();
                prop_assert_eq!(chars.next(), Some('/'));
                prop_assert!(!matches!(chars.next(), Some('/' | '\\')));
                prop_assert!(!path.contains(char::is_control));
                prop_assert_eq!(super::PagePath::parse(&path).unwrap(), PagePath(path.into()));
            }
        }
    }
}
