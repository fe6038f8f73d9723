//! Checks dependencies with cargo-deny: bans, licences and sources in `cargo xtask test`,
//! advisories in `cargo xtask audit`. The rules are in `deny.toml`.

use std::process::Command;

use anyhow::{Context as _, bail};
use lexopt::Arg::{Long, Short};

use crate::step::{command_line, print_line, root, run_command};
use crate::tools;

/// Checks bans, licences and sources, which requires only the registry's index.
pub(crate) fn check() -> anyhow::Result<()> {
    run_command(cargo_deny("--locked check bans licenses sources")?)
}

const USAGE: &str = "\
Usage: cargo xtask audit

Checks the versions in Cargo.lock against the RustSec advisories; requires access to GitHub.";

/// `cargo xtask audit`: checks the versions in `Cargo.lock` against the advisories of RustSec.
pub(crate) fn audit(mut args: lexopt::Parser) -> anyhow::Result<()> {
    match args.next()? {
        None => {}
        Some(Short('h') | Long("help")) => return print_line(USAGE),
        Some(other) => return Err(other.unexpected().into()),
    }
    let mut command = cargo_deny("--locked --color never check advisories")?;
    let line = command_line(&command);
    print_line(&format!("$ {line}"))?;
    let output = command.output().with_context(|| format!("cannot run {line}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    print_line(text.trim_end())?;
    match outcome(output.status.success(), &text) {
        Outcome::Clean => print_line("no advisory affects a version in Cargo.lock"),
        Outcome::Unreachable => bail!(
            "the advisories were not checked, because https://github.com/RustSec/advisory-db cannot be fetched; \
             run `cargo xtask audit` on a network with access to GitHub"
        ),
        Outcome::Affected => bail!("an advisory affects a version in Cargo.lock; see the output above"),
    }
}

fn cargo_deny(args: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(tools::cargo_deny()?);
    command.args(args.split_whitespace()).current_dir(root()?);
    Ok(command)
}

/// The result of a check of the advisories.
#[derive(Debug, PartialEq)]
enum Outcome {
    Clean,
    /// The database cannot be fetched, so the result is unknown.
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
    fn an_unreachable_database_is_neither_clean_nor_affected() {
        let offline = "2026-01-01 00:00:00 [ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db";
        assert_eq!(outcome(false, offline), Outcome::Unreachable);
        assert_eq!(outcome(false, "error[vulnerability]: Marvin Attack"), Outcome::Affected);
        assert_eq!(outcome(true, "advisories ok"), Outcome::Clean);
    }
}
