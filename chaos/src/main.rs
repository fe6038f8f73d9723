//! The program of the chaos run: starts a run, or the server of a run.

mod args;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use chaos::plan::{Plan, Stop};

use crate::args::{Command, Options, USAGE};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, which would hide the message.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let command = Command::parse(lexopt::Parser::from_env())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Serve(folder) => runtime.block_on(chaos::app::serve(&folder)),
        Command::Run(options) => runtime.block_on(run(&options)),
        Command::Help => Ok(writeln!(std::io::stdout(), "{USAGE}")?),
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    let program = std::env::current_exe()?;
    let mut out = std::io::stdout();
    for &stop in &options.stops {
        let plan = options.plan(seed, stop);
        let folder = std::env::temp_dir().join(format!("vivaz-chaos-{}-{stop:?}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        writeln!(out, "{plan}; data in {}", folder.display())?;
        let summary =
            chaos::run::run(&plan, &program, &folder).await.with_context(|| command_to_repeat(&plan))?;
        writeln!(
            out,
            "each action took effect once, in {:.1} s; {} resumed connections, {} repeated replies, all identical",
            summary.took.as_secs_f64(),
            summary.resumed,
            summary.repeated,
        )?;
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

fn command_to_repeat(plan: &Plan) -> String {
    let Plan { seed, pages, actions, restarts, stop } = plan;
    let flag = match stop {
        Stop::Killed => "--killed",
        Stop::Restarted => "--restarted",
    };
    format!(
        "to repeat: cargo xtask chaos {flag} --seed {seed} --pages {pages} --actions {actions} --restarts {restarts}"
    )
}
