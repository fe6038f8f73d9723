//! The browser of a visitor whom the application does not know: what the seals in its pages are bound to, so that a page
//! that somebody else got hold of mounts nothing.
//!
//! A cookie of the runtime's own names it. It is set only where a component was rendered for nobody in particular, says
//! nothing about the visitor, and is read for seals alone: it is no identity.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderValue, header};

use crate::admission::cookies::cookies;
use crate::admission::secret::{Secret, random_bytes};

/// The cookie.
const NAME: &str = "vivaz_browser";
/// What its signature is for.
const PURPOSE: &str = "browser cookie";
/// How long a browser keeps it, in seconds: longer than any seal is good.
const AGE: u32 = 365 * 24 * 60 * 60;

/// A browser, by a number that nobody guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Browser(u128);

/// The cookie that an answer has to set, once somebody knows that it has to.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewBrowser(Arc<OnceLock<HeaderValue>>);

impl Browser {
    /// One that was never seen. `None` if the system has no randomness to give.
    pub(crate) fn new() -> Option<Self> {
        random_bytes().ok().map(|bytes| Self(u128::from_be_bytes(bytes)))
    }

    /// The one that a request comes from, if it was given a cookie.
    pub(crate) fn of(headers: &HeaderMap, secret: &Secret) -> Option<Self> {
        cookies(headers, NAME).find_map(|value| Self::read(value, secret))
    }

    fn read(value: &str, secret: &Secret) -> Option<Self> {
        let (id, signature) = value.split_once('.')?;
        let given = blake3::Hash::from_hex(signature).ok()?;
        // Compared in constant time.
        let is_ours = secret.keys(PURPOSE).any(|key| blake3::keyed_hash(&key, id.as_bytes()) == given);
        is_ours.then(|| u128::from_str_radix(id, 16).ok().map(Self)).flatten()
    }

    /// What names it in a seal.
    pub(crate) fn name(self) -> String {
        format!("{:032x}", self.0)
    }

    /// The cookie.
    fn cookie(self, secret: &Secret, is_secure: bool) -> Option<HeaderValue> {
        let (id, key) = (self.name(), secret.keys(PURPOSE).next()?);
        let signature = blake3::keyed_hash(&key, id.as_bytes()).to_hex();
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!("{NAME}={id}.{signature}; Path=/; Max-Age={AGE}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(text).ok()
    }
}

impl NewBrowser {
    /// Has the answer set the browser's cookie.
    pub(crate) fn set(&self, browser: Browser, secret: &Secret, is_secure: bool) {
        if let Some(cookie) = browser.cookie(secret, is_secure) {
            self.0.get_or_init(|| cookie);
        }
    }

    /// Writes the cookie into the head of the answer, if it was asked for and is not there already.
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
    fn a_browser_is_known_by_its_cookie_and_by_no_other() {
        let secret = Secret::new("a secret of thirty-two characters").unwrap();
        let browser = Browser::new().unwrap();
        let set = browser.cookie(&secret, true).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{set}");
        let pair = set.split(';').next().unwrap();
        assert_eq!(Browser::of(&headers(&format!("a=b; {pair}; c=d")), &secret), Some(browser));
        let other = Secret::new("another secret of thirty-two characters").unwrap();
        assert_eq!(Browser::of(&headers(pair), &other), None);
        let forged = format!("{NAME}={}.{}", Browser::new().unwrap().name(), pair.split_once('.').unwrap().1);
        for wrong in [&*forged, "vivaz_browser=", "vivaz_browser=7.", "vivaz_browser=é", "browser=7"] {
            let headers =
                HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(wrong.as_bytes()).unwrap())]);
            assert_eq!(Browser::of(&headers, &secret), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_was_not_signed_here_is_no_browser(value in "[ -~é]{0,64}", id in "[0-9a-f+]{0,40}", hex in "[0-9a-f]{0,70}") {
            let secret = Secret::new("a secret of thirty-two characters").unwrap();
            for value in [value, format!("{id}.{hex}"), format!("{id}.{}", "0".repeat(64))] {
                let cookie = HeaderValue::from_bytes(format!("{NAME}={value}").as_bytes()).unwrap();
                let headers = HeaderMap::from_iter([(header::COOKIE, cookie)]);
                prop_assert_eq!(Browser::of(&headers, &secret), None);
            }
        }
    }
}
