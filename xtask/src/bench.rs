//! `cargo xtask bench`: builds the measurements in release mode and runs them. With `--page` it is
//! the page's engine that is measured, in a browser, beside hand-written DOM code.

use std::process::Command;

use anyhow::{Context as _, ensure};

/// Hands what follows the command over to the program that measures.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    if args.first().is_some_and(|arg| arg == "load") {
        return load();
    }
    if args.iter().any(|arg| arg == "--page") {
        crate::step::run("", "cargo build --release --package demo")?;
        let mut playwright = playwright("rows")?;
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

/// The commit that page loads are compared with: the last one that requested the client, the
/// engine, the template and the socket one after the other.
const BASE: &str = "7195144";

/// Measures the loads of a page, beside those of an earlier commit and of a plain page.
fn load() -> anyhow::Result<()> {
    crate::step::run("", "cargo build --release --package demo")?;
    crate::step::run("", "cargo build --release --package bench --example plain_page")?;
    let root = crate::step::root()?;
    let base = root.join("target/bench-base");
    if !base.exists() {
        crate::step::run("", &format!("git worktree add --force --detach {} {BASE}", base.display()))?;
    }
    crate::step::run("target/bench-base", "cargo build --release --package demo --target-dir target")?;
    let target = root.join("target/release");
    let mut playwright = playwright("load")?;
    playwright
        .env("VIVAZ_DEMO", target.join("demo"))
        .env("VIVAZ_PLAIN", target.join("examples/plain_page"))
        .env("VIVAZ_BASE", base.join("target/release/demo"));
    crate::step::run_command(playwright)
}

/// Returns a run of one of the measurements in a browser.
fn playwright(name: &str) -> anyhow::Result<Command> {
    if !crate::step::root()?.join("e2e/node_modules").exists() {
        crate::step::run("e2e", "npm ci --no-audit --no-fund")?;
    }
    crate::step::command("e2e", &format!("npx playwright test --config bench {name}"))
}
