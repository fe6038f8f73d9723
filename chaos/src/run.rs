//! One run from the first connection to the verdict.

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
use crate::verdict::are_exact;

/// What happened, for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// How often a page was welcomed back.
    pub resumed: u64,
    /// How many answers came more than once.
    pub repeated: u64,
    /// How long it took.
    pub took: Duration,
}

/// Runs a plan with the server that `program serve FOLDER` is.
///
/// # Errors
/// If anything that was promised does not hold.
pub async fn run(plan: &Plan, program: &Path, folder: &Path) -> anyhow::Result<Summary> {
    let begun = Instant::now();
    let mut server = Server::start(program, folder).await?;
    let plan = Arc::new(plan.clone());
    let progress = Arc::new(AtomicU64::new(0));
    let mut pages = JoinSet::new();
    for number in 0..plan.pages {
        let (plan, whereabouts, progress) = (Arc::clone(&plan), server.whereabouts(), Arc::clone(&progress));
        pages.spawn(async move {
            let mut client = Client::new(&plan, number, whereabouts.clone(), &progress);
            client.drive().await?;
            anyhow::Ok(client.into_page())
        });
    }
    let mut done = Vec::new();
    for restart in 1..=plan.restarts {
        // Evenly over the run, as far as the last moment.
        let due = plan.actions * restart / (plan.restarts + 1);
        while progress.load(Ordering::Relaxed) < due {
            tokio::select! {
                () = sleep(Duration::from_millis(5)) => {}
                Some(page) = pages.join_next() => done.push(page??),
            }
        }
        server.restart(plan.fate).await.with_context(|| format!("restart {restart}"))?;
    }
    while let Some(page) = pages.join_next().await {
        done.push(page??);
    }
    // Once more when all is quiet: what was acknowledged last is there too.
    server.restart(plan.fate).await.context("the last restart")?;
    let mut summary = Summary::default();
    let mut rooms = Vec::new();
    for page in done {
        let mut client = Client::of(&plan, page, server.whereabouts(), &progress);
        client.compare().await?;
        let page = client.into_page();
        summary.resumed += page.resumed;
        summary.repeated += page.repeated;
        if page.role == Role::Talks {
            rooms.push(page.room().into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
    }
    server.stop().await?;
    judge(&plan, folder, &rooms).await?;
    summary.took = begun.elapsed();
    Ok(summary)
}

/// What the database has, and what every page was shown last.
async fn judge(plan: &Plan, folder: &Path, rooms: &[Vec<String>]) -> anyhow::Result<()> {
    let database = Sqlite::open(app::database(folder))?;
    let tickets = database.run(|tx| app::noted(tx, "ticket")).await?;
    let messages = database.run(|tx| app::noted(tx, "message")).await?;
    let of = |parity| (0..plan.pages).filter(move |page| page % 2 == parity);
    let each = plan.actions_of_each();
    are_exact(tickets.iter().map(String::as_str), of(0), each)
        .context("what was counted, in the database")?;
    are_exact(messages.iter().map(String::as_str), of(1), each).context("what was said, in the database")?;
    ensure!(!rooms.is_empty(), "nobody was in the room");
    for room in rooms {
        are_exact(room.iter().map(String::as_str), of(1), each).context("what was said, in a page")?;
    }
    Ok(())
}
