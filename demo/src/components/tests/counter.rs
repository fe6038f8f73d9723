use serde_json::json;
use vivaz::ErrorCode;
use vivaz::testing::Moment;

use super::server;
use crate::components::counter::{Counter, CounterProps};

const PLUS: &str = "[aria-label=Increment]";
const MINUS: &str = "[aria-label=Decrement]";

#[tokio::test]
async fn it_counts_and_does_not_go_below_zero() {
    let page = server().await.page();
    let counter = page.mount::<Counter>(CounterProps { title: "Clicks".into(), count: 1 }).await.unwrap();
    assert_eq!((counter.text("h2"), counter.text("output")), ("Clicks".into(), "1".into()));
    counter.click(PLUS).await.unwrap();
    counter.click("button:last-child").await.unwrap();
    assert_eq!(counter.text("output"), "12");
    counter.click("button:not([aria-label]):not(:last-child)").await.unwrap();
    assert_eq!(counter.text("output"), "0");
    counter.click(MINUS).await.unwrap();
    assert_eq!(counter.text("output"), "0");
}

#[tokio::test]
async fn counting_saturates() {
    let page = server().await.page();
    let counter = page.mount_open("counter", json!({ "count": i64::MAX - 1 })).await.unwrap();
    counter.call("increment", [u64::MAX]).await.unwrap();
    assert_eq!(counter.state()["count"], i64::MAX);
    counter.call("decrement", [u64::MAX]).await.unwrap();
    assert_eq!(counter.state()["count"], 0);
}

#[tokio::test]
async fn a_page_calls_actions_and_writes_no_field() {
    let page = server().await.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    assert_eq!(counter.call("mount", ()).await.unwrap_err().code, ErrorCode::UnknownAction);
    assert_eq!(counter.set("count", 7).await.unwrap_err().code, ErrorCode::ReadOnlyProperty);
    assert_eq!(counter.call("increment", [-1]).await.unwrap_err().code, ErrorCode::BadArguments);
    assert_eq!(counter.state(), json!({ "title": "Live Counter", "count": 0 }));
}

#[tokio::test]
async fn each_click_counts_once_on_a_failing_network() {
    let page = server().await.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    page.network().duplicate();
    for moment in [Moment::BeforeSend, Moment::AfterSend, Moment::BeforeReply] {
        page.network().drop_at(moment);
        counter.click(PLUS).await.unwrap();
    }
    page.network().restart_server().await;
    counter.click(PLUS).await.unwrap();
    assert_eq!((counter.text("output"), page.sessions()), ("4".into(), 1));
}
