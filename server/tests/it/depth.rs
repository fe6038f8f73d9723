//! State that nests deeper than a page accepts is refused where it is created; other components
//! continue.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{ErrorCode, Runtime};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Reply {
    text: String,
    replies: Vec<Reply>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Thread {
    first: Reply,
    blobs: List<Blob>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Blob {
    id: u64,
    value: Value,
}

impl Topic for Thread {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "forum", inline = "<p>{{ thread.first.text }}{{ thread.blobs.len() }}{{ own.text }}</p>", open)]
struct Forum {
    #[live(shared = "thread/one")]
    thread: Shared<Thread>,
    #[live(default)]
    own: Reply,
}

fn reply_to(mut reply: &mut Reply) {
    while !reply.replies.is_empty() {
        let Some(last) = reply.replies.last_mut() else { return };
        reply = last;
    }
    reply.replies.push(Reply { text: "below".to_owned(), replies: Vec::new() });
}

#[actions]
impl Forum {
    #[action]
    fn reply(&mut self) {
        self.thread.update(|thread| reply_to(&mut thread.first));
    }

    #[action]
    fn reply_to_own(&mut self) {
        reply_to(&mut self.own);
    }

    #[action]
    fn put(&mut self, value: Value) {
        self.thread.update(move |thread| {
            let id = thread.blobs.len() as u64 + 1;
            thread.blobs.push(Blob { id, value: value.clone() });
        });
    }
}

/// The nesting depth of an action's effect that is refused: all pages show the accepted state.
#[tokio::test(start_paused = true)]
async fn replies_below_replies_end_where_a_page_still_reads_them() {
    let server = Server::new(Runtime::builder);
    let (page, other) = (server.page(), server.page());
    for action in ["reply", "reply_to_own"] {
        let forum = page.mount::<Forum>(ForumProps {}).await.unwrap();
        let watching = other.mount::<Forum>(ForumProps {}).await.unwrap();
        let mut accepted = 0;
        let refusal = loop {
            match forum.call(action, json!([])).await {
                Ok(_) => accepted += 1,
                Err(refusal) => break refusal,
            }
            assert!(accepted < 100, "{action} is never refused");
        };
        assert_eq!(refusal.code, ErrorCode::ActionFailed, "{action}");
        assert!(accepted > 25, "{action}: {accepted}");
        let before = forum.confirmed();
        // Every page has the accepted state, and continues.
        forum.call("put", json!([1])).await.unwrap();
        watching.call("put", json!([2])).await.unwrap();
        let late = server.page().mount::<Forum>(ForumProps {}).await.unwrap();
        other.settled().await;
        page.settled().await;
        assert_eq!(forum.confirmed()["own"], before["own"], "{action}");
        assert_eq!(watching.confirmed()["thread"], late.confirmed()["thread"], "{action}");
        assert_eq!(forum.confirmed()["thread"], late.confirmed()["thread"], "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_as_deep_as_a_message_may_be_stays_out_of_a_topic() {
    let server = Server::new(Runtime::builder);
    let forum = server.page().mount::<Forum>(ForumProps {}).await.unwrap();
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    for depth in 0..=60 {
        let is_taken = forum.call("put", json!([nested(depth)])).await.is_ok();
        // The list and its item add two levels.
        assert_eq!(is_taken, depth <= 54, "{depth}");
    }
    let late = server.page().mount::<Forum>(ForumProps {}).await.unwrap();
    assert_eq!(late.confirmed()["thread"]["blobs"].as_array().unwrap().len(), 55);
}
