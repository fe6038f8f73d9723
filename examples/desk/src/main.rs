//! A support desk: agents sign in, find tickets and answer them together; a webhook takes mail.
//!
//! [`account`] knows the agents, [`tickets`] and [`ticket`] have the components, [`pages`] shows
//! them, and [`webhook`] is for other programs.

use std::io::Write as _;

use tokio::net::TcpListener;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{Compression, Secret};

mod account;
mod pages;
mod routes;
mod ticket;
mod tickets;
mod webhook;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let data = setting("DESK_DATA", "data");
    std::fs::create_dir_all(&data)?;
    let database = Sqlite::open(format!("{data}/desk.sqlite"))?;
    database.run(|tx| tx.script(include_str!("schema.sql"))).await?;
    let logins = database.clone();
    let runtime = Runtime::builder()
        .store(database.clone())
        .state(database.clone())
        .secret(Secret::from_env_or_file(format!("{data}/secret"))?)
        .identity(move |request| account::identity(logins.clone(), request))
        .build()?;
    let router = pages::router()?
        .merge(runtime.router())
        .layer(runtime.cross_origin_protection())
        .layer(Compression::new())
        .with_state(runtime.clone());
    let listener = TcpListener::bind(setting("DESK_ADDR", "127.0.0.1:3000")).await?;
    writeln!(std::io::stdout(), "Listening on http://{}", listener.local_addr()?)?;
    vivaz::serve(listener, router, runtime).await?;
    database.close().await;
    Ok(())
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
