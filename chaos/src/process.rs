//! The server process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::READY;
use crate::plan::Stop;

/// The time limit for a start or a shutdown on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The current address of the server; `None` while it restarts.
pub type AddressWatch = watch::Receiver<Option<SocketAddr>>;

/// The server process, with the parameters to restart it.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    child: Child,
    address: watch::Sender<Option<SocketAddr>>,
}

impl Server {
    /// Starts the server with its data in a folder.
    ///
    /// # Errors
    /// Fails if the server does not start.
    pub async fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (child, address) = spawn(program, folder).await?;
        let address = watch::Sender::new(Some(address));
        Ok(Self { program: program.to_owned(), folder: folder.to_owned(), child, address })
    }

    /// Returns a receiver of the server's address.
    pub fn address(&self) -> AddressWatch {
        self.address.subscribe()
    }

    /// Stops the server and starts it again.
    ///
    /// # Errors
    /// Fails if the server does not shut down, exits with an error, or does not start.
    pub async fn restart(&mut self, stop: Stop) -> anyhow::Result<()> {
        match stop {
            Stop::Killed => self.child.kill().await?,
            Stop::Restarted => self.terminate().await?,
        }
        self.address.send_replace(None);
        let (child, address) = spawn(&self.program, &self.folder).await?;
        self.child = child;
        self.address.send_replace(Some(address));
        Ok(())
    }

    /// Shuts the server down at the end of a run.
    ///
    /// # Errors
    /// Fails if the server does not shut down, exits with an error, or has logged a panic.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.terminate().await?;
        let log = std::fs::read_to_string(log(&self.folder))?;
        ensure!(!log.contains("panicked at"), "the server panicked:\n{log}");
        Ok(())
    }

    async fn terminate(&mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has exited unexpectedly")?;
        let sent = Command::new("kill").arg("-TERM").arg(id.to_string()).status().await?;
        ensure!(sent.success(), "cannot send SIGTERM");
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            bail!("the server did not exit within {PATIENCE:?} after SIGTERM");
        };
        let status = status?;
        ensure!(status.success(), "the server exited with {status} after SIGTERM");
        Ok(())
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

async fn spawn(program: &Path, folder: &Path) -> anyhow::Result<(Child, SocketAddr)> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log(folder))?;
    let mut child = Command::new(program)
        .arg("serve")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut lines = BufReader::new(child.stdout.take().context("the output is piped")?).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.context("the server prints no address")??;
    let line =
        line.with_context(|| format!("the server exited at start; see its log in {}", folder.display()))?;
    let address = line
        .strip_prefix(READY)
        .with_context(|| format!("expected the server's address, received {line:?}"))?
        .parse()?;
    Ok((child, address))
}
