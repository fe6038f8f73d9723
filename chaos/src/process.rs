//! The server, in a process of its own that can be killed.

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
use crate::plan::Fate;

/// Longer than a start or an orderly end takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the server is; nowhere, between two of its lives.
pub type Whereabouts = watch::Receiver<Option<SocketAddr>>;

/// The server, and what it takes to start it again.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    child: Child,
    address: watch::Sender<Option<SocketAddr>>,
}

impl Server {
    /// Starts it with its data in that folder.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (child, address) = spawn(program, folder).await?;
        let address = watch::Sender::new(Some(address));
        Ok(Self { program: program.to_owned(), folder: folder.to_owned(), child, address })
    }

    /// Where it is, now and later.
    pub fn whereabouts(&self) -> Whereabouts {
        self.address.subscribe()
    }

    /// Ends it and starts it again.
    ///
    /// # Errors
    /// If it does not end as it should, or does not start.
    pub async fn restart(&mut self, fate: Fate) -> anyhow::Result<()> {
        match fate {
            Fate::Killed => self.child.kill().await?,
            Fate::Restarted => self.terminate().await?,
        }
        self.address.send_replace(None);
        let (child, address) = spawn(&self.program, &self.folder).await?;
        self.child = child;
        self.address.send_replace(Some(address));
        Ok(())
    }

    /// Ends it in an orderly way for the last time.
    ///
    /// # Errors
    /// If it does not end as it should, or said that something in it was wrong.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.terminate().await?;
        let log = std::fs::read_to_string(log(&self.folder))?;
        ensure!(!log.contains("panicked at"), "the server panicked:\n{log}");
        Ok(())
    }

    async fn terminate(&mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended by itself")?;
        let sent = Command::new("kill").arg("-TERM").arg(id.to_string()).status().await?;
        ensure!(sent.success(), "the signal was not sent");
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            bail!("the server did not end within {PATIENCE:?} after SIGTERM");
        };
        let status = status?;
        ensure!(status.success(), "the server ended with {status} after SIGTERM");
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
        .with_context(|| format!("{} does not start", program.display()))?;
    let mut lines = BufReader::new(child.stdout.take().context("the output is piped")?).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.context("the server says nothing")??;
    let line = line.with_context(|| format!("the server ended at once; see {}", folder.display()))?;
    let address = line.strip_prefix(READY).with_context(|| format!("the server said {line:?}"))?.parse()?;
    Ok((child, address))
}
