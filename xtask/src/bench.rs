//! `cargo xtask bench`: builds the measurements in release mode and runs them.

use std::process::Command;

use anyhow::{Context as _, ensure};

/// Hands what follows the command over to the program that measures.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--release", "--package", "bench", "--", "run"])
        .args(args)
        .status()
        .context("cargo did not start")?;
    ensure!(status.success(), "the measurements ended with {status}");
    Ok(())
}
