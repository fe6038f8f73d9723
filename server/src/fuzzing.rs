//! Access to internal parts for the fuzz targets.

use crate::admission::seal::{SealContent, Sealer};
use crate::admission::secret::Secret;

/// Creates and opens seals with one key.
pub struct Seals(Sealer);

impl Seals {
    /// Creates a sealer from a secret of at least 32 characters.
    ///
    /// # Panics
    /// Panics if the secret is shorter.
    pub fn new(key: &str) -> Self {
        Self(Sealer::new(&Secret::new(key).unwrap_or_else(|error| panic!("{error}"))))
    }

    /// Seals props for a holder.
    pub fn seal(&self, props: &str, holder: &str) -> Option<String> {
        let content = SealContent {
            child: None,
            component: "counter".into(),
            schema: 1,
            template: String::new(),
            expires: u64::MAX,
            props: props.into(),
            state: None,
            painted: None,
            query: None,
        };
        self.0.seal(&content, holder).ok()
    }

    /// Returns the props in a seal; `None` if the seal is not valid for the holder.
    pub fn open(&self, token: &str, holder: &str) -> Option<String> {
        Some(self.0.open(token, holder, 0)?.props)
    }
}
