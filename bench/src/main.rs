//! Compares the cost of round trips, idle sessions and list appends with a plain WebSocket server.
//!
//! The measured servers run as child processes with one worker thread each; this process generates
//! the load. Servers and load are pinned to cores of their own. The figures are the server's CPU
//! time and memory, which other programs on the same machine disturb less than wall-clock time.
//! Ratios come from alternating runs, so that a disturbance affects both sides.

mod args;
mod cores;
mod durable;
mod echo;
mod http;
mod hundred;
mod live;
mod load;
mod measure;
mod pages;
mod process;
mod report;
mod socket;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::args::{Command, USAGE};
use crate::cores::Part;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, which would hide the message.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match Command::parse(lexopt::Parser::from_env())? {
        Command::Run { precision, names } => on_one_thread(measure::run(precision, &names)),
        Command::ServeEcho => on_one_worker(echo::serve()),
        Command::ServeToAll => on_one_worker(echo::serve_to_all()),
        Command::ServeWritten => on_one_worker(pages::serve_written()),
        Command::ServeDurable => on_one_worker(durable::serve()),
        Command::ServeVivaz => on_one_worker(live::serve()),
        Command::Help => Ok(writeln!(std::io::stdout(), "{USAGE}")?),
    }
}

/// Runs the load generator on one thread, so that its cost is easy to measure and the other core is
/// free for the server.
fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    cores::pin(Part::Load)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}

/// Runs a server on the multi-threaded runtime with one worker.
fn on_one_worker(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    // Spawned on the worker: this thread would be a second one.
    runtime.block_on(runtime.spawn(work))?
}
