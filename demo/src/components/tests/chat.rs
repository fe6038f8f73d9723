use serde_json::json;
use vivaz::testing::{Page, View};
use vivaz::{ErrorCode, User};

use super::{server, server_with};
use crate::store::{Store, messages};

const INPUT: &str = "input[name=content]";

async fn enter(page: &Page) -> View {
    page.mount_open("chat", json!({ "room": "lobby" })).await.unwrap()
}

async fn say(chat: &View, words: &str) {
    chat.input(INPUT, words).await.unwrap();
    chat.submit(INPUT).await.unwrap();
}

#[tokio::test]
async fn two_users_talk_while_one_loses_connections() {
    let server = server().await;
    let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let (one, two) = (enter(&ada).await, enter(&bob).await);
    assert!(one.shows(".empty"));
    for round in 0..4 {
        bob.network().drop();
        say(&one, &format!("ping {round}")).await;
        say(&two, &format!("pong {round}")).await;
        ada.network().drop();
    }
    ada.settled().await;
    bob.settled().await;
    let said = one.texts(".said");
    assert_eq!(said, two.texts(".said"));
    assert_eq!(said.len(), 8);
    assert_eq!((&*said[0], &*said[7]), ("ping 0", "pong 3"));
    assert_eq!(one.count(".message.mine"), 4);
    assert_eq!(one.value(INPUT), "");
    // A user who was disconnected for a moment is present again, once.
    let mut here = one.texts("aside li");
    here.sort();
    assert_eq!((here, one.text("aside .me")), (vec!["Ada".into(), "Bob".into()], "Ada".into()));
}

#[tokio::test]
async fn typing_and_leaving_are_shown_to_others() {
    let server = server().await;
    let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let (one, two) = (enter(&ada).await, enter(&bob).await);
    one.input(INPUT, "h").await.unwrap();
    bob.settled().await;
    assert_eq!((two.text(".typing"), one.shows(".typing span")), ("Ada is typing…".into(), false));
    assert!(bob.events().iter().any(|event| event.name == "user.typing" && event.data["userId"] == "ada"));
    say(&one, "hello").await;
    bob.settled().await;
    assert!(!two.shows(".typing span"));
    ada.leave().await;
    two.until(|two| two.texts("aside li") == ["Bob"]).await;
}

#[tokio::test]
async fn messages_survive_a_restart() {
    let server = server().await;
    let ada = server.page_as("ada", "Ada");
    let chat = enter(&ada).await;
    // The input is `required`, so the page does not submit it.
    chat.submit(INPUT).await.unwrap();
    let refusal = chat.call("send_message", [""]).await.unwrap_err();
    assert_eq!((refusal.code, refusal.errors("content").len()), (ErrorCode::Invalid, 1));
    let refusal = chat.call("send_message", ["x".repeat(2_001)]).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Invalid);
    say(&chat, "<b>kept</b>").await;
    server.restart().await;
    ada.settled().await;
    assert_eq!(chat.texts(".said"), ["<b>kept</b>"]);
    assert!(chat.html().contains("&lt;b&gt;kept"));
}

#[tokio::test]
async fn a_page_without_a_user_is_refused() {
    let server = server().await;
    let refusal = server.page().mount_open("chat", json!({})).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Unauthenticated);
    let refusal =
        server.page_as("ada", "Ada").mount_open("chat", json!({ "room": "../etc" })).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::BadProps);
}

#[tokio::test]
async fn history_returns_at_most_a_hundred_messages() {
    let store = Store::in_memory().await;
    store
        .write(|db| {
            let ada = User::new("ada", "Ada");
            (1..=130).try_for_each(|n| messages::add(db, "lobby", &ada, &n.to_string()).map(|_| ()))
        })
        .await;
    let server = server_with(store);
    let chat = enter(&server.page_as("ada", "Ada")).await;
    for (limit, expected) in [(0, 0), (99, 99), (100, 100), (101, 100), (u32::MAX, 100)] {
        let earlier = chat.call("history", json!([null, limit])).await.unwrap().unwrap();
        assert_eq!(earlier.as_array().unwrap().len(), expected, "{limit}");
    }
}
