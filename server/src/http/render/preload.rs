//! Makes browsers request the templates of a page while they read it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::assets::template_path;

/// The hashes of the templates of the components that a response contains. Kept in the request, for
/// all `Live`s of a handler.
#[derive(Clone, Debug, Default)]
pub(super) struct PageTemplates(Arc<Mutex<BTreeSet<Box<str>>>>);

impl PageTemplates {
    /// Adds the template of a component.
    pub(super) fn add(&self, hash: &str) {
        let mut hashes = self.hashes();
        // A page may have a component many times.
        if !hashes.contains(hash) {
            hashes.insert(hash.into());
        }
    }

    /// Forgets all templates.
    pub(super) fn clear(&self) {
        self.hashes().clear();
    }

    /// Returns the elements that preload the templates. `path` is the path of the WebSocket.
    pub(super) fn links(&self, path: &str) -> String {
        let mut links = String::new();
        for hash in &*self.hashes() {
            let file = template_path(hash);
            let _ = write!(links, r#"<link rel="preload" href="{path}/{file}" as="fetch" crossorigin>"#);
        }
        links
    }

    fn hashes(&self) -> MutexGuard<'_, BTreeSet<Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
