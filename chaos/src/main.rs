//! The program: a run of chaos, or the server in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use chaos::plan::{Fate, Plan};

const USAGE: &str = "\
Usage: chaos COMMAND

  run [--seed N] [--pages N] [--actions N] [--restarts N] [--short] [--killed | --restarted]
                 the whole of it: 50 pages, 20,000 actions, 10 kills, then the same with planned restarts
  serve FOLDER   the server that is killed, with its data in that folder";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, which would push what matters out of sight.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match *args {
        ["serve", folder] => runtime.block_on(chaos::app::serve(Path::new(folder))),
        ["run", ref options @ ..] => runtime.block_on(run(options)),
        _ => bail!("{USAGE}"),
    }
}

async fn run(options: &[&str]) -> anyhow::Result<()> {
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut fates = vec![Fate::Killed, Fate::Restarted];
    let mut make: fn(u64, Fate) -> Plan = Plan::long;
    let (mut pages, mut actions, mut restarts) = (None, None, None);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut number = || -> anyhow::Result<u64> {
            Ok(options.next().with_context(|| format!("{option} needs a number"))?.parse()?)
        };
        match *option {
            "--seed" => seed = number()?,
            "--pages" => pages = Some(number()?),
            "--actions" => actions = Some(number()?),
            "--restarts" => restarts = Some(number()?),
            "--short" => make = Plan::short,
            "--killed" => fates = vec![Fate::Killed],
            "--restarted" => fates = vec![Fate::Restarted],
            other => bail!("there is no option {other:?}\n\n{USAGE}"),
        }
    }
    let program = std::env::current_exe()?;
    let mut out = std::io::stdout();
    for fate in fates {
        let mut plan = make(seed, fate);
        plan.pages = pages.unwrap_or(plan.pages);
        plan.actions = actions.unwrap_or(plan.actions);
        plan.restarts = restarts.unwrap_or(plan.restarts);
        let folder = std::env::temp_dir().join(format!("vivaz-chaos-{}-{fate:?}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        writeln!(out, "{plan}; data in {}", folder.display())?;
        let again = || {
            let flag = if fate == Fate::Killed { "--killed" } else { "--restarted" };
            let Plan { pages, actions, restarts, .. } = &plan;
            format!(
                "again: cargo xtask chaos {flag} --seed {seed} --pages {pages} --actions {actions} --restarts {restarts}"
            )
        };
        let summary = chaos::run::run(&plan, &program, &folder).await.with_context(again)?;
        writeln!(
            out,
            "exact: every action once, in {:.1} s; {} times welcomed back, {} answers given again and the same",
            summary.took.as_secs_f64(),
            summary.resumed,
            summary.repeated,
        )?;
        std::fs::remove_dir_all::<PathBuf>(folder)?;
    }
    Ok(())
}
