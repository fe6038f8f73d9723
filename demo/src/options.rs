//! What can be set from outside: the address to listen at and the folder for what is kept.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Printed for `--help`.
pub(crate) const USAGE: &str = "\
Usage: demo [--addr ADDRESS] [--data DIR] [--drain SECONDS] [--trust-proxy NETWORK]

  --addr ADDRESS  where to listen; port 0 lets the system choose   [DEMO_ADDR, default 127.0.0.1:3000]
  --data DIR      folder of the database and the key, made if absent [DEMO_DATA, default ./data]
  --drain SECONDS go on so long once it is asked to end, with /ready  [DEMO_DRAIN, default 0]
                  saying 503: for load balancers to notice
  --trust-proxy NETWORK[,NETWORK]  proxies that say where visitors     [DEMO_TRUST_PROXY, default none]
                  come from (X-Forwarded-For), as 127.0.0.1 or 10.0.0.0/8
  --help          this text

A flag wins over its variable. VIVAZ_SECRET, where set, takes the place of the key file.";

/// How the demo is to run.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) addr: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) drain: Duration,
    pub(crate) proxies: Vec<String>,
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
        let mut drain = variable("DEMO_DRAIN");
        let mut proxies = variable("DEMO_TRUST_PROXY");
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
                "--drain" => &mut drain,
                "--trust-proxy" => &mut proxies,
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
        let data = data.map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let drain = match drain {
            Some(drain) => {
                let drain = drain.to_string_lossy();
                let seconds =
                    drain.parse().map_err(|_| anyhow::anyhow!("{drain:?} is not a number of seconds"))?;
                Duration::from_secs(seconds)
            }
            None => Duration::ZERO,
        };
        let proxies = proxies.unwrap_or_default().to_string_lossy().into_owned();
        let proxies = proxies.split(',').map(str::trim).filter(|network| !network.is_empty());
        Ok(Self::Run(Options { addr, data, drain, proxies: proxies.map(str::to_owned).collect() }))
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
        let (drain, proxies) = (Duration::ZERO, Vec::new());
        Asked::Run(Options { addr: addr.parse().unwrap(), data: data.into(), drain, proxies })
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
    fn what_stands_in_front_of_it_is_named() {
        let args = ["--drain", "5", "--trust-proxy=127.0.0.1, 10.0.0.0/8"];
        let Asked::Run(options) = read(&args, &[]).unwrap() else { panic!("it runs") };
        assert_eq!(options.drain, Duration::from_secs(5));
        assert_eq!(options.proxies, ["127.0.0.1", "10.0.0.0/8"]);
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
            (&["--drain", "-1"][..], "\"-1\" is not a number of seconds"),
            (&["--addr", "localhost"][..], "\"localhost\" is not an address and a port"),
        ] {
            let message = read(args, &[]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
