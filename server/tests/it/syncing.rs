//! Lists synchronized with the rows of a query, as pages receive them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::MemoryStore;
use vivaz::prelude::*;

use crate::app::{Server, start_with};
use crate::client::{Client, assert_error};

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Row {
    id: u32,
    text: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Board {
    rows: List<Row>,
}

impl Topic for Board {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

macro_rules! tables {
    ($($component:ident $name:literal [$($durable:ident)?],)*) => {
        $(
            #[derive(LiveComponent, Clone)]
            #[live(name = $name, inline = "<p live:for='row in rows' live:key='row.id'>{{ row.text }}</p>", open, $($durable)?)]
            struct $component {
                #[live(default)]
                rows: List<Row>,
            }

            #[actions]
            impl $component {
                #[action]
                fn show(&mut self, rows: Vec<Row>) -> Result<()> {
                    Ok(self.rows.sync(rows)?)
                }
            }
        )*
    };
}

tables! {
    Plain "synced" [],
    Durable "synced-durable" [durable],
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "synced-topic",
    inline = "<p live:for='row in board.rows' live:key='row.id'>{{ row.text }}</p>",
    open
)]
struct OfTopic {
    #[live(shared = "board/main")]
    board: Shared<Board>,
}

#[actions]
impl OfTopic {
    #[action]
    async fn show(&mut self, rows: Vec<Row>) -> Result<()> {
        Ok(self.board.update_now(|board| board.rows.sync(rows.clone())).await??)
    }
}

fn rows(ids: impl IntoIterator<Item = u32>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({ "id": id, "text": format!("row {id}") })).collect()
}

/// Synchronizes the list with these rows; returns the resulting operations.
async fn show(client: &mut Client, rows: &[Value]) -> Value {
    let message = client.call("table", "show", json!([rows]));
    client.send(message).await;
    let messages = client.drain().await;
    let mut patches = messages.iter().filter_map(|message| message["payload"].get("rows"));
    patches.next_back().cloned().unwrap_or_default()
}

async fn server(store: &MemoryStore) -> Server {
    start_with(|builder| builder.store(store.clone())).await
}

#[tokio::test]
async fn a_repeated_query_sends_the_changes() {
    let store = MemoryStore::new();
    let server = server(&store).await;
    for component in ["synced", "synced-durable", "synced-topic"] {
        let mut client = Client::hello(&server).await;
        client.mount("table", component, json!({})).await;
        show(&mut client, &rows(0..100)).await;
        let mut next = rows((0..100).filter(|id| *id != 40));
        next.insert(10, rows([100]).remove(0));
        next[20]["text"] = "other".into();
        let id = next[20]["id"].clone();
        let moved = next.remove(70);
        next.insert(3, moved.clone());
        let sent = show(&mut client, &next).await;
        let expected = json!([
            ["-", 40], [">", moved["id"], 3], ["+", 11, rows([100])[0]], ["~", id, { "text": "other" }],
        ]);
        assert_eq!(sent["$list"], expected, "{component}");
        assert_eq!(show(&mut client, &next).await, Value::Null, "{component}");
        // Rows with the same id lose nothing.
        assert_error(&client.act("table", "show", json!([rows([5, 5])])).await, "action_failed");
        assert_eq!(show(&mut client, &next).await, Value::Null, "{component}");
    }
}
