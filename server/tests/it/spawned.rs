//! The number of tasks that a session runs at once.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{ErrorCode, Limits, Runtime};

use crate::logs::Log;

#[derive(LiveComponent, Clone)]
#[live(name = "starter", inline = "<p>{{ done }} {{ refused }}</p>", open)]
struct Starter {
    #[live(default)]
    done: u32,
    #[live(default)]
    refused: u32,
}

#[actions]
impl Starter {
    /// Starts tasks of twenty seconds.
    #[action]
    fn start(&mut self, cx: &mut Context, count: u32) {
        for _ in 0..count {
            cx.spawn("ended", async {
                sleep(Duration::from_secs(20)).await;
                Ok(())
            });
        }
    }

    #[event]
    fn ended(&mut self, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.done += 1,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Overloaded, "{error}");
                self.refused += 1;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_runs_so_many_tasks_at_once_and_refuses_the_others() {
    let log = Log::default();
    let _collecting = log.collect();
    let server = Server::new(|| Runtime::builder().limits(Limits { spawned_tasks: 3, ..Limits::default() }));
    let page = server.page();
    let one = page.mount_open("starter", json!({})).await.unwrap();
    let other = page.mount_open("starter", json!({})).await.unwrap();
    one.call("start", json!([2])).await.unwrap();
    other.call("start", json!([3])).await.unwrap();
    other.until(|other| other.state()["refused"] == 2).await;
    assert!(log.text().contains("the session runs too many tasks"), "{}", log.text());
    // Another session has its own.
    let elsewhere = server.page().mount_open("starter", json!({})).await.unwrap();
    elsewhere.call("start", json!([3])).await.unwrap();
    // A task that has ended makes room, and so does a component that is unmounted.
    one.until(|one| one.state()["done"] == 2).await;
    other.until(|other| other.state()["done"] == 1).await;
    one.call("start", json!([3])).await.unwrap();
    one.unmount().await.unwrap();
    page.settled().await;
    other.call("start", json!([3])).await.unwrap();
    other.until(|other| other.state()["done"] == 4).await;
    assert_eq!(other.state()["refused"], 2);
    elsewhere.until(|one| one.state()["done"] == 3).await;
    assert_eq!(elsewhere.state()["refused"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_calls_starts_no_more_tasks_than_allowed() {
    let server = Server::new(Runtime::builder);
    let page = server.page();
    let starter = page.mount_open("starter", json!({})).await.unwrap();
    for _ in 0..10 {
        starter.call("start", json!([100])).await.unwrap();
    }
    starter.until(|starter| starter.state()["done"] == Limits::default().spawned_tasks).await;
    assert_eq!(starter.state()["refused"], 1_000 - Limits::default().spawned_tasks);
}
