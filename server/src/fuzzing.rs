//! What only the fuzz targets reach: parts that nobody else should call.

use crate::admission::seal::{Sealed, Sealer};
use crate::admission::secret::Secret;

/// Seals under one key.
pub struct Seals(Sealer);

impl Seals {
    /// Seals under a key made from a text of 32 characters or more.
    ///
    /// # Panics
    /// If it is shorter.
    pub fn new(key: &str) -> Self {
        Self(Sealer::new(&Secret::new(key).unwrap_or_else(|error| panic!("{error}"))))
    }

    /// Seals some props for a holder.
    pub fn seal(&self, props: &str, holder: &str) -> Option<String> {
        let sealed = Sealed {
            child: None,
            component: "counter".into(),
            schema: 1,
            template: String::new(),
            expires: u64::MAX,
            props: props.into(),
            state: None,
        };
        self.0.seal(&sealed, holder)
    }

    /// The props in a seal.
    pub fn open(&self, token: &str, holder: &str) -> Option<String> {
        Some(self.0.open(token, holder, 0)?.props)
    }
}
