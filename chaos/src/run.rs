//! One run, from the first connection to the final checks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;
use vivaz::sqlite::Sqlite;

use crate::app;
use crate::client::Client;
use crate::page::Role;
use crate::plan::Plan;
use crate::process::Server;
use crate::verdict::check_exact;

/// The figures of a run, for the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// The number of resumes of all pages.
    pub resumed: u64,
    /// The number of repeated replies.
    pub repeated: u64,
    /// The duration of the run.
    pub took: Duration,
}

/// Runs a plan; `program serve FOLDER` starts the server.
///
/// # Errors
/// Fails if an action is lost or repeated, or a page and the server differ.
pub async fn run(plan: &Plan, program: &Path, folder: &Path) -> anyhow::Result<Summary> {
    let begun = Instant::now();
    let mut server = Server::start(program, folder).await?;
    let plan = Arc::new(plan.clone());
    let progress = Arc::new(AtomicU64::new(0));
    let mut pages = JoinSet::new();
    for number in 0..plan.pages {
        let (plan, address, progress) = (Arc::clone(&plan), server.address(), Arc::clone(&progress));
        pages.spawn(async move {
            let mut client = Client::new(&plan, number, address, &progress);
            client.drive().await?;
            anyhow::Ok(client.into_page())
        });
    }
    let mut done = Vec::new();
    for restart in 1..=plan.restarts {
        // Spread evenly over the run.
        let due = plan.actions * restart / (plan.restarts + 1);
        while progress.load(Ordering::Relaxed) < due {
            tokio::select! {
                () = sleep(Duration::from_millis(5)) => {}
                Some(page) = pages.join_next() => done.push(page??),
            }
        }
        server.restart(plan.stop).await.with_context(|| format!("restart {restart}"))?;
    }
    while let Some(page) = pages.join_next().await {
        done.push(page??);
    }
    // Once more without load: the last acknowledged actions must survive too.
    server.restart(plan.stop).await.context("the last restart")?;
    let mut summary = Summary::default();
    let mut rooms = Vec::new();
    for page in done {
        let mut client = Client::resume(&plan, page, server.address(), &progress);
        client.compare().await?;
        let page = client.into_page();
        summary.resumed += page.resumed;
        summary.repeated += page.repeated;
        if page.role == Role::Talker {
            rooms.push(page.room().into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
    }
    server.stop().await?;
    judge(&plan, folder, &rooms).await?;
    summary.took = begun.elapsed();
    Ok(summary)
}

/// Checks the actions in the database and the last state of the room in each page.
async fn judge(plan: &Plan, folder: &Path, rooms: &[Vec<String>]) -> anyhow::Result<()> {
    let database = Sqlite::open(app::database(folder))?;
    let tickets = database.run(|tx| app::logged(tx, "ticket")).await?;
    let messages = database.run(|tx| app::logged(tx, "message")).await?;
    let of = |parity| (0..plan.pages).filter(move |page| page % 2 == parity);
    let each = plan.actions_per_page();
    check_exact(tickets.iter().map(String::as_str), of(0), each).context("the increments in the database")?;
    check_exact(messages.iter().map(String::as_str), of(1), each).context("the messages in the database")?;
    ensure!(!rooms.is_empty(), "no page has shown the room");
    for room in rooms {
        check_exact(room.iter().map(String::as_str), of(1), each).context("the messages in a page")?;
    }
    Ok(())
}
