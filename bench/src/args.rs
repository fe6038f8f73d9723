//! The command line.

use anyhow::bail;
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use crate::measure::{self, Precision};

/// The output of `--help`.
pub(crate) const USAGE: &str = "\
Usage: bench [run] [--quick] [NAME…]
       bench serve-echo | serve-to-all | serve-written | serve-vivaz | serve-durable

  run           runs all measurements (4 minutes), or those named: round-trips, latency, memory,
                appends, lists, deliveries, pages, mounts, joins, viewers, suspended, durable,
                sizes; docs/performance.md describes them. A missed target is printed and is no
                error, because it depends on the machine.
    --quick     fewer repetitions, lower precision (15 seconds)
  serve-echo    runs the baseline: a tuned axum WebSocket that sends each message back
  serve-to-all  runs the baseline for topics: the same, but it sends each message to all connections
  serve-written runs the baseline for pages: 1,000 rows in HTML and in JSON, written by hand
  serve-vivaz   runs the measured server
  serve-durable runs the measured server with a session store
  --help        this text

The servers print their address and run until they are killed.";

/// The command of the command line.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Run { precision: Precision, names: Vec<String> },
    ServeEcho,
    ServeToAll,
    ServeWritten,
    ServeVivaz,
    ServeDurable,
    Help,
}

impl Command {
    /// Parses the arguments.
    ///
    /// # Errors
    /// Fails on an unknown option, command or measurement.
    pub(crate) fn parse(mut args: lexopt::Parser) -> anyhow::Result<Self> {
        let mut command = None;
        let (mut precision, mut names) = (Precision::Full, Vec::new());
        while let Some(arg) = args.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(Self::Help),
                Long("quick") => precision = Precision::Quick,
                Value(value) if command.is_none() => command = Some(value.string()?),
                Value(value) => names.push(value.string()?),
                other @ (Short(_) | Long(_)) => return Err(other.unexpected().into()),
            }
        }
        let command = command.unwrap_or_else(|| "run".to_owned());
        if command == "run" {
            if let Some(unknown) =
                names.iter().find(|name| measure::names().all(|known| known != name.as_str()))
            {
                bail!(
                    "unknown measurement {unknown:?}; expected {}",
                    measure::names().collect::<Vec<_>>().join(", ")
                );
            }
            return Ok(Self::Run { precision, names });
        }
        if let Some(name) = names.first() {
            bail!("unexpected argument {name:?}");
        }
        match command.as_str() {
            "serve-echo" => Ok(Self::ServeEcho),
            "serve-to-all" => Ok(Self::ServeToAll),
            "serve-written" => Ok(Self::ServeWritten),
            "serve-durable" => Ok(Self::ServeDurable),
            "serve-vivaz" => Ok(Self::ServeVivaz),
            other => bail!("unknown command {other:?}; `bench --help` lists the commands"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> anyhow::Result<Command> {
        Command::parse(lexopt::Parser::from_args(args))
    }

    #[test]
    fn commands_and_options_are_parsed() {
        let full = Command::Run { precision: Precision::Full, names: Vec::new() };
        assert_eq!(parse(&[]).unwrap(), full);
        assert_eq!(parse(&["run"]).unwrap(), full);
        let quick = Command::Run { precision: Precision::Quick, names: vec!["memory".to_owned()] };
        assert_eq!(parse(&["run", "--quick", "memory"]).unwrap(), quick);
        assert_eq!(parse(&["run", "memory", "--quick"]).unwrap(), quick);
        assert_eq!(parse(&["serve-echo"]).unwrap(), Command::ServeEcho);
        assert_eq!(parse(&["run", "x", "--help"]).unwrap(), Command::Help);
    }

    #[test]
    fn an_error_names_the_argument() {
        for (args, expected) in [
            (&["run", "memori"][..], "unknown measurement \"memori\""),
            (&["serve"][..], "unknown command \"serve\""),
            (&["serve-echo", "x"][..], "unexpected argument \"x\""),
            (&["run", "--fast"][..], "invalid option '--fast'"),
        ] {
            let message = parse(args).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
