//! `cargo xtask chaos`: the long form of the chaos test, with a server built in release mode.

use crate::step::{command, forward, is_help, print_line};

const USAGE: &str = "\
Usage: cargo xtask chaos [OPTION…]

Runs 50 pages with 20,000 actions on a failing network; the server is killed 10 times, then in a second
run restarted 10 times.

  --seed N       repeats the random decisions of an earlier run
  --pages N, --actions N, --restarts N  replace the numbers above
  --short        12 pages, 720 actions, 3 restarts
  --killed, --restarted  only one of the two runs";

/// Runs the program of the chaos run with the given arguments.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let args: Vec<_> = args.raw_args()?.collect();
    if args.iter().any(|arg| is_help(arg)) {
        return print_line(USAGE);
    }
    let mut chaos = command("", "cargo run --release --package chaos -- run")?;
    chaos.args(args);
    forward(chaos)
}
