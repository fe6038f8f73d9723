//! The stream of lifecycle events.

use serde_json::json;
use vivaz::{ErrorCode, LifecycleEvent, LifecycleEvents};

use crate::app::start;
use crate::client::{Client, assert_error};

/// Returns the next event as a short text.
async fn next(events: &mut LifecycleEvents) -> String {
    match events.next().await.unwrap() {
        LifecycleEvent::Refused { reason, address } => format!("refused {reason} {}", address.is_some()),
        LifecycleEvent::Opened { .. } => "opened".into(),
        LifecycleEvent::Resumed { .. } => "resumed".into(),
        LifecycleEvent::Disconnected { reason, .. } => format!("disconnected {reason}"),
        LifecycleEvent::Suspended { .. } => "suspended".into(),
        LifecycleEvent::Ended { reason, .. } => format!("ended {reason}"),
        LifecycleEvent::Mounted { id, component, .. } => format!("mounted {id} {component}"),
        LifecycleEvent::Unmounted { id, component, .. } => format!("unmounted {id} {component}"),
        LifecycleEvent::Failed { id, code, .. } => format!("failed {id} {code}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn the_life_of_a_session_is_told_in_order() {
    let server = start().await;
    let mut events = server.runtime.lifecycle();
    let mut client = Client::hello(&server).await;
    let welcome = client.welcome.clone();
    client.mount("lab", "lab", json!({})).await;
    assert_error(&client.act("lab", "boom", json!([])).await, "panicked");
    for expected in ["opened", "mounted lab lab"] {
        assert_eq!(next(&mut events).await, expected);
    }
    assert_eq!(next(&mut events).await, format!("failed lab {}", ErrorCode::Panicked));
    client.cut();
    for expected in ["disconnected lost", "suspended"] {
        assert_eq!(next(&mut events).await, expected);
    }
    let client = Client::resume(&server, &welcome, 2, json!({})).await;
    assert_eq!(next(&mut events).await, "resumed");
    client.close(4400).await;
    assert_eq!(next(&mut events).await, "disconnected closed");
    assert_eq!(next(&mut events).await, "suspended");
    drop(Client::open_with(&server, &[("origin", "https://elsewhere.example")]).await);
    assert_eq!(next(&mut events).await, "refused origin true");
}
