//! What a round trip, an idle session and an append cost, next to the plainest thing that could
//! stand in their place.
//!
//! The measured servers run as child processes of their own, one worker thread each; this process
//! is the load. What is compared is the server's CPU time and memory, which another program on the
//! same machine disturbs less than wall-clock time, and ratios of runs that alternate, so that what
//! disturbs one disturbs the other.

mod echo;
mod live;
mod load;
mod measure;
mod process;
mod report;
mod socket;

use anyhow::{Context as _, bail};

const USAGE: &str = "\
Usage: bench [COMMAND]

  run [--quick] [NAME…]  every measurement, or those named: round-trips, latency, memory, appends, deliveries;
                         --quick for a first look at lower precision
  serve-echo             the yardstick: axum's WebSocket, tuned, sending back what it gets
  serve-to-all           the yardstick for topics: the same, sending what it gets to everybody
  serve-vivaz            the measured server

The servers print their address and run until they are killed.";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args {
        [] => on_one_thread(measure::run(measure::Effort::Full, &[])),
        ["run", "--quick", ref names @ ..] => on_one_thread(measure::run(measure::Effort::Quick, names)),
        ["run", ref names @ ..] => on_one_thread(measure::run(measure::Effort::Full, names)),
        ["serve-echo"] => on_one_worker(echo::serve()),
        ["serve-to-all"] => on_one_worker(echo::serve_to_all()),
        ["serve-vivaz"] => on_one_worker(live::serve()),
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
