//! The short form of the chaos run: a server process is killed and restarted while pages with
//! failing connections use it.
//!
//! `CHAOS_SEED` repeats a run; a failure prints its seed.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chaos::plan::{Plan, Stop};
use chaos::run::run;

async fn check(stop: Stop) {
    let seed = std::env::var("CHAOS_SEED").map_or_else(
        |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        |seed| seed.parse().expect("CHAOS_SEED is a number"),
    );
    let plan = Plan::short(seed, stop);
    let folder = std::env::temp_dir().join(format!("vivaz-chaos-{}-{stop:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    match run(&plan, Path::new(env!("CARGO_BIN_EXE_chaos")), &folder).await {
        Ok(summary) => assert!(summary.resumed > plan.pages * plan.restarts / 2, "{summary:?}"),
        Err(error) => panic!(
            "{plan}: {error:?}\nto repeat: CHAOS_SEED={seed}; the server's data is in {}",
            folder.display()
        ),
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_state_survives_a_killed_server() {
    check(Stop::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_state_survives_a_planned_restart() {
    check(Stop::Restarted).await;
}
