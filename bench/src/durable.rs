//! The server with a durable component, and the baseline: bare commits to the same file.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use vivaz::Limits;
use vivaz::prelude::*;
use vivaz::sqlite::{Connection, Sqlite};

use crate::process;

/// A component whose actions are committed before they are answered.
#[derive(LiveComponent, Clone)]
#[live(name = "tally", inline = "<button live:click=\"increment(1)\">{{ count }}</button>", open, durable)]
struct Tally {
    #[live(prop, default)]
    count: i64,
}

#[actions]
impl Tally {
    #[action(amount = 1)]
    fn increment(&mut self, amount: i64) {
        self.count = self.count.saturating_add(amount);
    }
}

/// Serves until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let limits = Limits { messages_per_second: u32::MAX, burst: u32::MAX, ..Limits::default() };
    let store = Sqlite::open(file(std::process::id())?)?;
    let runtime = Runtime::builder().limits(limits).store(store).build()?;
    let listener = process::listen().await?;
    vivaz::serve(listener, Router::new().merge(runtime.router()), runtime).await?;
    Ok(())
}

/// Returns the path of a server's database. It is beside this program: a file for temporary files
/// may be in memory, where a commit costs nothing.
fn file(server: u32) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().context("the program has no folder")?.join(format!("bench-{server}.sqlite")))
}

/// The database of a server, opened for commits of its own. Its files are removed when this value is
/// dropped.
pub(crate) struct Bare {
    connection: Connection,
    path: PathBuf,
}

impl Bare {
    /// Opens the database of the server with this process id, with the durability of the server's
    /// own connection.
    pub(crate) fn open(server: u32) -> anyhow::Result<Self> {
        let path = file(server)?;
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection
            .execute_batch("CREATE TABLE bare (count INTEGER NOT NULL); INSERT INTO bare VALUES (0)")?;
        Ok(Self { connection, path })
    }

    /// Returns the time of this many commits, one after the other.
    pub(crate) fn commit(&self, count: usize) -> anyhow::Result<Duration> {
        let mut statement = self.connection.prepare_cached("UPDATE bare SET count = count + 1")?;
        let started = Instant::now();
        for _ in 0..count {
            statement.execute([])?;
        }
        Ok(started.elapsed())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            // The file may be gone, and one that stays is replaced by the next run.
            let _ = std::fs::remove_file(format!("{}{end}", self.path.display()));
        }
    }
}
