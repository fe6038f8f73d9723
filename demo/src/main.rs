//! The example application: counter, chat, form, todo, seats and rows.
//!
//! The order of the source: [`options`] → [`store`] → [`app`] combines the routes → [`pages`]
//! render [`components`] for the visitor, whom [`user`] identifies by a cookie.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use vivaz::prelude::*;
use vivaz::{Limits, Secret};

use crate::app::App;
use crate::options::{Command, Options, USAGE};
use crate::store::Store;
use crate::user::{Cookies, identity};

mod app;
mod assets;
mod components;
mod health;
mod highlight;
mod names;
mod options;
mod pages;
mod rooms;
mod store;
mod user;

fn main() -> anyhow::Result<()> {
    let options = match Command::read(std::env::args_os().skip(1), |name| std::env::var_os(name))? {
        Command::Run(options) => options,
        Command::Help => return print(USAGE),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let in_colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(in_colour)
        .with_writer(std::io::stderr)
        .init();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(options))
}

/// Serves until the process receives a signal to stop.
async fn run(options: Options) -> anyhow::Result<()> {
    let Options { addr, data, drain, metrics, proxies } = options;
    std::fs::create_dir_all(&data).with_context(|| format!("cannot create the folder {}", data.display()))?;
    let database = data.join("demo.sqlite");
    let store = Store::open(&database)
        .await
        .with_context(|| format!("cannot open the database {}", database.display()))?;
    let secret = Secret::from_env_or_file(data.join("secret"))?;
    let cookies = Cookies::new(&secret);

    let runtime = Runtime::builder()
        .store(store.database())
        .state(store.clone())
        .identity({
            let cookies = cookies.clone();
            move |parts| std::future::ready(Ok(identity(&cookies, &parts)))
        })
        .secret(secret)
        .limits(Limits { drain_accept: drain, ..Limits::default() });
    let runtime = proxies.into_iter().fold(runtime, vivaz::Builder::trust_proxy).build()?;

    let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen at {addr}"))?;
    print(&format!("Listening on http://{}", listener.local_addr()?))?;
    if let Some(addr) = metrics {
        // An address of its own: the names of components and actions are nothing for visitors.
        let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen at {addr}"))?;
        tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, runtime.metrics_router()).into_future());
    }
    let app = App { runtime: runtime.clone(), store: store.clone(), cookies };
    vivaz::serve(listener, app.router()?, runtime).await?;
    store.close().await;
    Ok(())
}

/// Prints one line to the standard output and flushes it, because the output may be a pipe.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}
