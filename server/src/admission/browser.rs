//! The browser of an anonymous visitor. Seals in its pages are bound to the browser, so that a page
//! copied to another browser mounts nothing.
//!
//! A cookie of the runtime identifies the browser. The cookie is set only if a component was
//! rendered for an anonymous visitor. It carries a random number and no data about the visitor. It
//! is read only to open seals and is not an identity.
//!
//! Other hosts of the same site can add cookies of this name to the browser's requests, with a path
//! or a domain of their own, and even with a valid value that the runtime gave to another browser.
//! Over HTTPS the name starts with `__Host-`, so that browsers accept the cookie only from this
//! host. Over HTTP, a page that is requested with two different values gets a new browser id, and
//! each of the values of a connection's request opens the seals that are bound to it.

use std::sync::{Arc, OnceLock};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::admission::cookies::cookies;
use crate::admission::scheme::is_https;
use crate::admission::secret::{Secret, random_bytes};

/// The name of the cookie over HTTP.
const NAME: &str = "vivaz_browser";
/// The name of the cookie over HTTPS. Browsers accept a name with this prefix only with `Secure`,
/// `Path=/` and without `Domain`.
const HOST_NAME: &str = "__Host-vivaz_browser";
/// The purpose of the cookie's signature.
const PURPOSE: &str = "browser cookie";
/// The number of different cookies of a connection's request that are read.
const MAX_COOKIES: usize = 16;
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

    /// Returns the name of the cookie.
    const fn name(self) -> &'static str {
        match self {
            Self::HttpsOnly => HOST_NAME,
            Self::AnyScheme => NAME,
        }
    }
}

/// Checks whether a request has cookies other than the browser's, which decides about nothing but
/// seals. A header that cannot be read counts as one.
pub(crate) fn has_other_cookies(headers: &HeaderMap) -> bool {
    headers.get_all(header::COOKIE).iter().any(|header| {
        header.to_str().map_or(true, |cookies| {
            cookies.split(';').any(|cookie| {
                let name = cookie.split('=').next().unwrap_or_default().trim();
                name != NAME && name != HOST_NAME
            })
        })
    })
}

/// The new browser of a request, and the cookie that its response has to set. Empty until they are
/// needed. All clones share both, so that all components of a page are bound to one browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrowserCookie(Arc<NewBrowser>);

#[derive(Debug, Default)]
struct NewBrowser {
    id: OnceLock<BrowserId>,
    set_cookie: OnceLock<HeaderValue>,
}

impl BrowserId {
    /// Creates a new id.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random_bytes().map(|bytes| Self(u128::from_be_bytes(bytes)))
    }

    /// Returns the browser that sent a request for a page. Returns `None` if the request has no
    /// valid cookie, or several with different values.
    pub(crate) fn of_page(headers: &HeaderMap, secret: &Secret, scope: CookieScope) -> Option<Self> {
        let mut ids = cookies(headers, scope.name()).filter_map(|value| Self::read(value, secret));
        let id = ids.next()?;
        ids.all(|other| other == id).then_some(id)
    }

    /// Returns the browsers that a connection's request names, at most [`MAX_COOKIES`]. There are
    /// several only if another host of the site has set a cookie. The scheme is not checked:
    /// proxies forward that of a WebSocket in different ways.
    pub(crate) fn of_connection(headers: &HeaderMap, secret: &Secret) -> Box<[Self]> {
        let values = cookies(headers, HOST_NAME).chain(cookies(headers, NAME));
        let mut ids = Vec::new();
        for id in values.filter_map(|value| Self::read(value, secret)) {
            if ids.len() < MAX_COOKIES && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.into()
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
        let name = scope.name();
        let text = format!("{name}={id}.{signature}; Path=/; Max-Age={AGE}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(text).ok()
    }
}

impl BrowserCookie {
    /// Returns the new browser of the request.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn browser(&self) -> Result<BrowserId, getrandom::Error> {
        if let Some(browser) = self.0.id.get() {
            return Ok(*browser);
        }
        let random = BrowserId::random()?;
        Ok(*self.0.id.get_or_init(|| random))
    }

    /// Makes the response set the cookie of this browser.
    pub(crate) fn set(&self, browser: BrowserId, secret: &Secret, scope: CookieScope) {
        if let Some(cookie) = browser.set_cookie(secret, scope) {
            self.0.set_cookie.get_or_init(|| cookie);
        }
    }

    /// Adds `Set-Cookie` to the response's headers, if a cookie is to be set and the header is not
    /// there already.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(cookie) = self.0.set_cookie.get()
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
        let read = |headers: &HeaderMap, secret| BrowserId::of_page(headers, secret, CookieScope::HttpsOnly);
        assert_eq!(read(&headers(&format!("a=b; {pair}; c=d")), &secret), Some(browser));
        let other = Secret::new("another secret of thirty-two characters").unwrap();
        assert_eq!(read(&headers(pair), &other), None);
        let forged = format!(
            "{HOST_NAME}={}.{}",
            BrowserId::random().unwrap().to_hex(),
            pair.split_once('.').unwrap().1
        );
        for wrong in [
            &*forged,
            "__Host-vivaz_browser=",
            "__Host-vivaz_browser=7.",
            "__Host-vivaz_browser=é",
            "browser=7",
        ] {
            let headers =
                HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(wrong.as_bytes()).unwrap())]);
            assert_eq!(read(&headers, &secret), None, "{wrong}");
            assert_eq!(BrowserId::of_connection(&headers, &secret), [].into(), "{wrong}");
        }
    }

    #[test]
    fn a_page_with_two_cookies_is_of_no_browser_and_a_connection_of_both() {
        let secret = Secret::new("a secret of thirty-two characters").unwrap();
        let (one, two) = (BrowserId::random().unwrap(), BrowserId::random().unwrap());
        let pair = |browser: BrowserId, scope| {
            let set = browser.set_cookie(&secret, scope).unwrap();
            set.to_str().unwrap().split(';').next().unwrap().to_owned()
        };
        let (http, https) = (CookieScope::AnyScheme, CookieScope::HttpsOnly);
        for scope in [http, https] {
            let (one_pair, two_pair) = (pair(one, scope), pair(two, scope));
            for (list, page, connection) in [
                (format!("{one_pair}; {one_pair}"), Some(one), vec![one]),
                (format!("{one_pair}; {two_pair}"), None, vec![one, two]),
                (format!("{two_pair}; {one_pair}; {two_pair}"), None, vec![two, one]),
                (format!("{}=invalid; {one_pair}", scope.name()), Some(one), vec![one]),
            ] {
                assert_eq!(BrowserId::of_page(&headers(&list), &secret, scope), page, "{list}");
                assert_eq!(*BrowserId::of_connection(&headers(&list), &secret), *connection, "{list}");
            }
        }
        // Over HTTPS, a cookie that another host could have set is not read.
        let both = headers(&format!("{}; {}", pair(two, http), pair(one, https)));
        assert_eq!(BrowserId::of_page(&both, &secret, https), Some(one));
        assert_eq!(BrowserId::of_page(&headers(&pair(two, http)), &secret, https), None);
        let many: Vec<_> = (0..20).map(|_| pair(BrowserId::random().unwrap(), http)).collect();
        assert_eq!(BrowserId::of_connection(&headers(&many.join("; ")), &secret).len(), MAX_COOKIES);
    }

    proptest! {
        #[test]
        fn an_unsigned_cookie_identifies_no_browser(value in "[ -~é]{0,64}", id in "[0-9a-f+]{0,40}", hex in "[0-9a-f]{0,70}") {
            let secret = Secret::new("a secret of thirty-two characters").unwrap();
            for value in [value, format!("{id}.{hex}"), format!("{id}.{}", "0".repeat(64))] {
                let cookie = HeaderValue::from_bytes(format!("{NAME}={value}").as_bytes()).unwrap();
                let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
                prop_assert_eq!(BrowserId::of_page(&headers, &secret, CookieScope::AnyScheme), None);
                prop_assert!(BrowserId::of_connection(&headers, &secret).is_empty());
            }
        }
    }
}
