//! The steps that need a browser.

use crate::step::{command, run, run_command};

use crate::tools;

/// Builds the client afresh, so that what the browser runs is what the source says.
pub(super) fn client() -> anyhow::Result<()> {
    run("", "cargo xtask client --check")?;
    run("", "cargo xtask client")
}

/// Runs the tests of the part that touches the DOM.
pub(super) fn wasm() -> anyhow::Result<()> {
    let mut test = command("", "cargo test --package vivaz-client --target wasm32-unknown-unknown")?;
    test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools::test_runner()?);
    run_command(test)
}

/// Builds the demo, which embeds the client, and drives it.
pub(super) fn pages() -> anyhow::Result<()> {
    run("", "cargo build --package demo --package e2e-app")?;
    run("e2e", "npx tsc --noEmit")?;
    let mut playwright = command("e2e", "npx playwright test")?;
    playwright.env("CHROMIUM", tools::chromium());
    run_command(playwright)
}
