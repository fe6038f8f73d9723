//! The writes of `unmount` are committed with the removal of the component.

use std::time::Duration;

use serde_json::json;
use vivaz::prelude::*;

use vivaz::{MemoryStore, Save, UnmountReason};

use crate::app::{Room, Server, start_with};
use crate::client::Client;
use crate::logs::Log;
use crate::restart::File;
use crate::stores::{Fault, Faulty};

/// Returns something when it is unmounted.
#[derive(LiveComponent, Clone)]
#[live(name = "tenancy", inline = "<p>{{ how }}</p>", open, durable)]
struct Tenancy {
    #[live(prop)]
    how: String,
    #[live(shared = "chat/tenancies")]
    chat: Shared<Room>,
}

#[actions]
impl Tenancy {
    async fn unmount(&mut self, cx: &mut Context, _reason: UnmountReason) -> Result<()> {
        if self.how == "late" {
            tokio::task::yield_now().await;
        }
        let how = self.how.clone();
        cx.commit(move |tx: &mut Tx| {
            tx.execute("INSERT INTO counts (count) VALUES (7)", ())?;
            if how == "refused" { Err(ActionError::user("not given back")) } else { Ok(()) }
        })?;
        self.chat.update(|room| {
            let id = room.messages.len() as u64;
            room.messages.push(crate::app::Message { id, text: "given back".into() });
        });
        cx.to(Target::room("kitchen")).emit("shouted", "given back")?;
        if self.how == "fails" { Err(ActionError::user("no")) } else { Ok(()) }
    }

    #[action]
    fn leave(&mut self, cx: &mut Context) {
        cx.close();
    }
}

/// Commits only where every change is committed.
#[derive(LiveComponent, Clone)]
#[live(name = "lodger", inline = "<p>{{ n }}</p>", open)]
struct Lodger {
    #[live(default)]
    n: u8,
}

#[actions]
impl Lodger {
    fn unmount(&mut self, cx: &mut Context) -> Result<()> {
        cx.commit(|tx: &mut Tx| Ok(tx.execute("INSERT INTO counts (count) VALUES (7)", ()).map(drop)?))
    }
}

const COMPONENTS: &str = "SELECT count(*) FROM vivaz_components";

async fn server(file: &File, save: Save) -> Server {
    let database = file.database.clone();
    start_with(|builder| builder.store(database).save(save)).await
}

/// A page with the component, and one that receives the events.
async fn pages(server: &Server, name: &str, how: &str) -> (Client, Client) {
    let mut listener = Client::hello(server).await;
    listener.mount("lab", "lab", json!({})).await;
    listener.act("lab", "enter", json!(["kitchen"])).await;
    listener.mount("chat", "chat", json!({ "room": "tenancies" })).await;
    let mut page = Client::hello(server).await;
    let props = if name == "tenancy" { json!({ "how": how }) } else { json!({}) };
    page.mount("c", name, props).await;
    (page, listener)
}

async fn unmount(page: &mut Client) {
    let unmount = page.message("COMPONENT_UNMOUNT", "c", json!(null));
    assert_eq!(page.ask(unmount).await["type"], "ACK");
}

#[tokio::test]
async fn writes_of_unmount_are_committed_with_the_removal() {
    for (name, how, save) in [
        ("tenancy", "at once", Save::default()),
        ("tenancy", "late", Save::default()),
        ("tenancy", "late", Save::Always),
        ("lodger", "", Save::Always),
    ] {
        let file = File::new().await;
        let server = server(&file, save).await;
        let (mut page, mut listener) = pages(&server, name, how).await;
        let others = file.query(COMPONENTS).await[0] - 1;
        unmount(&mut page).await;
        assert_eq!(file.counts().await, [7], "{name}, {how}");
        assert_eq!(file.query(COMPONENTS).await, [others]);
        if name == "tenancy" {
            let told = listener.drain().await;
            let of = |kind: &str| told.iter().filter(|message| message["type"] == kind).count();
            assert!(of("STATE_UPDATE") >= 1 && of("EVENT") == 1, "{told:?}");
        }
        // Its id is free again.
        page.mount("c", "counter", json!({})).await;
    }
}

#[tokio::test]
async fn a_component_commits_its_writes_for_each_way_of_removal() {
    for how in ["closed by itself", "left", "ended"] {
        let file = File::new().await;
        let server = server(&file, Save::default()).await;
        let (mut page, listener) = pages(&server, "tenancy", how).await;
        let session = vivaz::SessionId::new(page.welcome["session"].as_str().unwrap()).unwrap();
        match how {
            "closed by itself" => {
                page.act("c", "leave", json!([])).await;
                // The patch of the topic is sent first.
                while page.next().await["type"] != "COMPONENT_UNMOUNTED" {}
            }
            "left" => page.close(4000).await,
            _ => assert!(server.runtime.end_session(&session)),
        }
        drop(listener);
        let written = async {
            while file.counts().await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), written).await.expect("it is written before long");
        assert_eq!(file.counts().await, [7], "{how}");
    }
}

#[tokio::test]
async fn a_component_is_removed_although_its_write_is_refused() {
    let log = Log::default();
    let _collecting = log.collect();
    for (how, said) in [("refused", "not given back"), ("fails", "no")] {
        let file = File::new().await;
        let server = server(&file, Save::default()).await;
        let (mut page, mut listener) = pages(&server, "tenancy", how).await;
        let others = file.query(COMPONENTS).await[0] - 1;
        unmount(&mut page).await;
        assert!(file.counts().await.is_empty(), "{how}");
        assert_eq!(file.query(COMPONENTS).await, [others], "{how}");
        assert!(listener.drain().await.is_empty(), "no subscriber received a patch: {how}");
        assert!(log.text().contains(said), "{how}: {}", log.text());
    }
}

#[tokio::test]
async fn a_crash_after_the_commit_neither_loses_nor_doubles() {
    let file = File::new().await;
    let store = Faulty::new(file.database.clone());
    let ends = store.clone();
    let first = start_with(|builder| builder.store(store)).await;
    let (mut page, mut listener) = pages(&first, "tenancy", "at once").await;
    ends.set("commit", Fault::Ends);
    let call = page.message("COMPONENT_UNMOUNT", "c", json!(null));
    page.send(call.clone()).await;
    ends.ended().await;
    assert!(listener.drain().await.is_empty(), "no subscriber received a patch");
    assert_eq!(file.counts().await, [7]);

    let second = server(&file, Save::default()).await;
    let mut back = Client::resume(&second, &page.welcome, 1, json!({})).await;
    assert_eq!(back.ask(call).await["type"], "ACK");
    assert_eq!(file.counts().await, [7]);
}

#[tokio::test]
async fn a_store_that_fails_keeps_neither_and_the_component_goes() {
    let file = File::new().await;
    let store = Faulty::new(file.database.clone());
    let fails = store.clone();
    let server = start_with(|builder| builder.store(store)).await;
    let (mut page, mut listener) = pages(&server, "tenancy", "at once").await;
    let calls = fails.calls("commit");
    fails.set("commit", Fault::Fails);
    let gone = page.message("COMPONENT_UNMOUNT", "c", json!(null));
    page.send(gone.clone()).await;
    // With the writes of `unmount`, and without them.
    while fails.calls("commit") < calls + 2 {
        tokio::task::yield_now().await;
    }
    fails.recover();
    assert_eq!(page.reply(&gone["ref"]).await["type"], "ACK");
    assert!(file.counts().await.is_empty() && listener.drain().await.is_empty());
    page.mount("c", "counter", json!({})).await;
}

#[tokio::test]
async fn a_store_without_a_database_refuses_the_write_and_not_the_removal() {
    let server = start_with(|builder| builder.store(MemoryStore::new())).await;
    let (mut page, mut listener) = pages(&server, "tenancy", "at once").await;
    unmount(&mut page).await;
    assert!(listener.drain().await.is_empty());
}

#[tokio::test]
async fn writes_of_unmount_are_committed_although_the_store_has_lost_the_session() {
    for how in ["at once", "late"] {
        let file = File::new().await;
        let server = server(&file, Save::default()).await;
        let mut page = Client::hello(&server).await;
        page.mount("other", "counter", json!({})).await;
        page.mount("c", "tenancy", json!({ "how": how })).await;
        file.execute("DELETE FROM vivaz_components").await;
        file.execute("DELETE FROM vivaz_sessions").await;
        unmount(&mut page).await;
        assert_eq!(file.counts().await, [7], "{how}");
        assert_eq!(file.query(COMPONENTS).await, [1], "{how}");
    }
}

#[tokio::test]
async fn a_component_that_is_being_removed_is_not_written_again() {
    let file = File::new().await;
    let store = Faulty::new(file.database.clone());
    let answers = store.clone();
    let save = Save::Every(Duration::from_millis(10));
    let server = start_with(|builder| builder.store(store).save(save)).await;
    let mut page = Client::hello(&server).await;
    page.mount("other", "counter", json!({})).await;
    page.mount("c", "tenancy", json!({ "how": "late" })).await;
    answers.set("commit", Fault::AnswersLate);
    let gone = page.message("COMPONENT_UNMOUNT", "c", json!(null));
    page.send(gone.clone()).await;
    let written = async {
        while file.counts().await.is_empty() {
            tokio::task::yield_now().await;
        }
        // The store loses the session, and the next save detects it.
        file.execute("DELETE FROM vivaz_sessions").await;
        page.act("other", "increment", json!([1])).await;
        while file.query("SELECT count(*) FROM vivaz_sessions").await != [1] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), written).await.expect("it is written before long");
    answers.recover();
    assert_eq!(page.reply(&gone["ref"]).await["type"], "ACK");
    assert_eq!(file.query(COMPONENTS).await, [1]);
}
