//! Command line options and environment variables.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use lexopt::Arg::{Long, Short};

/// The output of `--help`.
pub(crate) const USAGE: &str = "\
Usage: demo [--addr ADDRESS] [--data DIR] [--drain SECONDS] [--metrics ADDRESS]
            [--trust-proxy NETWORK]

  --addr ADDRESS  the address to listen on; port 0 is a free port  [DEMO_ADDR, default 127.0.0.1:3000]
  --data DIR      folder of the database and the key, created if missing [DEMO_DATA, default ./data]
  --drain SECONDS the time to serve after a signal to stop, with  [DEMO_DRAIN, default 0]
                  /ready answering 503, for load balancers
  --metrics ADDRESS  the address of /metrics for Prometheus       [DEMO_METRICS, default none]
  --trust-proxy NETWORK[,NETWORK]  proxies that send X-Forwarded-For, [DEMO_TRUST_PROXY, default none]
                  such as 127.0.0.1 or 10.0.0.0/8
  --help          this text

An option overrides its variable. VIVAZ_SECRET, if set, replaces the key file.";

/// How the demo runs.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) addr: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) drain: Duration,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) proxies: Vec<String>,
}

/// The command of the command line.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Run(Options),
    Help,
}

impl Command {
    /// Reads the arguments (without the program's name), and the variables for missing options.
    pub(crate) fn read(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
        let mut addr = variable("DEMO_ADDR");
        let mut data = variable("DEMO_DATA");
        let mut drain = variable("DEMO_DRAIN");
        let mut metrics = variable("DEMO_METRICS");
        let mut proxies = variable("DEMO_TRUST_PROXY");
        let with_usage = |error: lexopt::Error| anyhow!("{error}\n\n{USAGE}");
        let mut args = lexopt::Parser::from_args(args.into_iter().collect::<Vec<_>>());
        while let Some(arg) = args.next().map_err(with_usage)? {
            let target = match arg {
                Short('h') | Long("help") => return Ok(Self::Help),
                Long("addr") => &mut addr,
                Long("data") => &mut data,
                Long("drain") => &mut drain,
                Long("metrics") => &mut metrics,
                Long("trust-proxy") => &mut proxies,
                other @ (Short(_) | Long(_) | lexopt::Arg::Value(_)) => {
                    return Err(with_usage(other.unexpected()));
                }
            };
            *target = Some(args.value().map_err(with_usage)?);
        }
        let address = |text: OsString| {
            let text = text.to_string_lossy();
            text.parse::<SocketAddr>()
                .map_err(|_| anyhow!("{text:?} is not an address and a port, such as 127.0.0.1:3000"))
        };
        let addr = addr.map(address).transpose()?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        let metrics = metrics.map(address).transpose()?;
        let data = data.map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let drain = match drain {
            Some(drain) => {
                let drain = drain.to_string_lossy();
                let seconds = drain.parse().map_err(|_| anyhow!("{drain:?} is not a number of seconds"))?;
                Duration::from_secs(seconds)
            }
            None => Duration::ZERO,
        };
        let proxies = proxies.unwrap_or_default().to_string_lossy().into_owned();
        let proxies = proxies.split(',').map(str::trim).filter(|network| !network.is_empty());
        Ok(Self::Run(Options { addr, data, drain, metrics, proxies: proxies.map(str::to_owned).collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Command> {
        Command::read(args.iter().map(OsString::from), |name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn run(addr: &str, data: &str) -> Command {
        let (drain, proxies) = (Duration::ZERO, Vec::new());
        Command::Run(Options {
            addr: addr.parse().unwrap(),
            data: data.into(),
            drain,
            metrics: None,
            proxies,
        })
    }

    #[test]
    fn defaults() {
        assert_eq!(read(&[], &[]).unwrap(), run("127.0.0.1:3000", "data"));
    }

    #[test]
    fn an_option_overrides_its_variable() {
        let variables = [("DEMO_ADDR", "127.0.0.1:1"), ("DEMO_DATA", "/from/variable")];
        assert_eq!(read(&[], &variables).unwrap(), run("127.0.0.1:1", "/from/variable"));
        assert_eq!(
            read(&["--addr", "[::1]:2", "--data=/from/flag"], &variables).unwrap(),
            run("[::1]:2", "/from/flag")
        );
    }

    #[test]
    fn proxies_are_a_list() {
        let args = ["--drain", "5", "--trust-proxy=127.0.0.1, 10.0.0.0/8"];
        let Command::Run(options) = read(&args, &[]).unwrap() else { panic!("expected options") };
        assert_eq!(options.drain, Duration::from_secs(5));
        assert_eq!(options.proxies, ["127.0.0.1", "10.0.0.0/8"]);
    }

    #[test]
    fn help_has_precedence() {
        assert_eq!(read(&["--addr", "127.0.0.1:1", "--help"], &[]).unwrap(), Command::Help);
    }

    #[test]
    fn errors_name_the_argument() {
        for (args, expected) in [
            (&["--adr", "x"][..], "invalid option '--adr'"),
            (&["--addr"][..], "missing argument for option '--addr'"),
            (&["--drain", "-1"][..], "\"-1\" is not a number of seconds"),
            (&["--addr", "localhost"][..], "\"localhost\" is not an address and a port"),
        ] {
            let message = read(args, &[]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
