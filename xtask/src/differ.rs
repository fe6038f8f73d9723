//! `cargo xtask differ`: compares patched pages with newly loaded ones in many random states. The
//! step `browser` of `cargo xtask test` does the same for a few states.

use lexopt::Arg::{Long, Short, Value};

use crate::step::{command, number, print_line, run, run_command};
use crate::tools;

const STEPS: u32 = 300;

const USAGE: &str = "\
Usage: cargo xtask differ [--seed N] [--steps N]

  --seed N   repeats the states of an earlier run; a different seed each time by default
  --steps N  the number of states (300)";

/// Runs the comparison for a seed and a number of states.
pub(crate) fn run_long(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let (mut seed, mut steps) = (now.subsec_nanos(), STEPS);
    while let Some(arg) = args.next()? {
        match arg {
            Short('h') | Long("help") => return print_line(USAGE),
            Long("seed") => seed = number(&mut args, "--seed")?,
            Long("steps") => steps = number(&mut args, "--steps")?,
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().into()),
        }
    }
    run("", "cargo build --workspace --exclude xtask --features vivaz/jwt,vivaz/garde --bin e2e-app")?;
    print_line(&format!("seed {seed}"))?;
    let mut playwright = command("e2e", "npx playwright test tests/differ.spec.ts")?;
    playwright
        .env("HEADLESS_SHELL", tools::headless_shell())
        .env("DIFFER_SEED", seed.to_string())
        .env("DIFFER_STEPS", steps.to_string());
    run_command(playwright)
}
