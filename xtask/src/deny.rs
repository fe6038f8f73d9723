//! What dependencies may be, by cargo-deny: bans, licences and sources in `cargo xtask test`, advisories in
//! `cargo xtask audit`. The rules are in `deny.toml`.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use crate::step::{command, root, run, say};

/// Fixed, because its rules and its configuration change between versions.
const VERSION: &str = "0.20.2";

/// Where the program is, once it is installed.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    Ok(root()?.join(format!("target/tools/cargo-deny-{VERSION}/bin/cargo-deny")))
}

/// Installs the program; compiled without optimisation in about two minutes.
pub(crate) fn install() -> anyhow::Result<()> {
    run(
        "",
        &format!(
            "cargo install cargo-deny --version ={VERSION} --locked --debug --no-default-features --root target/tools/cargo-deny-{VERSION}"
        ),
    )
}

/// Checks bans, licences and sources, for which the registry's index is enough.
pub(crate) fn check() -> anyhow::Result<()> {
    run("", &format!("{} --locked check bans licenses sources", program()?.display()))
}

/// `cargo xtask audit`: checks the versions in `Cargo.lock` against the advisories of RustSec.
pub(crate) fn audit(args: &[String]) -> anyhow::Result<()> {
    ensure!(args.is_empty(), "`cargo xtask audit` takes no arguments");
    if !program()?.exists() {
        install()?;
    }
    let line = format!("{} --locked --color never check advisories", program()?.display());
    say(&format!("$ {line}"))?;
    let output = command("", &line)?.output().with_context(|| format!("cannot run {line}"))?;
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
