//! What dependencies may be, by cargo-deny: bans, licences and sources in `cargo xtask test`,
//! advisories in `cargo xtask audit`. The rules are in `deny.toml`.

use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::step::{command_line, root, run_command, say};
use crate::tools;

/// Checks bans, licences and sources, for which the registry's index is enough.
pub(crate) fn check() -> anyhow::Result<()> {
    run_command(cargo_deny("--locked check bans licenses sources")?)
}

/// `cargo xtask audit`: checks the versions in `Cargo.lock` against the advisories of RustSec.
pub(crate) fn audit(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "`cargo xtask audit` takes no arguments");
    let mut command = cargo_deny("--locked --color never check advisories")?;
    let line = command_line(&command);
    say(&format!("$ {line}"))?;
    let output = command.output().with_context(|| format!("cannot run {line}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    say(text.trim_end())?;
    match outcome(output.status.success(), &text) {
        Outcome::Clean => say("no advisory concerns a version in Cargo.lock"),
        Outcome::Unreachable => bail!(
            "the advisories were not checked: their database at https://github.com/RustSec/advisory-db cannot be fetched \
             from here; run `cargo xtask audit` where the network allows it"
        ),
        Outcome::Affected => bail!("an advisory concerns a version in Cargo.lock; see above"),
    }
}

fn cargo_deny(args: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(tools::cargo_deny()?);
    command.args(args.split_whitespace()).current_dir(root()?);
    Ok(command)
}

/// What came of a check of the advisories.
#[derive(Debug, PartialEq)]
enum Outcome {
    Clean,
    /// The database is not there, so nothing is known.
    Unreachable,
    Affected,
}

fn outcome(succeeded: bool, text: &str) -> Outcome {
    if succeeded {
        Outcome::Clean
    } else if text.contains("failed to fetch advisory database") {
        Outcome::Unreachable
    } else {
        Outcome::Affected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_checked_is_not_taken_for_clean_or_affected() {
        let offline = "2026-01-01 00:00:00 [ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db";
        assert_eq!(outcome(false, offline), Outcome::Unreachable);
        assert_eq!(outcome(false, "error[vulnerability]: Marvin Attack"), Outcome::Affected);
        assert_eq!(outcome(true, "advisories ok"), Outcome::Clean);
    }
}
