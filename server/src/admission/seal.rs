//! Seals: encrypted component state that a page carries and can neither read nor change.
//!
//! A page sends the seal of a server-rendered element back when it mounts the element. So `mount`
//! runs once, and a page that opens no connection costs the server no memory. A seal can be used
//! more than once: it records the state of a component and never authorises anything.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use vivaz_components::Identity;

use crate::admission::browser::BrowserId;
use crate::admission::secret::{Secret, random_bytes};

/// The length of a nonce, in bytes.
const NONCE: usize = 24;

/// The place of a sealed child in its parent's template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedChild {
    /// The parent's wire name.
    #[serde(rename = "p")]
    pub(crate) parent: String,
    /// The place as a JSON array.
    #[serde(rename = "l")]
    pub(crate) place: String,
}

/// The content of a seal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealContent {
    /// The component's place in its parent's template, if it is a child. The seal is valid only for
    /// this place.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) child: Option<SealedChild>,
    /// The component's wire name.
    #[serde(rename = "c")]
    pub(crate) component: String,
    /// The hash of the component's schema. State with another schema is migrated.
    #[serde(rename = "s")]
    pub(crate) schema: u64,
    /// The hash of the component's template. A page that was rendered from another template cannot
    /// continue with migrated state.
    #[serde(rename = "t", default)]
    pub(crate) template: String,
    /// When the seal expires, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: u64,
    /// The props that the component was mounted with, as JSON.
    #[serde(rename = "p")]
    pub(crate) props: String,
    /// The complete state as JSON, if it is small enough. Otherwise `mount` runs again with the
    /// props.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// The hash of the public state in the page, if the page carries that state.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) painted: Option<StateHash>,
    /// The query of the page's URL, without the state of a component that follows it.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
}

/// A hash of a component's public state as JSON text. It tells the server whether a page that was
/// rendered earlier still shows the component's state; a visitor who finds another state with the
/// same hash changes only the own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateHash(u64);

impl StateHash {
    pub(crate) fn of(state: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(state.as_bytes()).as_bytes();
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// The reason why no seal could be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The system's random number generator failed.
    #[error("the system's random number generator failed: {0}")]
    Randomness(getrandom::Error),
    /// The content cannot be serialised.
    #[error("cannot serialise the content of a seal: {0}")]
    Content(#[from] serde_json::Error),
    /// The content cannot be encrypted: it is larger than the cipher allows.
    #[error("cannot encrypt a seal")]
    Encryption,
}

/// Creates and opens seals.
pub(crate) struct Sealer {
    /// Never empty. The first cipher seals; all of them open.
    ciphers: Vec<XChaCha20Poly1305>,
}

impl Sealer {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { ciphers: secret.keys("seal").map(|key| XChaCha20Poly1305::new(&key.into())).collect() }
    }

    /// Creates a seal that only sessions of this holder can open.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails, or if the content cannot be
    /// serialised or encrypted.
    pub(crate) fn seal(&self, content: &SealContent, holder: &str) -> Result<String, SealError> {
        self.seal_bytes(&serde_json::to_vec(content)?, holder)
    }

    /// Seals bytes for a holder.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails, or if the bytes cannot be
    /// encrypted.
    pub(crate) fn seal_bytes(&self, message: &[u8], holder: &str) -> Result<String, SealError> {
        let nonce = random_bytes::<NONCE>().map_err(SealError::Randomness)?;
        let payload = Payload { msg: message, aad: holder.as_bytes() };
        let cipher = self.ciphers.first().ok_or(SealError::Encryption)?;
        let text = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Encryption)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// Opens a seal. Returns `None` if none of the keys made it, if it belongs to another holder,
    /// or if it has expired at `now` (seconds since 1970).
    pub(crate) fn open(&self, token: &str, holder: &str, now: u64) -> Option<SealContent> {
        let content: SealContent = serde_json::from_slice(&self.open_bytes(token, holder)?).ok()?;
        (now < content.expires).then_some(content)
    }

    /// Opens sealed bytes. Returns `None` if none of the keys sealed them, or if they belong to
    /// another holder.
    pub(crate) fn open_bytes(&self, token: &str, holder: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        self.ciphers
            .iter()
            .find_map(|cipher| cipher.decrypt(&nonce, Payload { msg: text, aad: holder.as_bytes() }).ok())
    }
}

/// Returns the holder of seals for an identity. Only the same user of the same tenant can open
/// them.
pub(crate) fn holder(identity: &Identity) -> String {
    format!("{:?}/{:?}", identity.tenant(), identity.user_id())
}

/// Returns the holder of seals for an anonymous visitor. Only the same browser can open them.
pub(crate) fn holder_with_browser(identity: &Identity, browser: BrowserId) -> String {
    format!("{}@{}", holder(identity), browser.to_hex())
}

/// Returns the holders whose seals a client can open: itself, and before that, without a user, the
/// visitors of its browsers.
pub(crate) fn holders<'a>(identity: &'a Identity, browsers: &'a [BrowserId]) -> impl Iterator<Item = String> {
    let of_browsers = browsers.iter().filter(|_| identity.user_id().is_none());
    of_browsers.map(|browser| holder_with_browser(identity, *browser)).chain([holder(identity)])
}

/// Returns the system time in seconds since 1970, which the expiry of seals is compared with.
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

    fn sealed() -> SealContent {
        SealContent {
            child: None,
            component: "counter".into(),
            schema: 7,
            template: "a template".into(),
            expires: 1_000,
            props: "{}".into(),
            state: Some(r#"{"count":1}"#.into()),
            painted: Some(StateHash::of(r#"{"count":1}"#)),
            query: None,
        }
    }

    #[test]
    fn a_seal_opens_to_its_content() {
        let token = sealer("a").seal(&sealed(), "user 1").unwrap();
        assert_eq!(sealer("a").open(&token, "user 1", 999), Some(sealed()));
        assert!(!token.contains("counter"));
    }

    #[test]
    fn a_seal_with_another_holder_key_time_or_byte_is_refused() {
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
    fn a_rotated_key_still_opens_seals() {
        let token = sealer("a").seal(&sealed(), "").unwrap();
        let both = Secret::new(&format!("{},{}", "b".repeat(32), "a".repeat(32))).unwrap();
        assert_eq!(Sealer::new(&both).open(&token, "", 0), Some(sealed()));
    }

    proptest! {
        #[test]
        fn arbitrary_text_does_not_open(token in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,200}"]) {
            prop_assert_eq!(sealer("a").open(&token, "", 0), None);
        }

        #[test]
        fn a_seal_opens_only_unchanged(
            props in any::<String>(), holder in any::<String>(), at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]",
        ) {
            let sealed = SealContent { props, ..sealed() };
            let token = sealer("a").seal(&sealed, &holder).unwrap();
            prop_assert_eq!(sealer("a").open(&token, &format!("{holder}."), 0), None);
            let at = at.index(token.len());
            let forged = format!("{}{with}{}", &token[..at], &token[at + 1..]);
            prop_assert_eq!(sealer("a").open(&forged, &holder, 0).is_some(), forged == token);
            prop_assert_eq!(sealer("a").open(&token, &holder, 0), Some(sealed));
        }
    }
}
