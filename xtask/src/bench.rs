//! `cargo xtask bench`: builds the measurements in release mode and runs them. With `--page` it is
//! the page's engine that is measured, in a browser, beside hand-written DOM code.

use std::process::Command;

use anyhow::{Context as _, ensure};

/// Hands what follows the command over to the program that measures.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.iter().any(|arg| arg == "--page") {
        crate::step::run("", "cargo build --release --package demo")?;
        if !crate::step::root()?.join("e2e/node_modules").exists() {
            crate::step::run("e2e", "npm ci --no-audit --no-fund")?;
        }
        let mut playwright = crate::step::command("e2e", "npx playwright test --config bench")?;
        playwright.env("VIVAZ_PROFILE", "release");
        return crate::step::run_command(playwright);
    }
    let status = Command::new("cargo")
        .args(["run", "--release", "--package", "bench", "--", "run"])
        .args(args)
        .status()
        .context("cargo did not start")?;
    ensure!(status.success(), "the measurements ended with {status}");
    Ok(())
}
