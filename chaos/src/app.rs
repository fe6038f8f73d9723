//! The components of the server: a counter and a room, each in a durable and in a plain form.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{DatabaseError, Limits, Secret};

/// The text that the process prints before its address when it accepts connections.
pub const READY: &str = "listening on ";

/// Counts its actions and records each in the database, where a repeated one is detected.
#[derive(LiveComponent, Clone)]
#[live(name = "tally", inline = "<p>{{ count }}</p>", open, durable)]
pub struct Tally {
    #[live(default)]
    count: u64,
}

#[actions]
impl Tally {
    /// Increments the counter. Pauses, so that connections and servers end during the action.
    #[action]
    async fn increment(&mut self, cx: &mut vivaz::Context, ticket: String, pause: u64) -> Result<u64> {
        pause_for(pause).await;
        cx.commit(move |tx| log(tx, "ticket", &ticket))?;
        self.count += 1;
        pause_for(pause / 2).await;
        Ok(self.count)
    }
}

/// The same, but not durable.
#[derive(LiveComponent, Clone)]
#[live(name = "plain-tally", inline = "<p>{{ count }}</p>", open)]
pub struct PlainTally {
    #[live(default)]
    count: u64,
}

#[actions]
impl PlainTally {
    /// Increments the counter. Pauses, so that connections and servers end during the action.
    #[action]
    async fn increment(&mut self, cx: &mut vivaz::Context, ticket: String, pause: u64) -> Result<u64> {
        pause_for(pause).await;
        cx.state::<Sqlite>().try_run(move |tx| log(tx, "ticket", &ticket)).await?;
        self.count += 1;
        pause_for(pause / 2).await;
        Ok(self.count)
    }
}

/// Sends messages to the room.
#[derive(LiveComponent, Clone)]
#[live(name = "talker", inline = "<p>{{ sent }} of {{ room.messages.len() }}</p>", open, durable)]
pub struct Talker {
    #[live(default)]
    sent: u64,
    #[live(shared = "room/all")]
    room: Shared<Room>,
}

#[actions]
impl Talker {
    /// Sends a message. The order of the room is that of the database.
    #[action]
    async fn send(&mut self, cx: &mut vivaz::Context, id: String, pause: u64) -> Result<u64> {
        pause_for(pause).await;
        let message = Message { id: id.clone() };
        cx.commit(move |tx| log(tx, "message", &id))?;
        self.room.update(move |room| room.messages.push(message.clone()));
        self.sent += 1;
        Ok(self.sent)
    }
}

/// The same, but not durable.
#[derive(LiveComponent, Clone)]
#[live(name = "plain-talker", inline = "<p>{{ sent }} of {{ room.messages.len() }}</p>", open)]
pub struct PlainTalker {
    #[live(default)]
    sent: u64,
    #[live(shared = "room/all")]
    room: Shared<Room>,
}

#[actions]
impl PlainTalker {
    /// Sends a message. The order of the room is that of the database.
    #[action]
    async fn send(&mut self, cx: &mut vivaz::Context, id: String, pause: u64) -> Result<u64> {
        pause_for(pause).await;
        let message = Message { id: id.clone() };
        cx.state::<Sqlite>().try_run(move |tx| log(tx, "message", &id)).await?;
        self.room.update(move |room| room.messages.push(message.clone()));
        self.sent += 1;
        Ok(self.sent)
    }
}

/// The messages of the room.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub struct Room {
    messages: List<Message>,
}

/// A message with the number of its page and its number in that page.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub struct Message {
    id: String,
}

impl Topic for Room {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        let sent = cx.state::<Sqlite>().run(|tx| logged(tx, "message")).await?;
        Ok(Self { messages: sent.into_iter().map(|id| Message { id }).collect() })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

async fn pause_for(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn log(tx: &mut Tx, kind: &str, text: &str) -> Result {
    tx.execute("INSERT INTO notes (kind, text) VALUES (?1, ?2)", (kind, text))?;
    Ok(())
}

/// Returns the logged texts of a kind, in the order of insertion.
///
/// # Errors
/// Fails if the database fails.
pub fn logged(tx: &mut Tx, kind: &str) -> std::result::Result<Vec<String>, DatabaseError> {
    tx.query("SELECT text FROM notes WHERE kind = ?1 ORDER BY number", [kind])
}

/// Returns the path of the database in a folder.
pub fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("chaos.sqlite")
}

/// Serves until the process receives SIGTERM. Writes the events of sessions to stderr, which is the
/// log of a run.
///
/// # Errors
/// Fails if the database or the socket fails.
pub async fn serve(folder: &Path) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(EnvFilter::new("warn,vivaz=debug"))
        .with_writer(std::io::stderr)
        .init();
    let database = Sqlite::open(database(folder))?;
    database
        .run(|tx| {
            tx.script("CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, kind TEXT, text TEXT)")
        })
        .await?;
    // These pages are faster than users, and all have one address.
    let limits = Limits {
        messages_per_second: 1_000_000,
        burst: 1_000_000,
        drain_spread: Duration::from_millis(50),
        ..Limits::default()
    };
    let runtime = Runtime::builder()
        .state(database.clone())
        .store(database)
        .secret(Secret::from_env_or_file(folder.join("secret"))?)
        .limits(limits)
        .build()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::task::spawn_blocking(move || {
        use std::io::Write as _;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{READY}{address}").and_then(|()| out.flush())
    })
    .await?
    .context("cannot print the address")?;
    vivaz::serve(listener, Router::new().merge(runtime.router()), runtime).await?;
    Ok(())
}
