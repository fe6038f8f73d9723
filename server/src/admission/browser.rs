//! The browser of an anonymous visitor. Seals in its pages are bound to the browser, so that a page
//! copied to another browser mounts nothing.
//!
//! A cookie of the runtime identifies the browser. The cookie is set only if a component was
//! rendered for an anonymous visitor. It carries a random number and no data about the visitor. It
//! is read only to open seals and is not an identity.

use std::sync::{Arc, OnceLock};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::admission::cookies::cookies;
use crate::admission::scheme::is_https;
use crate::admission::secret::{Secret, random_bytes};

/// The name of the cookie.
const NAME: &str = "vivaz_browser";
/// The purpose of the cookie's signature.
const PURPOSE: &str = "browser cookie";
/// How long a browser keeps the cookie, in seconds: longer than a seal is valid.
const AGE: u32 = 365 * 24 * 60 * 60;

/// The id of a browser: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrowserId(u128);

/// Whether browsers send a cookie over HTTPS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieScope {
    /// The cookie has the attribute `Secure`.
    HttpsOnly,
    /// The cookie is sent over HTTP too.
    AnyScheme,
}

impl CookieScope {
    /// Returns the scope of a cookie in the response to this request.
    pub(crate) fn of(request: &Parts) -> Self {
        if is_https(request) { Self::HttpsOnly } else { Self::AnyScheme }
    }
}

/// The browser cookie that a response has to set. Empty until a component is sealed for the
/// browser. All clones share the cookie.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrowserCookie(Arc<OnceLock<HeaderValue>>);

impl BrowserId {
    /// Creates a new id.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random_bytes().map(|bytes| Self(u128::from_be_bytes(bytes)))
    }

    /// Returns the browser that sent a request, if the request has a valid cookie.
    pub(crate) fn of(headers: &HeaderMap, secret: &Secret) -> Option<Self> {
        cookies(headers, NAME).find_map(|value| Self::read(value, secret))
    }

    fn read(value: &str, secret: &Secret) -> Option<Self> {
        let (id, signature) = value.split_once('.')?;
        let given = blake3::Hash::from_hex(signature).ok()?;
        // Hashes are compared in constant time.
        let is_ours = secret.keys(PURPOSE).any(|key| blake3::keyed_hash(&key, id.as_bytes()) == given);
        is_ours.then(|| u128::from_str_radix(id, 16).ok().map(Self)).flatten()
    }

    /// Returns the id as 32 hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Returns the value of `Set-Cookie`.
    fn set_cookie(self, secret: &Secret, scope: CookieScope) -> Option<HeaderValue> {
        let (id, key) = (self.to_hex(), secret.keys(PURPOSE).next()?);
        let signature = blake3::keyed_hash(&key, id.as_bytes()).to_hex();
        let secure = match scope {
            CookieScope::HttpsOnly => "; Secure",
            CookieScope::AnyScheme => "",
        };
        let text = format!("{NAME}={id}.{signature}; Path=/; Max-Age={AGE}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(text).ok()
    }
}

impl BrowserCookie {
    /// Makes the response set the cookie of this browser.
    pub(crate) fn set(&self, browser: BrowserId, secret: &Secret, scope: CookieScope) {
        if let Some(cookie) = browser.set_cookie(secret, scope) {
            self.0.get_or_init(|| cookie);
        }
    }

    /// Adds `Set-Cookie` to the response's headers, if a cookie is to be set and the header is not
    /// there already.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(cookie) = self.0.get()
            && headers.get_all(header::SET_COOKIE).iter().all(|set| set != cookie)
        {
            headers.append(header::SET_COOKIE, cookie.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn only_a_cookie_signed_here_identifies_a_browser() {
        let secret = Secret::new("a secret of thirty-two characters").unwrap();
        let browser = BrowserId::random().unwrap();
        let set = browser.set_cookie(&secret, CookieScope::HttpsOnly).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{set}");
        let pair = set.split(';').next().unwrap();
        assert_eq!(BrowserId::of(&headers(&format!("a=b; {pair}; c=d")), &secret), Some(browser));
        let other = Secret::new("another secret of thirty-two characters").unwrap();
        assert_eq!(BrowserId::of(&headers(pair), &other), None);
        let forged =
            format!("{NAME}={}.{}", BrowserId::random().unwrap().to_hex(), pair.split_once('.').unwrap().1);
        for wrong in [&*forged, "vivaz_browser=", "vivaz_browser=7.", "vivaz_browser=é", "browser=7"] {
            let headers =
                HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(wrong.as_bytes()).unwrap())]);
            assert_eq!(BrowserId::of(&headers, &secret), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn an_unsigned_cookie_identifies_no_browser(value in "[ -~é]{0,64}", id in "[0-9a-f+]{0,40}", hex in "[0-9a-f]{0,70}") {
            let secret = Secret::new("a secret of thirty-two characters").unwrap();
            for value in [value, format!("{id}.{hex}"), format!("{id}.{}", "0".repeat(64))] {
                let cookie = HeaderValue::from_bytes(format!("{NAME}={value}").as_bytes()).unwrap();
                let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
                prop_assert_eq!(BrowserId::of(&headers, &secret), None);
            }
        }
    }
}
