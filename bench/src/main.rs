//! What a round trip, an idle session and an append cost, next to the plainest thing that could stand in their place.
//!
//! The measured servers run as child processes of their own, one worker thread each; this process is the load. What is
//! compared is the server's CPU time and memory, which another program on the same machine disturbs less than
//! wall-clock time, and ratios of runs that alternate, so that what disturbs one disturbs the other.

mod echo;
mod load;
mod measure;
mod process;
mod report;
mod socket;

use anyhow::{Context as _, bail};

const USAGE: &str = "\
Usage: bench [COMMAND]

  run [--quick]     every measurement; --quick for a first look at lower precision
  serve-echo        the yardstick: axum's WebSocket, tuned, sending back what it gets
  serve-vivaz       the measured server

The servers print their address and run until they are killed.";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args {
        [] | ["run"] => on_one_thread(measure::all(measure::Effort::Full)),
        ["run", "--quick"] => on_one_thread(measure::all(measure::Effort::Quick)),
        ["serve-echo"] => on_one_worker(echo::serve()),
        ["serve-vivaz"] => bail!("not there yet"),
        _ => bail!("{USAGE}"),
    }
}

/// The load: one thread, so that its own cost is easily told and the other core is the server's.
fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?.block_on(work)
}

/// A server: tokio's ordinary runtime with one worker.
fn on_one_worker(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    // On the worker, not on this thread, which would be a second one.
    runtime.block_on(runtime.spawn(work))?
}
