//! Seals: a component's state, carried by the page that shows it, which can neither read nor change it.
//!
//! A server-rendered element brings its seal back when the page mounts it, so that `mount` runs once and a page that
//! nobody opens a socket for costs no memory. A seal can be used more than once: it says what the component was, it is
//! never the authority for anything worth something.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use vivaz_components::Identity;

use crate::admission::browser::Browser;
use crate::admission::secret::{Secret, random_bytes};

const NONCE: usize = 24;

/// Where a sealed child stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedChild {
    /// The parent's wire name.
    #[serde(rename = "p")]
    pub(crate) parent: String,
    /// The place, a JSON array.
    #[serde(rename = "l")]
    pub(crate) place: String,
}

/// What a seal carries.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Where the component stands in its parent's template, if it is a child: the seal is good there alone.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) child: Option<SealedChild>,
    /// The component's wire name.
    #[serde(rename = "c")]
    pub(crate) component: String,
    /// The hash of the component's schema: state of another one is migrated.
    #[serde(rename = "s")]
    pub(crate) schema: u64,
    /// The hash of the component's template. A page that shows what was rendered by another one cannot go on with a
    /// state that was migrated.
    #[serde(rename = "t", default)]
    pub(crate) template: String,
    /// When it stops being good, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: u64,
    /// The props that it was mounted with, as JSON.
    #[serde(rename = "p")]
    pub(crate) props: String,
    /// The whole state, if it is small enough; else `mount` runs again with the props.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

/// Makes and opens seals.
pub(crate) struct Sealer {
    /// Never empty; the first one seals.
    ciphers: Vec<XChaCha20Poly1305>,
}

impl Sealer {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { ciphers: secret.keys("seal").map(|key| XChaCha20Poly1305::new(&key.into())).collect() }
    }

    /// Seals for one holder: nobody else's session opens it. `None` if the system has no randomness to give, or the
    /// content cannot be written.
    pub(crate) fn seal(&self, sealed: &Sealed, holder: &str) -> Option<String> {
        let nonce = random_bytes::<NONCE>().ok()?;
        let message = serde_json::to_vec(sealed).ok()?;
        let payload = Payload { msg: &message, aad: holder.as_bytes() };
        let text = self.ciphers.first()?.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// Opens a seal, if one of the keys made it, for that holder, and it is still good at `now`.
    pub(crate) fn open(&self, token: &str, holder: &str, now: u64) -> Option<Sealed> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let message = self
            .ciphers
            .iter()
            .find_map(|cipher| cipher.decrypt(&nonce, Payload { msg: text, aad: holder.as_bytes() }).ok())?;
        let sealed: Sealed = serde_json::from_slice(&message).ok()?;
        (now < sealed.expires).then_some(sealed)
    }
}

/// Whose a seal is: the same user of the same tenant opens it, nobody else.
pub(crate) fn holder(identity: &Identity) -> String {
    format!("{:?}/{:?}", identity.tenant(), identity.user_id())
}

/// Whose a seal is that was made for a visitor without a user: whoever uses that browser.
pub(crate) fn holder_in(identity: &Identity, browser: Browser) -> String {
    format!("{}@{}", holder(identity), browser.name())
}

/// The time that seals are measured by, in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(key: &str) -> Sealer {
        Sealer::new(&Secret::new(&key.repeat(32)).unwrap())
    }

    fn sealed() -> Sealed {
        Sealed {
            child: None,
            component: "counter".into(),
            schema: 7,
            template: "a template".into(),
            expires: 1_000,
            props: "{}".into(),
            state: Some(r#"{"count":1}"#.into()),
        }
    }

    #[test]
    fn what_was_sealed_comes_out() {
        let token = sealer("a").seal(&sealed(), "user 1").unwrap();
        assert_eq!(sealer("a").open(&token, "user 1", 999), Some(sealed()));
        assert!(!token.contains("counter"));
    }

    #[test]
    fn another_holder_key_time_or_byte_is_refused() {
        let token = sealer("a").seal(&sealed(), "user 1").unwrap();
        assert_eq!(sealer("a").open(&token, "user 2", 999), None);
        assert_eq!(sealer("b").open(&token, "user 1", 999), None);
        assert_eq!(sealer("a").open(&token, "user 1", 1_000), None);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer("a").open(&String::from_utf8(forged).unwrap(), "user 1", 999), None);
        }
        for length in 0..token.len() {
            assert_eq!(sealer("a").open(&token[..length], "user 1", 999), None);
        }
    }

    #[test]
    fn a_rotated_key_still_opens() {
        let token = sealer("a").seal(&sealed(), "").unwrap();
        let both = Secret::new(&format!("{},{}", "b".repeat(32), "a".repeat(32))).unwrap();
        assert_eq!(Sealer::new(&both).open(&token, "", 0), Some(sealed()));
    }

    proptest! {
        #[test]
        fn what_was_not_sealed_here_does_not_open(token in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,200}"]) {
            prop_assert_eq!(sealer("a").open(&token, "", 0), None);
        }

        #[test]
        fn a_seal_opens_as_it_was_made_and_not_otherwise(
            props in any::<String>(), holder in any::<String>(), at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]",
        ) {
            let sealed = Sealed { props, ..sealed() };
            let token = sealer("a").seal(&sealed, &holder).unwrap();
            prop_assert_eq!(sealer("a").open(&token, &format!("{holder}."), 0), None);
            let at = at.index(token.len());
            let forged = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            prop_assert_eq!(sealer("a").open(&forged, &holder, 0).is_some(), forged == token);
            prop_assert_eq!(sealer("a").open(&token, &holder, 0), Some(sealed));
        }
    }
}
