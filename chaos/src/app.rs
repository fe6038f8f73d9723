//! What is served: counters and a room, each in a durable and in a plain form.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{DatabaseError, Limits, Secret};

/// What the process prints before its address, once it can be reached.
pub const READY: &str = "listening on ";

/// Counts what is done to it, and notes each time in the database, where twice would be seen.
#[derive(LiveComponent, Clone)]
#[live(name = "tally", inline = "<p>{{ count }}</p>", open, durable)]
pub struct Tally {
    #[live(default)]
    count: u64,
}

#[actions]
impl Tally {
    /// Takes a moment, so that connections and servers end in the middle of it.
    #[action]
    async fn increment(&mut self, cx: &mut vivaz::Context, ticket: String, pause: u64) -> Result<u64> {
        rest(pause).await;
        cx.commit(move |tx| note(tx, "ticket", &ticket))?;
        self.count += 1;
        rest(pause / 2).await;
        Ok(self.count)
    }
}

/// The same without a promise for the case of a crash.
#[derive(LiveComponent, Clone)]
#[live(name = "plain-tally", inline = "<p>{{ count }}</p>", open)]
pub struct PlainTally {
    #[live(default)]
    count: u64,
}

#[actions]
impl PlainTally {
    /// Takes a moment, so that connections and servers end in the middle of it.
    #[action]
    async fn increment(&mut self, cx: &mut vivaz::Context, ticket: String, pause: u64) -> Result<u64> {
        rest(pause).await;
        cx.state::<Sqlite>().try_run(move |tx| note(tx, "ticket", &ticket)).await?;
        self.count += 1;
        rest(pause / 2).await;
        Ok(self.count)
    }
}

/// Says things in the room.
#[derive(LiveComponent, Clone)]
#[live(name = "talk", inline = "<p>{{ said }} of {{ room.messages.len() }}</p>", open, durable)]
pub struct Talk {
    #[live(default)]
    said: u64,
    #[live(shared = "room/all")]
    room: Shared<Room>,
}

#[actions]
impl Talk {
    /// Says something; the database's order is the room's.
    #[action]
    async fn say(&mut self, cx: &mut vivaz::Context, id: String, pause: u64) -> Result<u64> {
        rest(pause).await;
        let message = Message { id: id.clone() };
        cx.commit(move |tx| note(tx, "message", &id))?;
        self.room.update(move |room| room.messages.push(message.clone()));
        self.said += 1;
        Ok(self.said)
    }
}

/// The same without a promise for the case of a crash.
#[derive(LiveComponent, Clone)]
#[live(name = "plain-talk", inline = "<p>{{ said }} of {{ room.messages.len() }}</p>", open)]
pub struct PlainTalk {
    #[live(default)]
    said: u64,
    #[live(shared = "room/all")]
    room: Shared<Room>,
}

#[actions]
impl PlainTalk {
    /// Says something; the database's order is the room's.
    #[action]
    async fn say(&mut self, cx: &mut vivaz::Context, id: String, pause: u64) -> Result<u64> {
        rest(pause).await;
        let message = Message { id: id.clone() };
        cx.state::<Sqlite>().try_run(move |tx| note(tx, "message", &id)).await?;
        self.room.update(move |room| room.messages.push(message.clone()));
        self.said += 1;
        Ok(self.said)
    }
}

/// What was said.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub struct Room {
    messages: List<Message>,
}

/// By whom, and the how manieth.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub struct Message {
    id: String,
}

impl Topic for Room {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        let said = cx.state::<Sqlite>().run(|tx| noted(tx, "message")).await?;
        Ok(Self { messages: said.into_iter().map(|id| Message { id }).collect() })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

async fn rest(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn note(tx: &mut Tx, kind: &str, text: &str) -> Result {
    tx.execute("INSERT INTO notes (kind, text) VALUES (?1, ?2)", (kind, text))?;
    Ok(())
}

/// What was noted, in the order of its writing.
///
/// # Errors
/// If the database fails.
pub fn noted(tx: &mut Tx, kind: &str) -> std::result::Result<Vec<String>, DatabaseError> {
    tx.query("SELECT text FROM notes WHERE kind = ?1 ORDER BY number", [kind])
}

/// The database's file in the folder.
pub fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("chaos.sqlite")
}

/// Serves until it is told to end.
///
/// # Errors
/// If the database or the socket fail.
pub async fn serve(folder: &Path) -> anyhow::Result<()> {
    let database = Sqlite::open(database(folder))?;
    database
        .run(|tx| {
            tx.script("CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, kind TEXT, text TEXT)")
        })
        .await?;
    // Pages here are quicker than people and many come from one address.
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
    .context("nobody reads where the server is")?;
    vivaz::serve(listener, Router::new().merge(runtime.router()), runtime).await?;
    Ok(())
}
