//! A server as a child process, with its CPU time and memory from `/proc`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::cores::{self, Part};

/// The path of the WebSocket on all servers.
pub(crate) const PATH: &str = "/live";

/// Opens a listener on a free port and prints its address for the parent process.
pub(crate) async fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    Ok(listener)
}

/// A server process, which is killed when this value is dropped.
pub(crate) struct Server {
    child: Child,
    /// The address that the server listens on.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program with another command, on the core of servers, and waits until it prints
    /// its address.
    pub(crate) fn start(command: &str) -> anyhow::Result<Self> {
        let this = std::env::current_exe()?;
        let mut server = Command::new(this);
        server.arg(command).stdin(Stdio::null()).stdout(Stdio::piped());
        // The child inherits the core of this thread.
        cores::pin(Part::Server)?;
        let child = server.spawn();
        cores::pin(Part::Load)?;
        let mut child = child?;
        let stdout = child.stdout.take().context("the output of the server is a pipe")?;
        let mut server = Self { child, address: ([127, 0, 0, 1], 0).into() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        server.address = line.trim().parse().with_context(|| format!("`{command}` printed {line:?}"))?;
        Ok(server)
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the CPU time since the start, in user and kernel mode together.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// Returns the resident memory, in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors are ignored: the process may have ended, and it has nothing to flush.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the CPU time of this process, the load generator.
pub(crate) fn own_cpu() -> anyhow::Result<Duration> {
    cpu_of("self")
}

/// Returns the sum of a process's threads. Their `schedstat` counts nanoseconds, `stat` only
/// hundredths of a second.
fn cpu_of(process: &str) -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += stat.split(' ').next().context("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
