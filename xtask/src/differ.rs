//! `cargo xtask differ`: the long form of the comparison of patched pages with fresh ones, which
//! the step `browser` of `cargo xtask test` runs for a few states.

use anyhow::{Context as _, bail};

use crate::step::{command, run, run_command, say};
use crate::tools;

const STEPS: u32 = 300;

/// Runs the comparison for a seed and a number of states, by default another seed each time.
pub(crate) fn run_long(args: &[String]) -> anyhow::Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let (mut seed, mut steps) = (now.subsec_nanos(), STEPS);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = || -> anyhow::Result<u32> {
            let value = args.clone().next().with_context(|| format!("{arg} needs a number"))?;
            value.parse().with_context(|| format!("{arg} takes a number, not {value:?}"))
        };
        match arg.as_str() {
            "--seed" => seed = value()?,
            "--steps" => steps = value()?,
            other => bail!("differ takes --seed N and --steps N, not {other:?}"),
        }
        args.next();
    }
    run("", "cargo build --workspace --exclude xtask --features vivaz/jwt,vivaz/garde --bin e2e-app")?;
    say(&format!("seed {seed}"))?;
    let mut playwright = command("e2e", "npx playwright test tests/differ.spec.ts")?;
    playwright
        .env("HEADLESS_SHELL", tools::headless_shell())
        .env("DIFFER_SEED", seed.to_string())
        .env("DIFFER_STEPS", steps.to_string());
    run_command(playwright)
}
