//! Mutants that no test notices, with the reasons: `xtask/mutants.toml`.

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::outcome::Mutant;
use crate::step::root;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accepted {
    #[serde(default)]
    accepted: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    /// The name of cargo-mutants without the position.
    change: String,
    /// The source line, required if several mutants of the file have the same name.
    line: Option<String>,
    /// Why the change makes no difference, or why no test can notice it.
    reason: String,
}

impl Entry {
    fn is_of(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file
            && self.change == mutant.change
            && self.line.as_ref().is_none_or(|line| *line == mutant.line)
    }
}

impl Accepted {
    /// Reads the file of the repository.
    pub(super) fn load() -> anyhow::Result<Self> {
        let path = root()?.join("xtask/mutants.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Checks the entries against the mutants of all areas.
    ///
    /// # Errors
    /// Fails if an entry has no reason, its mutant does not exist, or it matches several lines.
    pub(super) fn check(&self, all: &[Mutant]) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for entry in &self.accepted {
            let mut lines: Vec<&str> =
                all.iter().filter(|mutant| entry.is_of(mutant)).map(|mutant| mutant.line.as_str()).collect();
            lines.dedup();
            let fault = match lines.len() {
                0 => "does not exist any more: remove the entry",
                1 if entry.reason.trim().is_empty() => "needs a reason",
                1 => continue,
                _ => "has the name of other mutants: add `line`, the text of its source line",
            };
            wrong.push(format!("{}: {} {fault}", entry.file, entry.change));
        }
        ensure!(wrong.is_empty(), "xtask/mutants.toml is out of date:\n{}", wrong.join("\n"));
        Ok(())
    }

    /// Returns why the mutant may be missed, or `None` if it may not.
    pub(super) fn reason(&self, mutant: &Mutant) -> Option<&str> {
        self.accepted.iter().find(|entry| entry.is_of(mutant)).map(|entry| entry.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(change: &str, line: &str) -> Mutant {
        let name = format!("a.rs:1:1: {change}");
        Mutant { name, file: "a.rs".into(), change: change.into(), line: line.into() }
    }

    fn accepted(rest: &str) -> Accepted {
        Accepted::parse(&format!("[[accepted]]\nfile = 'a.rs'\n{rest}")).unwrap()
    }

    #[test]
    fn an_entry_matches_one_existing_mutant() {
        let all = [mutant("replace < with ==", "a < b"), mutant("replace < with ==", "c < d")];
        let good = accepted("change = 'replace < with =='\nline = 'c < d'\nreason = 'none'");
        good.check(&all).unwrap();
        assert_eq!(good.reason(&all[0]), None);
        assert_eq!(good.reason(&all[1]), Some("none"));

        for (rest, fault) in [
            ("change = 'replace < with =='\nreason = 'none'", "has the name of other"),
            ("change = 'replace < with =='\nline = 'e < f'\nreason = 'none'", "does not exist"),
            ("change = 'replace > with =='\nreason = 'none'", "does not exist"),
            ("change = 'replace < with =='\nline = 'c < d'\nreason = ' '", "needs a reason"),
        ] {
            let error = accepted(rest).check(&all).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn an_entry_without_a_reason_or_with_an_unknown_table_is_rejected() {
        Accepted::parse("[[accepted]]\nfile = 'a.rs'\nchange = 'x'").unwrap_err();
        Accepted::parse("[[excepted]]\nfile = 'a.rs'\nchange = 'x'\nreason = 'y'").unwrap_err();
        assert!(Accepted::parse("").unwrap().accepted.is_empty());
    }
}
