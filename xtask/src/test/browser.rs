//! The steps that need a browser.

use crate::step::{command, run, run_command};

use super::WORKSPACE;
use crate::tools;

/// Rebuilds the client, so that the browser runs the current source, and checks the types of its
/// JavaScript.
pub(super) fn client() -> anyhow::Result<()> {
    run("", "cargo xtask client --check")?;
    run("", "cargo xtask client")?;
    run("client-wasm", "npx tsc --project js")
}

/// Builds the demo and the example, which embed the client, and runs the browser tests.
pub(super) fn pages() -> anyhow::Result<()> {
    build()?;
    let mut playwright = command("e2e", "npx playwright test")?;
    playwright.env("CHROMIUM", tools::chromium()).env("HEADLESS_SHELL", tools::headless_shell());
    run_command(playwright)
}

/// Runs the engine-dependent tests in Firefox and in WebKitGTK, in parallel.
pub(super) fn engines() -> anyhow::Result<()> {
    build()?;
    let mut playwright = command("e2e", "xvfb-run --auto-servernum npx playwright test --config engines")?;
    playwright.env("FIREFOX", tools::firefox()).env("GECKODRIVER", tools::geckodriver()?);
    run_command(playwright)
}

/// Builds the servers of the browser tests and checks the types of the tests.
fn build() -> anyhow::Result<()> {
    // The examples give dependencies the features that the step `tests` uses.
    let bins = "--bin demo --bin desk --bin e2e-app --bin e2e-next";
    run("", &format!("cargo build {WORKSPACE} {bins} --examples"))?;
    run("e2e", "npx tsc --noEmit")
}
