//! The short form of the run: a server in a process of its own, killed and restarted under pages
//! whose connections break.
//!
//! `CHAOS_SEED` repeats a run; the seed of a failed one is in its message.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chaos::plan::{Fate, Plan};
use chaos::run::run;

async fn holds(fate: Fate) {
    let seed = std::env::var("CHAOS_SEED").map_or_else(
        |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        |seed| seed.parse().expect("CHAOS_SEED is a number"),
    );
    let plan = Plan::short(seed, fate);
    let folder = std::env::temp_dir().join(format!("vivaz-chaos-{}-{fate:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    match run(&plan, Path::new(env!("CARGO_BIN_EXE_chaos")), &folder).await {
        Ok(summary) => assert!(summary.resumed > plan.pages * plan.restarts / 2, "{summary:?}"),
        Err(error) => panic!(
            "{plan}: {error:?}\nagain: CHAOS_SEED={seed}; the server's data is in {}",
            folder.display()
        ),
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_server_had_acknowledged_is_there() {
    holds(Fate::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_restart_loses_nothing_at_all() {
    holds(Fate::Restarted).await;
}
