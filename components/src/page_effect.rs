//! Requests of a handler to its page: another page, a title, a cookie, a message.

mod url;

use std::fmt;

use cookie::Cookie;

pub use url::{PagePath, RedirectUrl, UrlError};

/// A request to the page that shows the component.
#[derive(Clone, PartialEq)]
pub enum PageEffect {
    /// The page shows another page of the application.
    Navigate(PagePath),
    /// The browser loads another page.
    Redirect(RedirectUrl),
    /// The page has another title.
    Title(Box<str>),
    /// The browser stores a cookie.
    Cookie(Box<Cookie<'static>>),
    /// The next page shows a message.
    Flash(Flash),
}

/// A message that the next page shows, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// What the message is, for the page's style: `info`, `error`, or a word of the application.
    pub kind: String,
    /// The text.
    pub text: String,
}

/// Maximum length of a message's kind and text together, in bytes: a cookie carries it.
pub(crate) const FLASH_BYTES: usize = 1000;

/// A cookie that browsers would not store as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieError {
    name: String,
    problem: &'static str,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cookie `{}` {}", self.name.escape_debug(), self.problem)
    }
}

impl std::error::Error for CookieError {}

/// Maximum length of a cookie with its attributes, in bytes. Browsers drop longer ones.
const COOKIE_BYTES: usize = 4096;

/// Returns a cookie with the attributes that it does not set: `Path=/`, `HttpOnly` and
/// `SameSite=Lax`.
///
/// # Errors
/// Returns an error if a part of the cookie has characters that would end it, if its name is one of
/// the runtime, or if browsers would drop it: it is too long, or `SameSite=None` without `Secure`.
pub(crate) fn checked_cookie(mut cookie: Cookie<'static>) -> Result<Cookie<'static>, CookieError> {
    let fails = |problem| Err(CookieError { name: cookie.name().to_owned(), problem });
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if cookie.name().is_empty() || !cookie.name().chars().all(is_token) {
        return fails("has a name with characters that names cannot have; use letters, digits, `-` and `_`");
    }
    if ["vivaz_", "__Host-vivaz_"].iter().any(|own| cookie.name().starts_with(own)) {
        return fails("has a name of the runtime; choose one that does not start with `vivaz_`");
    }
    let is_value = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\');
    if !cookie.value().chars().all(is_value) {
        return fails(
            "has a value with characters that values cannot have; encode it, for example as Base64",
        );
    }
    let is_attribute = |text: &str| text.chars().all(|c| c.is_ascii_graphic() && c != ';');
    if !cookie.path().is_none_or(is_attribute) || !cookie.domain().is_none_or(is_attribute) {
        return fails("has a path or a domain with characters that they cannot have");
    }
    if cookie.path().is_none() {
        cookie.set_path("/");
    }
    if cookie.http_only().is_none() {
        cookie.set_http_only(true);
    }
    if cookie.same_site().is_none() {
        cookie.set_same_site(cookie::SameSite::Lax);
    }
    let fails = |problem| Err(CookieError { name: cookie.name().to_owned(), problem });
    if cookie.same_site() == Some(cookie::SameSite::None) && cookie.secure() != Some(true) {
        return fails("has `SameSite=None` without `Secure`, which browsers refuse; set both or neither");
    }
    if cookie.to_string().len() > COOKIE_BYTES {
        return fails("is longer than the 4,096 bytes that browsers store; keep the data on the server");
    }
    Ok(cookie)
}

impl fmt::Debug for PageEffect {
    // Without the values, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Navigate(_) => f.write_str("Navigate"),
            Self::Redirect(_) => f.write_str("Redirect"),
            Self::Title(_) => f.write_str("Title"),
            Self::Cookie(cookie) => f.debug_tuple("Cookie").field(&cookie.name()).finish(),
            Self::Flash(flash) => f.debug_tuple("Flash").field(&flash.kind).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_gets_safe_attributes_and_keeps_its_own() {
        let cookie = checked_cookie(Cookie::new("theme", "dark")).unwrap();
        assert_eq!(cookie.to_string(), "theme=dark; HttpOnly; SameSite=Lax; Path=/");
        let own = Cookie::build(("theme", "dark")).http_only(false).path("/a").build();
        assert_eq!(checked_cookie(own).unwrap().to_string(), "theme=dark; SameSite=Lax; Path=/a");
    }

    #[test]
    fn no_part_of_a_cookie_adds_an_attribute_or_a_header() {
        for (name, value) in [
            ("", "a"),
            ("a b", "c"),
            ("a=b", "c"),
            ("a;b", "c"),
            ("a\r\n", "c"),
            ("a", "b; Domain=example.org"),
            ("a", "b\r\nSet-Cookie: c=d"),
            ("a", "b,c"),
            ("a", "b\\c"),
            ("a", "é"),
            ("vivaz_browser", "1"),
            ("__Host-vivaz_browser", "1"),
        ] {
            assert!(checked_cookie(Cookie::new(name, value)).is_err(), "{name:?}={value:?}");
        }
    }

    #[test]
    fn a_cookie_that_browsers_drop_is_refused() {
        let of_other_sites = Cookie::build(("a", "b")).same_site(cookie::SameSite::None);
        assert!(checked_cookie(of_other_sites.clone().build()).is_err());
        assert!(checked_cookie(of_other_sites.secure(true).build()).is_ok());
        let of_length = |length| checked_cookie(Cookie::new("a", "b".repeat(length)));
        let attributes = of_length(0).unwrap().to_string().len();
        assert!(of_length(COOKIE_BYTES - attributes).is_ok());
        assert!(of_length(COOKIE_BYTES - attributes + 1).is_err());
    }

    #[test]
    fn no_path_and_no_domain_of_a_cookie_adds_an_attribute() {
        let path = Cookie::build(("a", "b")).path("/; Domain=example.org").build();
        assert!(checked_cookie(path).is_err());
        let domain = Cookie::build(("a", "b")).domain("a.example; Secure").build();
        assert!(checked_cookie(domain).is_err());
    }
}
