//! What can be set from outside: the address to listen at and the folder for what is kept.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Printed for `--help`.
pub(crate) const USAGE: &str = "\
Usage: demo [--addr ADDRESS] [--data DIR]

  --addr ADDRESS  where to listen; port 0 lets the system choose   [DEMO_ADDR, default 127.0.0.1:3000]
  --data DIR      folder of the database and the key, made if absent [DEMO_DATA, default ./data]
  --help          this text

A flag wins over its variable. VIVAZ_SECRET, where set, takes the place of the key file.";

/// How the demo is to run.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) addr: SocketAddr,
    pub(crate) data: PathBuf,
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    Run(Options),
    Help,
}

impl Asked {
    /// Reads the arguments (without the program's name), and for what they leave out the variables.
    pub(crate) fn read(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
        let mut addr = variable("DEMO_ADDR");
        let mut data = variable("DEMO_DATA");
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy().into_owned();
            let (flag, joined) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(OsString::from(value))),
                None => (text.as_str(), None),
            };
            let target = match flag {
                "--help" | "-h" => return Ok(Self::Help),
                "--addr" => &mut addr,
                "--data" => &mut data,
                _ => anyhow::bail!("unknown argument {text:?}\n\n{USAGE}"),
            };
            let value = joined.or_else(|| args.next());
            *target = Some(value.ok_or_else(|| anyhow::anyhow!("{flag} needs a value\n\n{USAGE}"))?);
        }
        let addr = match addr {
            Some(addr) => {
                let addr = addr.to_string_lossy();
                addr.parse().map_err(|_| {
                    anyhow::anyhow!("{addr:?} is not an address and a port, such as 127.0.0.1:3000")
                })?
            }
            None => SocketAddr::from(([127, 0, 0, 1], 3000)),
        };
        Ok(Self::Run(Options { addr, data: data.map_or_else(|| PathBuf::from("data"), PathBuf::from) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Asked> {
        Asked::read(args.iter().map(OsString::from), |name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn run(addr: &str, data: &str) -> Asked {
        Asked::Run(Options { addr: addr.parse().unwrap(), data: data.into() })
    }

    #[test]
    fn defaults() {
        assert_eq!(read(&[], &[]).unwrap(), run("127.0.0.1:3000", "data"));
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let variables = [("DEMO_ADDR", "127.0.0.1:1"), ("DEMO_DATA", "/from/variable")];
        assert_eq!(read(&[], &variables).unwrap(), run("127.0.0.1:1", "/from/variable"));
        assert_eq!(
            read(&["--addr", "[::1]:2", "--data=/from/flag"], &variables).unwrap(),
            run("[::1]:2", "/from/flag")
        );
    }

    #[test]
    fn help_is_help_wherever_it_stands() {
        assert_eq!(read(&["--addr", "127.0.0.1:1", "--help"], &[]).unwrap(), Asked::Help);
    }

    #[test]
    fn mistakes_are_named() {
        for (args, expected) in [
            (&["--adr", "x"][..], "unknown argument \"--adr\""),
            (&["--addr"][..], "--addr needs a value"),
            (&["--addr", "localhost"][..], "\"localhost\" is not an address and a port"),
        ] {
            let message = read(args, &[]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
