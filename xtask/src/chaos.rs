//! `cargo xtask chaos`: the long form of the chaos test, with a server built as it is deployed.

use crate::step::{command, run_command};

/// Hands what follows the command over to the program that does it.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let mut chaos = command("", "cargo run --release --package chaos -- run")?;
    chaos.args(args);
    run_command(chaos)
}
