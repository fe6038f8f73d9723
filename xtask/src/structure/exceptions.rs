//! Accepted exceptions, each with a reason.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

/// The exceptions of `xtask/structure.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    #[serde(default)]
    cycle: Vec<CycleException>,
    #[serde(default)]
    name: Vec<NameException>,
    #[serde(default)]
    long_file: Vec<FileException>,
    #[serde(default)]
    reference: Vec<ReferenceException>,
}

/// An accepted import cycle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CycleException {
    #[serde(rename = "crate")]
    in_crate: String,
    /// The modules of the cycle.
    members: BTreeSet<String>,
    reason: String,
    #[serde(skip)]
    is_used: bool,
}

/// An accepted type name with several definitions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameException {
    name: String,
    /// The number of definitions.
    definitions: usize,
    reason: String,
    #[serde(skip)]
    is_used: bool,
}

/// An accepted file with more than 500 lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileException {
    path: String,
    reason: String,
    #[serde(skip)]
    is_used: bool,
}

/// A name in the pages for maintainers that this source does not define.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceException {
    name: String,
    reason: String,
    #[serde(skip)]
    is_used: bool,
}

impl Exceptions {
    /// Reads the file.
    ///
    /// # Errors
    /// Fails if the file has another format, or if an exception has no reason.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let read: Self = toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        let reasons = read.cycle.iter().map(|e| &e.reason).chain(read.name.iter().map(|e| &e.reason));
        let reasons = reasons.chain(read.long_file.iter().map(|e| &e.reason));
        let mut reasons = reasons.chain(read.reference.iter().map(|e| &e.reason));
        ensure!(reasons.all(|reason| !reason.trim().is_empty()), "each exception needs a reason");
        Ok(read)
    }

    /// Whether a cycle of exactly these modules is accepted.
    pub(super) fn accept_cycle(&mut self, in_crate: &str, members: &BTreeSet<String>) -> bool {
        let found = self.cycle.iter_mut().find(|e| e.in_crate == in_crate && e.members == *members);
        found.map(|exception| exception.is_used = true).is_some()
    }

    /// Whether a type name with this number of definitions is accepted.
    pub(super) fn accept_name(&mut self, name: &str, definitions: usize) -> bool {
        let found = self.name.iter_mut().find(|e| e.name == name && e.definitions == definitions);
        found.map(|exception| exception.is_used = true).is_some()
    }

    /// Whether a long file is accepted.
    pub(super) fn accept_long_file(&mut self, path: &Path) -> bool {
        let found = self.long_file.iter_mut().find(|e| Path::new(&e.path) == path);
        found.map(|exception| exception.is_used = true).is_some()
    }

    /// Checks whether a page may mention a name that the source does not define.
    pub(super) fn accept_reference(&mut self, name: &str) -> bool {
        let found = self.reference.iter_mut().find(|e| e.name == name);
        found.map(|exception| exception.is_used = true).is_some()
    }

    /// Returns a fault for each unused exception.
    pub(super) fn unused(&self) -> Vec<String> {
        let cycles = self.cycle.iter().filter(|e| !e.is_used);
        let cycles = cycles.map(|e| format!("the cycle of {} {:?}", e.in_crate, e.members));
        let names = self.name.iter().filter(|e| !e.is_used).map(|e| format!("the name {}", e.name));
        let files = self.long_file.iter().filter(|e| !e.is_used).map(|e| format!("the file {}", e.path));
        let references =
            self.reference.iter().filter(|e| !e.is_used).map(|e| format!("the reference {}", e.name));
        let all = cycles.chain(names).chain(files).chain(references);
        all.map(|exception| format!("xtask/structure.toml: unused exception for {exception}")).collect()
    }
}
