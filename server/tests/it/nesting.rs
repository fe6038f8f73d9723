//! The maximum depth of nested components.

use serde_json::{Value, json};
use vivaz::MemoryStore;
use vivaz::prelude::*;

use crate::app::start_with;
use crate::client::{Client, assert_error};

/// Contains itself.
#[derive(LiveComponent, Clone)]
#[live(name = "onion", inline = "<div><live:onion></live:onion></div>", open)]
struct Onion {}

#[actions]
impl Onion {}

/// Mounts the child of the component at this depth.
async fn mount_below(client: &mut Client, depth: u32) -> Value {
    let place = json!({ "parent": format!("o{depth}"), "place": [0] });
    let mount = client.message("COMPONENT_MOUNT", &format!("o{}", depth + 1), place);
    client.ask(mount).await
}

#[tokio::test]
async fn components_are_nested_32_deep_at_most_also_after_a_restart() {
    let store = MemoryStore::new();
    let mut first = start_with(|builder| builder.store(store.clone())).await;
    let mut client = Client::hello(&first).await;
    client.mount("o0", "onion", json!({})).await;
    for depth in 0..31 {
        assert_eq!(mount_below(&mut client, depth).await["type"], "COMPONENT_MOUNTED", "{depth}");
    }
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;

    let second = start_with(|builder| builder.store(store)).await;
    let mut client = Client::resume(&second, &welcome, 32, json!({})).await;
    client.count_from(32);
    assert_eq!(mount_below(&mut client, 31).await["type"], "COMPONENT_MOUNTED");
    assert_error(&mount_below(&mut client, 32).await, "too_many_components");
}
