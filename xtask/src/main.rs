//! Chores: `cargo xtask COMMAND`. One file a command.

mod autobahn;
mod bench;
mod chaos;
mod client;
mod deny;
mod differ;
mod fuzz;
mod mutants;
mod step;
mod structure;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [STEP…]             everything that has to hold, or only the steps named; installs what it needs first
  audit                    checks dependencies against the advisories of RustSec; needs a network that reaches GitHub
  client [--dev|--check]   builds the browser's client into client-wasm/dist; --check only says whether that is
                           current, --dev keeps the texts of panics
  bench [--quick] [NAME…]  what a round trip, an idle session and an append cost, next to a bare WebSocket
  bench --page             what operations on many rows cost in a browser, next to hand-written DOM code
  chaos [--seed N]         pages on a network that breaks and a server that is killed and restarted: nothing is lost,
                           nothing done twice; --short for a small one
  differ [--seed N] [--steps N]  pages that got to random states by patches, against fresh ones with and without JavaScript
  fuzz [--seconds N] [TARGET…]  feeds every reader of foreign input what it has never seen; 60 s a target
  mutants [AREA…] [--shard K/N]  changes the source in small ways, one at a time, and fails where no test notices
  autobahn [CASE…]         Autobahn's cases of RFC 6455 against an echo on the server's transport; needs Python 2.7
  help                     this text";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, which would push what matters out of sight.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    match command.as_deref() {
        Some("audit") => deny::audit(&rest),
        Some("autobahn") => autobahn::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("chaos") => chaos::run(&rest),
        Some("client") => client::run_build(&rest),
        Some("differ") => differ::run_long(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("mutants") => mutants::run(&rest),
        Some("test") => test::run_steps(&rest),
        Some("help" | "--help" | "-h") | None => step::say(USAGE),
        Some(other) => anyhow::bail!("there is no command {other:?}\n\n{USAGE}"),
    }
}
