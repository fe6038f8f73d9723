//! The command line.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use chaos::plan::{Plan, Stop};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

/// The output of `--help`.
pub(crate) const USAGE: &str = "\
Usage: chaos run [--seed N] [--pages N] [--actions N] [--restarts N] [--short] [--killed | --restarted]
       chaos serve FOLDER

  run            runs 50 pages with 20,000 actions; the server is killed 10 times, then in a second run
                 restarted 10 times
    --seed N     repeats the random decisions of an earlier run
    --pages N, --actions N, --restarts N  replace the numbers above
    --short      12 pages, 720 actions, 3 restarts
    --killed, --restarted  only one of the two runs
  serve FOLDER   the server of a run, with its data in that folder
  --help         this text";

/// The command of the command line.
pub(crate) enum Command {
    Run(Options),
    Serve(PathBuf),
    Help,
}

/// The options of a run.
pub(crate) struct Options {
    pub(crate) seed: Option<u64>,
    pub(crate) stops: Vec<Stop>,
    plan: fn(u64, Stop) -> Plan,
    pages: Option<u64>,
    actions: Option<u64>,
    restarts: Option<u64>,
}

impl Options {
    /// Returns the plan of a run.
    pub(crate) fn plan(&self, seed: u64, stop: Stop) -> Plan {
        let plan = (self.plan)(seed, stop);
        Plan {
            pages: self.pages.unwrap_or(plan.pages),
            actions: self.actions.unwrap_or(plan.actions),
            restarts: self.restarts.unwrap_or(plan.restarts),
            ..plan
        }
    }
}

impl Command {
    /// Parses the arguments.
    ///
    /// # Errors
    /// Fails on an unknown command or option, and on a missing or invalid value.
    pub(crate) fn parse(mut args: lexopt::Parser) -> anyhow::Result<Self> {
        let command = match args.next()? {
            Some(Value(command)) => command.string()?,
            Some(Short('h') | Long("help")) => return Ok(Self::Help),
            Some(other) => return Err(other.unexpected().into()),
            None => bail!("a command is missing; `chaos --help` lists the commands"),
        };
        match command.as_str() {
            "run" => Self::parse_run(args),
            "serve" => {
                let folder = match args.next()? {
                    Some(Value(folder)) => folder.into(),
                    Some(Short('h') | Long("help")) => return Ok(Self::Help),
                    Some(other) => return Err(other.unexpected().into()),
                    None => bail!("the folder is missing: `chaos serve FOLDER`"),
                };
                match args.next()? {
                    None => Ok(Self::Serve(folder)),
                    Some(other) => Err(other.unexpected().into()),
                }
            }
            other => bail!("unknown command {other:?}; `chaos --help` lists the commands"),
        }
    }

    fn parse_run(mut args: lexopt::Parser) -> anyhow::Result<Self> {
        let mut options = Options {
            seed: None,
            stops: vec![Stop::Killed, Stop::Restarted],
            plan: Plan::long,
            pages: None,
            actions: None,
            restarts: None,
        };
        while let Some(arg) = args.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(Self::Help),
                Long("seed") => options.seed = Some(number(&mut args, "--seed")?),
                Long("pages") => options.pages = Some(number(&mut args, "--pages")?),
                Long("actions") => options.actions = Some(number(&mut args, "--actions")?),
                Long("restarts") => options.restarts = Some(number(&mut args, "--restarts")?),
                Long("short") => options.plan = Plan::short,
                Long("killed") => options.stops = vec![Stop::Killed],
                Long("restarted") => options.stops = vec![Stop::Restarted],
                other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().into()),
            }
        }
        Ok(Self::Run(options))
    }
}

fn number(args: &mut lexopt::Parser, option: &str) -> anyhow::Result<u64> {
    let value = args.value()?.string()?;
    value.parse().map_err(|_| anyhow!("{option} takes a number, not {value:?}"))
}
