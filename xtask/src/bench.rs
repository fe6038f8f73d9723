//! `cargo xtask bench`: builds the measurements in release mode and runs them. `load` and `--page`
//! measure in a browser.

use std::process::Command;

use crate::step::{command, forward, is_help, print_line, root, run, run_command};

const USAGE: &str = "\
Usage: cargo xtask bench [--quick] [NAME…]
       cargo xtask bench load
       cargo xtask bench --page

  NAME     one of round-trips, latency, memory, appends, lists, deliveries, pages, mounts, joins,
           viewers, suspended, durable, sizes; all without a name
  --quick  fewer repetitions, lower precision
  load     measures the time to the first click of a page that is loaded in a browser, compared with
           an earlier commit and with a page of hand-written JavaScript
  --page   measures operations on many rows in a browser, compared with hand-written DOM code";

/// The commit that page loads are compared with. Its client requests the engine, the template and
/// the socket one after the other.
const BASE: &str = "7195144";

/// Runs the measurements with the given arguments.
pub(crate) fn run_measurements(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let args: Vec<_> = args.raw_args()?.collect();
    if args.iter().any(|arg| is_help(arg)) {
        return print_line(USAGE);
    }
    if args.first().is_some_and(|arg| arg == "load") {
        return measure_loads();
    }
    if args.iter().any(|arg| arg == "--page") {
        run("", "cargo build --release --package demo")?;
        let mut playwright = playwright("rows.bench")?;
        playwright.env("VIVAZ_PROFILE", "release");
        return run_command(playwright);
    }
    let mut bench = command("", "cargo run --release --package bench -- run")?;
    bench.args(args);
    forward(bench)
}

/// Measures the loads of a page, compared with those of an earlier commit and of a plain page.
fn measure_loads() -> anyhow::Result<()> {
    run("", "cargo build --release --package demo")?;
    run("", "cargo build --release --package bench --example plain_page")?;
    let root = root()?;
    let base = root.join("target/bench-base");
    if !base.exists() {
        run("", &format!("git worktree add --force --detach target/bench-base {BASE}"))?;
    }
    run("target/bench-base", "cargo build --release --package demo --target-dir target")?;
    let target = root.join("target/release");
    let mut playwright = playwright("load.bench")?;
    playwright
        .env("VIVAZ_DEMO", target.join("demo"))
        .env("VIVAZ_PLAIN", target.join("examples/plain_page"))
        .env("VIVAZ_BASE", base.join("target/release/demo"));
    run_command(playwright)
}

/// Returns a run of one of the measurements in a browser.
fn playwright(name: &str) -> anyhow::Result<Command> {
    if !root()?.join("e2e/node_modules").exists() {
        run("e2e", "npm ci --no-audit --no-fund")?;
    }
    command("e2e", &format!("npx playwright test --config bench {name}"))
}
