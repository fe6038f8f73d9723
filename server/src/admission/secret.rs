//! The server's secret, from which the keys for seals and signatures are derived.

use std::env::VarError;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The minimum length of a secret, in characters: shorter texts can be guessed.
const SHORTEST: usize = 32;

/// A list of keys. The first key seals and signs. All keys open and verify, so that keys can be
/// rotated without invalidating the seals in open pages.
///
/// ```
/// use vivaz::Secret;
///
/// let new = "the-new-key-of-32-or-more-characters";
/// let old = "the-old-key-of-32-or-more-characters";
/// let secret = Secret::new(&format!("{new},{old}"))?;
/// let signature = secret.sign("cookie", b"user 7");
/// assert!(secret.verify("cookie", b"user 7", &signature));
/// assert!(!secret.verify("cookie", b"user 8", &signature));
/// # Ok::<(), vivaz::SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret {
    /// Never empty.
    texts: Vec<Box<str>>,
}

/// The reason why no secret could be loaded.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// One of the texts is too short.
    #[error("a secret needs at least {SHORTEST} characters; this one has {0}")]
    Short(usize),
    /// The file could not be read or created.
    #[error("{path}: {source}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// `VIVAZ_SECRET` is not valid Unicode. It does not count as absent, because the server would
    /// then use another secret.
    #[error("VIVAZ_SECRET is not valid Unicode; set it to 32 characters or more, or unset it")]
    NotUnicode,
    /// The system's random number generator failed.
    #[error("the system's random number generator failed: {0}")]
    Randomness(getrandom::Error),
}

vivaz_components::debug_as_message!(SecretError);

impl Secret {
    /// Creates a secret from a comma-separated list of texts, each of at least 32 characters.
    ///
    /// # Errors
    /// Returns [`SecretError::Short`] if one of the texts is shorter.
    pub fn new(list: &str) -> Result<Self, SecretError> {
        let texts: Vec<Box<str>> = list.split(',').map(str::trim).map(Box::from).collect();
        match texts.iter().map(|text| text.chars().count()).find(|count| *count < SHORTEST) {
            Some(count) => Err(SecretError::Short(count)),
            None => Ok(Self { texts }),
        }
    }

    /// Creates a random secret that only this process has. Seals in open pages do not survive a
    /// restart.
    ///
    /// # Errors
    /// Returns [`SecretError::Randomness`] if the system's random number generator fails.
    pub fn random() -> Result<Self, SecretError> {
        let text = random_text::<32>().map_err(SecretError::Randomness)?;
        Ok(Self { texts: vec![text.into()] })
    }

    /// Loads the secret from `VIVAZ_SECRET` if it is set, otherwise from the file. A missing file
    /// is created with mode 0600 and a random secret.
    ///
    /// # Errors
    /// Returns an error if the secret is too short, `VIVAZ_SECRET` is not Unicode, the file can be
    /// neither read nor created, or the system's random number generator fails.
    pub fn from_env_or_file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        Self::from_variable(std::env::var("VIVAZ_SECRET"), path.as_ref())
    }

    fn from_variable(variable: Result<String, VarError>, path: &Path) -> Result<Self, SecretError> {
        match variable {
            Ok(list) => Self::new(&list),
            Err(VarError::NotPresent) => Self::from_file(path),
            Err(VarError::NotUnicode(_)) => Err(SecretError::NotUnicode),
        }
    }

    fn from_file(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::File { path: path.to_owned(), source };
        match read(path) {
            Ok(text) => return Self::new(text.trim()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let fresh = Self::random()?;
        // Written to a temporary file and linked into place. Of several processes that start at
        // once, all use the secret that was linked first, and none reads a partly written file.
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written =
            write(&temporary, &fresh.texts.join(",")).and_then(|()| std::fs::hard_link(&temporary, path));
        let removed = std::fs::remove_file(&temporary);
        match written {
            Ok(()) => removed.map(|()| fresh).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::new(read(path).map_err(failed)?.trim())
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Signs a message for a purpose. A signature for one purpose is not valid for another.
    #[must_use]
    pub fn sign(&self, purpose: &str, message: &[u8]) -> String {
        let key = self.keys(purpose).next().unwrap_or_default();
        URL_SAFE_NO_PAD.encode(blake3::keyed_hash(&key, message).as_bytes())
    }

    /// Checks whether the message was signed for this purpose with one of the keys. Signatures are
    /// compared in constant time.
    #[must_use]
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice()) else { return false };
        let given = blake3::Hash::from_bytes(bytes);
        self.keys(purpose).any(|key| blake3::keyed_hash(&key, message) == given)
    }

    /// Returns the keys for a purpose. The first key is the one that signs and seals.
    pub(crate) fn keys(&self, purpose: &str) -> impl Iterator<Item = [u8; 32]> {
        let context = format!("vivaz 2026 {purpose}");
        self.texts.iter().map(move |text| blake3::derive_key(&context, text.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} keys)", self.texts.len())
    }
}

/// Returns cryptographically random bytes.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let [bytes] = random_arrays()?;
    Ok(bytes)
}

/// Returns `K` arrays of cryptographically random bytes, from one system call.
pub(crate) fn random_arrays<const N: usize, const K: usize>() -> Result<[[u8; N]; K], getrandom::Error> {
    #[cfg(test)]
    faults::fail()?;
    let mut arrays = [[0_u8; N]; K];
    getrandom::fill(arrays.as_flattened_mut())?;
    Ok(arrays)
}

/// A random number generator that fails in a test.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;

    thread_local! {
        static FAILS: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs a closure during which the generator fails on this thread.
    pub(crate) fn without_randomness<R>(run: impl FnOnce() -> R) -> R {
        FAILS.set(true);
        let result = run();
        FAILS.set(false);
        result
    }

    pub(super) fn fail() -> Result<(), getrandom::Error> {
        if FAILS.get() { Err(getrandom::Error::UNSUPPORTED) } else { Ok(()) }
    }
}

/// Returns `N` cryptographically random bytes as unpadded URL-safe Base64, which needs no escapes
/// in a URL, a header or JSON.
pub(crate) fn random_text<const N: usize>() -> Result<String, getrandom::Error> {
    random_bytes::<N>().map(|bytes| text_of(&bytes))
}

/// Returns random bytes as unpadded URL-safe Base64.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // A secret is one line; a file of more than 64 KiB is not a secret.
    std::fs::File::open(path)?.take(64 * 1024).read_to_string(&mut text)?;
    Ok(text)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_secrets_are_refused() {
        assert!(matches!(Secret::new("short"), Err(SecretError::Short(5))));
        assert!(matches!(Secret::new(&format!("{},", "x".repeat(40))), Err(SecretError::Short(0))));
    }

    #[test]
    fn an_old_key_still_verifies_and_the_new_one_signs() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Secret::new(&old).unwrap();
        let after = Secret::new(&format!("{new},{old}")).unwrap();
        assert!(after.verify("p", b"m", &before.sign("p", b"m")));
        assert!(!before.verify("p", b"m", &after.sign("p", b"m")));
        assert!(!after.verify("other", b"m", &after.sign("p", b"m")));
    }

    #[test]
    fn the_file_is_created_once_and_is_private() {
        let directory = std::env::temp_dir().join(format!("vivaz-secret-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("secret");
        let first = Secret::from_file(&path).unwrap();
        let second = Secret::from_file(&path).unwrap();
        assert!(second.verify("p", b"m", &first.sign("p", b"m")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    proptest! {
        #[test]
        fn a_wrong_signature_is_refused(message in any::<Vec<u8>>(), signature in any::<String>(), cut in 0_usize..43) {
            let secret = Secret::new(&"s".repeat(32)).unwrap();
            prop_assert!(!secret.verify("p", &message, &signature));
            let signed = secret.sign("p", &message);
            prop_assert!(!secret.verify("p", &message, &signed[..cut]));
            let longer = format!("{signed}A");
            prop_assert!(!secret.verify("p", &message, &longer));
            prop_assert!(secret.verify("p", &message, &signed));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_unicode_is_an_error() {
        use std::os::unix::ffi::OsStrExt as _;
        let wrong = std::ffi::OsStr::from_bytes(b"\xff").to_owned();
        let failed = Secret::from_variable(Err(VarError::NotUnicode(wrong)), Path::new("/nowhere/secret"));
        assert!(matches!(failed, Err(SecretError::NotUnicode)), "{failed:?}");
    }
}
