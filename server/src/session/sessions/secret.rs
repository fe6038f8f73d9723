//! The secrets that resume sessions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use vivaz_protocol::ResumeSecret;

use crate::persist::store::Secrets;

/// A secret that resumes a session.
pub(crate) type SecretBytes = [u8; 16];

/// Hashes a secret. Stores have only the hash, so a reader of the store cannot resume sessions.
pub(super) fn hash_secret(secret: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    blake3::Hasher::new_derive_key("vivaz 2026 resume").update(secret).finalize_xof().fill(&mut short);
    short
}

/// Returns the hash of the shown secret if it matches the current or the previous one. Takes
/// constant time.
pub(crate) fn matching_secret_hash(shown: &ResumeSecret<'_>, secrets: &Secrets) -> Option<[u8; 16]> {
    let given = hash_secret(&URL_SAFE_NO_PAD.decode(shown.expose()).ok()?);
    let current = given.ct_eq(&secrets.current);
    let previous = secrets.previous.map_or(0.into(), |previous| given.ct_eq(&previous));
    bool::from(current | previous).then_some(given)
}

/// Encodes a secret for the client.
pub(super) fn encode_secret(secret: &SecretBytes) -> ResumeSecret<'static> {
    ResumeSecret::new(URL_SAFE_NO_PAD.encode(secret))
}
