//! `cargo xtask bench`: builds the measurements in release mode and runs them. With `--page` it
//! measures the page's engine in a browser, compared with hand-written DOM code.

use crate::step::{command, forward, is_help, print_line, root, run, run_command};

const USAGE: &str = "\
Usage: cargo xtask bench [--quick] [NAME…]
       cargo xtask bench --page

  NAME     one of round-trips, latency, memory, appends, deliveries; all without a name
  --quick  fewer repetitions, lower precision
  --page   measures operations on many rows in a browser, compared with hand-written DOM code";

/// Runs the measurements with the given arguments.
pub(crate) fn run_measurements(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let args: Vec<_> = args.raw_args()?.collect();
    if args.iter().any(|arg| is_help(arg)) {
        return print_line(USAGE);
    }
    if args.iter().any(|arg| arg == "--page") {
        run("", "cargo build --release --package demo")?;
        if !root()?.join("e2e/node_modules").exists() {
            run("e2e", "npm ci --no-audit --no-fund")?;
        }
        let mut playwright = command("e2e", "npx playwright test --config bench")?;
        playwright.env("VIVAZ_PROFILE", "release");
        return run_command(playwright);
    }
    let mut bench = command("", "cargo run --release --package bench -- run")?;
    bench.args(args);
    forward(bench)
}
