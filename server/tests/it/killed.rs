//! Killed processes: the next one has everything that they saved and committed.

#![cfg(unix)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vivaz::prelude::*;
use vivaz::sqlite::Connection;
use vivaz::{Cookie, Limits, Runtime, Secret, Tx};

use crate::app::Bench;
use crate::client::{Client, assert_error};
use crate::process::{self, Place};

/// Not a test: the process that the other tests kill.
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_to_be_killed() {
    let Some(database) = process::database() else { return };
    let limits = Limits { burst: 1_000, ..Limits::default() };
    let secret = Secret::new("a secret that outlives each process").unwrap();
    let builder =
        Runtime::builder().secret(secret).state(Arc::<Bench>::default()).store(database).limits(limits);
    process::serve(builder.build().unwrap()).await;
}

pub(crate) const PROCESS: &str = "killed::a_process_to_be_killed";

/// The stored state of the component.
fn stored(place: &Place, component: &str) -> Value {
    let database = Connection::open(place.folder().join("app.sqlite")).unwrap();
    database.busy_timeout(Duration::from_secs(20)).unwrap();
    let sql = "SELECT state FROM vivaz_components WHERE id = ?1";
    let state: Vec<u8> = database.query_row(sql, [component], |row| row.get(0)).unwrap();
    serde_json::from_slice(&state).unwrap()
}

/// Waits until the store has such a state of the component. `saving.rs` checks with paused time how
/// long that takes.
pub(crate) async fn until_stored(place: &Place, component: &str, is_so: impl Fn(&Value) -> bool) {
    let saved = async {
        while !is_so(&stored(place, component)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), saved).await.expect("it is saved before long");
}

#[tokio::test]
async fn stored_state_of_a_plain_component_survives_a_kill() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::hello_at(place.start()).await;
    page.mount("lab", "lab", json!({})).await;
    for seen in 1..=5 {
        assert_eq!(page.act("lab", "see", json!([])).await["result"], seen);
    }
    until_stored(&place, "lab", |state| state["seen"] == 5).await;
    place.kill();
    let mut page = Client::resume_at(place.start(), &page.welcome, 6).await.unwrap();
    assert_eq!(page.welcome["resumed"], true);
    assert_eq!(page.act("lab", "see", json!([])).await["result"], 6);
}

/// Divides, which has no finite result for some arguments.
#[derive(LiveComponent, Clone)]
#[live(name = "divider", inline = "<p>{{ value }}</p>", open)]
struct Divider {
    #[live(default = 8.0)]
    value: f64,
}

#[actions]
impl Divider {
    #[action]
    fn divide(&mut self, by: f64) {
        self.value /= by;
    }
}

/// The same, and each change is committed before the page receives it.
#[derive(LiveComponent, Clone)]
#[live(name = "divider-durable", inline = "<p>{{ value }}</p>", open, durable)]
struct DurableDivider {
    #[live(default = 8.0)]
    value: f64,
}

#[actions]
impl DurableDivider {
    #[action]
    fn divide(&mut self, by: f64) {
        self.value /= by;
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_saved_is_refused_and_the_one_before_outlives_a_kill() {
    for component in ["divider", "divider-durable"] {
        let mut place = Place::new(PROCESS);
        let mut page = Client::hello_at(place.start()).await;
        page.mount("d", component, json!({})).await;
        assert_ne!(page.act("d", "divide", json!([2])).await["type"], "ERROR", "{component}");
        if component == "divider" {
            until_stored(&place, "d", |state| state["value"] == 4.0).await;
        }
        let refused = page.act("d", "divide", json!([0])).await;
        assert_error(&refused, "action_failed");
        place.kill();
        let mut page = Client::resume_at(place.start(), &page.welcome, 4).await.unwrap();
        assert_eq!(page.welcome["resumed"], true, "{component}");
        assert_ne!(page.act("d", "divide", json!([4])).await["type"], "ERROR", "{component}");
        until_stored(&place, "d", |state| state["value"] == 1.0).await;
    }
}

#[tokio::test]
async fn the_stored_replies_of_a_page_without_acknowledgements_are_bounded() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::hello_at(place.start()).await;
    page.mount("d", "divider-durable", json!({})).await;
    for _ in 0..600 {
        assert_eq!(page.act("d", "divide", json!([1])).await["type"], "ACK");
    }
    let database = Connection::open(place.folder().join("app.sqlite")).unwrap();
    database.busy_timeout(Duration::from_secs(20)).unwrap();
    let rows =
        || -> i64 { database.query_row("SELECT count(*) FROM vivaz_replies", [], |row| row.get(0)).unwrap() };
    let pruned = async {
        while rows() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), pruned).await.expect("a save takes them over");
    // The oldest replies are dropped, and their messages do not run again.
    place.kill();
    let mut page = Client::resume_at(place.start(), &page.welcome, 0).await.unwrap();
    assert_eq!(page.welcome["resumed"], true);
    page.count_from(2);
    let again = page.call("d", "divide", json!([2]));
    assert_error(&page.ask(again).await, "reply_lost");
    assert_eq!(stored(&place, "d")["value"], 8.0);
}

/// Requests another page with each change.
#[derive(LiveComponent, Clone)]
#[live(name = "booking-durable", inline = "<p>{{ count }}</p>", open, durable)]
struct Booking {
    #[live(default)]
    count: u32,
}

#[actions]
impl Booking {
    #[action]
    fn book(&mut self, cx: &mut Context) -> Result {
        self.count += 1;
        cx.flash("info", "Booked.")?;
        cx.set_cookie(Cookie::new("booked", "yes"))?;
        Ok(cx.navigate("/bookings")?)
    }

    /// The same, inside the transaction that commits the change.
    #[action(transaction)]
    fn book_in_transaction(&mut self, cx: &mut Context, _tx: &mut Tx) -> Result {
        self.book(cx)
    }
}

/// Returns the data of the next requests of a handler, with the reply after them.
async fn requests(page: &mut Client) -> (Value, Value) {
    let mut effects = Value::Null;
    loop {
        let message = page.next().await;
        match message["type"].as_str() {
            Some("EVENT") if message["payload"]["name"] == "live:effects" => {
                effects = message["payload"]["data"].clone();
            }
            Some("ACK" | "STATE_UPDATE") if message.get("ref").is_some() => return (effects, message),
            _ => {}
        }
    }
}

/// Sends tickets to the server. Returns the head of the response.
async fn use_tickets(address: SocketAddr, effects: &Value) -> String {
    let tickets = effects.as_array().unwrap().iter().filter(|one| one[0] == "ticket" || one[0] == "flash");
    let lines: Vec<_> = tickets.map(|ticket| ticket[1].as_str().unwrap()).collect();
    let body = format!("attempt\n{}", lines.join("\n"));
    let head = format!(
        "POST /live/tickets HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn requests_of_a_committed_action_reach_the_page_after_a_kill_once() {
    for action in ["book", "book_in_transaction"] {
        let mut place = Place::new(PROCESS);
        let mut page = Client::hello_at(place.start()).await;
        page.mount("b", "booking-durable", json!({})).await;
        let booking = page.call("b", action, json!([]));
        page.send(booking).await;
        // Committed. The page receives neither the requests nor the reply.
        until_stored(&place, "b", |state| state["count"] == 1).await;
        place.kill();
        let address = place.start();
        let mut page = Client::resume_at(address, &page.welcome, 1).await.unwrap();
        let (effects, reply) = requests(&mut page).await;
        assert_eq!(reply["ref"], 2, "{action}");
        let names: Vec<_> = effects.as_array().unwrap()[1..].iter().map(|one| one[0].clone()).collect();
        assert_eq!(names, ["flash", "ticket", "navigate"], "{action}");
        assert_eq!(effects[3][1], "/bookings");
        let used = use_tickets(address, &effects).await;
        assert!(used.contains("booked=yes") && used.contains("vivaz_flash_"), "{used}");
        // Killed again before the page has acknowledged the reply: the same requests.
        place.kill();
        let mut page = Client::resume_at(place.start(), &page.welcome, 1).await.unwrap();
        // Their tickets are valid for a full time again.
        let again = requests(&mut page).await.0;
        assert_eq!((&again[0], &again[3]), (&effects[0], &effects[3]), "{action}");
        assert_ne!((&again[1], &again[2]), (&effects[1], &effects[2]), "{action}");
        assert_eq!(stored(&place, "b")["count"], 1);
    }
}

#[tokio::test]
async fn requests_that_were_sent_before_a_kill_have_the_same_id_after_it() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::hello_at(place.start()).await;
    page.mount("b", "booking-durable", json!({})).await;
    let booking = page.call("b", "book", json!([]));
    page.send(booking).await;
    let (before, _) = requests(&mut page).await;
    place.kill();
    let mut page = Client::resume_at(place.start(), &page.welcome, 1).await.unwrap();
    assert_eq!(requests(&mut page).await.0[0], before[0]);
}

#[tokio::test]
async fn a_durable_component_is_in_its_rooms_after_a_kill() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::hello_at(place.start()).await;
    page.mount("m", "member-durable", json!({})).await;
    // Each is acknowledged, and the process is killed at once.
    let steps = [("go", "+a", true), ("go", "-a", false), ("go_in_transaction", "+a", true)];
    for (acked, (action, step, is_in)) in (2..).zip(steps) {
        assert_eq!(page.act("m", action, json!([[step]])).await["type"], "ACK");
        place.kill();
        let address = place.start();
        page = Client::resume_at(address, &page.welcome, acked).await.unwrap();
        let mut other = Client::hello_at(address).await;
        other.mount("lab", "lab", json!({})).await;
        other.act("lab", "shout", json!(["a", "tea"])).await;
        if is_in {
            while page.next().await["type"] != "EVENT" {}
        } else {
            let heard = page.drain().await;
            assert!(heard.iter().all(|message| message["type"] != "EVENT"), "{step}: {heard:?}");
        }
    }
}
