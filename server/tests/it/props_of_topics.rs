//! Children whose props come from topics that their parents show.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use vivaz::prelude::*;

use crate::app::{Message, Room, start};
use crate::client::{Client, assert_error};

/// Shows two topics; its child receives one of them.
#[derive(LiveComponent, Clone)]
#[live(
    name = "gallery",
    inline = "<div><live:picture height='{{ frame.height }}'></live:picture><p>{{ chat.messages.len() }}</p></div>",
    children(Picture),
    open
)]
struct Gallery {
    #[live(prop)]
    key: String,
    #[live(shared = "frame/{key}")]
    frame: Shared<Frame>,
    #[live(shared = "chat/gallery")]
    chat: Shared<Room>,
}

#[actions]
impl Gallery {}

#[derive(LiveComponent, Clone)]
#[live(name = "picture", inline = "<p>{{ height }}</p>")]
struct Picture {
    #[live(prop)]
    height: Option<u32>,
}

#[actions]
impl Picture {}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Frame {
    #[serde(serialize_with = "write_if_readable")]
    height: u32,
}

/// A height that cannot be serialized while [`IS_UNREADABLE`].
const BROKEN: u32 = 12;
static IS_UNREADABLE: AtomicBool = AtomicBool::new(false);

fn write_if_readable<S: Serializer>(height: &u32, out: S) -> Result<S::Ok, S::Error> {
    if *height == BROKEN && IS_UNREADABLE.load(Ordering::SeqCst) {
        return Err(S::Error::custom("it cannot be written"));
    }
    out.serialize_u32(*height)
}

impl Topic for Frame {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_child_receives_changes_of_the_topic_of_its_props() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    for key in ["one", "two"] {
        client.mount(key, "gallery", json!({ "key": key })).await;
        let id = format!("picture-{key}");
        let mount = client.message("COMPONENT_MOUNT", &id, json!({ "parent": key, "place": [0] }));
        assert_eq!(client.ask(mount).await["payload"]["state"]["height"], 0);
    }
    client.drain().await;
    let parsed = server.runtime.stats().parents_parsed;
    // The child does not depend on the parent's other topic.
    let chat = server.runtime.topic::<Room>("chat/gallery").await.unwrap();
    chat.update(|room| room.messages.push(Message { id: 1, text: "nice".into() })).await.unwrap();
    let received = client.drain().await;
    assert_eq!(received.iter().map(|one| &one["topic"]).collect::<Vec<_>>(), ["chat/gallery"]);
    let frame = server.runtime.topic::<Frame>("frame/two").await.unwrap();
    frame.update(|frame| frame.height = 7).await.unwrap();
    assert_eq!(client.expect("STATE_UPDATE").await["topic"], "frame/two");
    let received = client.expect("STATE_UPDATE").await;
    assert_eq!(
        (&received["componentId"], &received["payload"]),
        (&json!("picture-two"), &json!({ "height": 7 }))
    );
    assert!(client.drain().await.is_empty());
    assert_eq!(server.runtime.stats().parents_parsed - parsed, 1);
}

/// A failure is not an absence: the child is not mounted with a missing prop.
#[tokio::test]
async fn a_child_is_not_mounted_while_the_topic_that_its_props_come_from_cannot_be_read() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("g", "gallery", json!({ "key": "broken" })).await;
    client.drain().await;
    let frame = server.runtime.topic::<Frame>("frame/broken").await.unwrap();
    frame.update(|frame| frame.height = BROKEN).await.unwrap();
    client.drain().await;
    IS_UNREADABLE.store(true, Ordering::SeqCst);
    let mount = client.message("COMPONENT_MOUNT", "p", json!({ "parent": "g", "place": [0] }));
    assert_error(&client.ask(mount).await, "action_failed");
    IS_UNREADABLE.store(false, Ordering::SeqCst);
    let mount = client.message("COMPONENT_MOUNT", "p", json!({ "parent": "g", "place": [0] }));
    assert_eq!(client.ask(mount).await["payload"]["state"]["height"], BROKEN);
}
