//! Development commands: `cargo xtask COMMAND`. Each command has a module.

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

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [STEP…]             runs all checks, or only the named steps; installs the tools that they need
  audit                    checks dependencies against the RustSec advisories; requires access to GitHub
  client [--dev|--check]   builds the browser client into client-wasm/dist; --check only reports whether it is
                           current, --dev keeps panic messages
  bench [--quick] [NAME…]  measures round trips, idle sessions and list appends, compared with a plain WebSocket
  bench --page             measures operations on many rows in a browser, compared with hand-written DOM code
  chaos [--seed N]         runs pages on a failing network while the server is killed and restarted, and checks
                           that each action takes effect once; --short for a small run
  differ [--seed N] [--steps N]  compares patched pages with newly loaded ones, in random states, with and
                           without JavaScript
  fuzz [--seconds N] [TARGET…]  fuzzes each parser of external input, 60 s each
  mutants [AREA…] [--shard K/N]  makes small changes to the source and fails if no test notices them
  autobahn [CASE…]         runs Autobahn's RFC 6455 cases against an echo on the server's transport; requires
                           Python 2.7
  help                     this text

`cargo xtask COMMAND --help` describes one command.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<step::Reported>() => ExitCode::FAILURE,
        Err(error) => {
            // Without a backtrace, which would hide the message.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) | None => return step::print_line(USAGE),
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "audit" => deny::audit(args),
        "autobahn" => autobahn::run(args),
        "bench" => bench::run_measurements(args),
        "chaos" => chaos::run(args),
        "client" => client::run_build(args),
        "differ" => differ::run_long(args),
        "fuzz" => fuzz::run(args),
        "mutants" => mutants::run(args),
        "test" => test::run_steps(args),
        "help" => step::print_line(USAGE),
        other => anyhow::bail!("unknown command {other:?}; `cargo xtask help` lists the commands"),
    }
}
