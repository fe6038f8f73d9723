//! The session store that the nodes of the engine in memory share.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use vivaz::cluster::{Appended, Cluster as _, LogEntry, LogPosition, LogTail, TopicId, TopicLog};
use vivaz::store::{Commit, CommitError, CommitRecord, Fence, SessionState, StoredChange, WriteRefusal};
use vivaz::testing::{Epoch, MemoryCluster, Rev, TopicName};
use vivaz::{ActionError, ComponentId, SessionId};

use super::InMemory;
use crate::stores::head;

fn session() -> SessionId {
    SessionId::new("s").unwrap()
}

fn position(rev: u64) -> LogPosition {
    LogPosition { epoch: Epoch::new("e").unwrap(), rev: Rev(rev), chain: rev }
}

/// A commit that adds an entry to the topic's log, and returns this.
fn commit(
    log: Arc<dyn TopicLog>,
    topic: &TopicId,
    (by, fence): (&str, Fence),
    returned: Result<(), ActionError>,
) -> Commit {
    let removed = StoredChange::Removed { id: ComponentId::new("c").unwrap() };
    let topic = topic.clone();
    let write = Box::new(move |tx: &mut vivaz::Tx| {
        let mut log = log.in_transaction(tx).expect("the commit is a transaction of the engine");
        let LogTail::Entries(tail) = log.lock(&topic, &position(0))? else { panic!("it has begun") };
        let rev = tail.len() as u64;
        let entry = LogEntry { at: position(rev + 1), body: "change".into() };
        assert_eq!(log.append(&topic, &position(rev), entry)?, Appended::Done);
        returned.map(|()| CommitRecord { change: removed, reply: None })
    });
    let none = StoredChange::Removed { id: ComponentId::new("none").unwrap() };
    Commit { write, ..Commit::of(session(), by.into(), fence, 0, none, None) }
}

#[tokio::test(start_paused = true)]
async fn nodes_share_a_store_whose_commits_have_topic_logs() {
    let nodes = InMemory::new(MemoryCluster::new());
    let [a, b, _] = &nodes.nodes;
    let (on_a, on_b) = (a.store().unwrap(), b.store().unwrap());
    let topic = TopicId { tenant: None, name: TopicName::new("t").unwrap() };
    assert_eq!(a.begin(&topic, None, position(0), "".into()).await.unwrap(), Appended::Done);
    let state = SessionState {
        fence: Fence::FIRST,
        session: session(),
        head: head(),
        components: Vec::new(),
        moving: Vec::new(),
        aside: Vec::new(),
    };
    assert_eq!(on_a.save_whole("a", vec![state]).await.unwrap(), []);
    let entries = async || b.open(&topic).await.unwrap().unwrap().tail.len();

    on_a.commit(commit(a.log(), &topic, ("a", Fence::FIRST), Ok(()))).await.unwrap();
    assert_eq!(entries().await, 1);
    let failed =
        on_a.commit(commit(a.log(), &topic, ("a", Fence::FIRST), Err(ActionError::user("no")))).await;
    assert!(matches!(failed, Err(CommitError::Work(_))));
    assert_eq!(entries().await, 1, "it was rolled back");

    let seen = on_b.find(&session()).await.unwrap().expect("the nodes share the store");
    let claimed = on_b.claim(&session(), "b", &seen).await.unwrap().expect("nobody else claims it");
    let refused = on_a.commit(commit(a.log(), &topic, ("a", Fence::FIRST), Ok(()))).await;
    assert!(matches!(refused, Err(CommitError::Refused(WriteRefusal::Taken))));
    assert_eq!(entries().await, 1, "another node has the session");
    on_b.commit(commit(b.log(), &topic, ("b", claimed.fence), Ok(()))).await.unwrap();
    assert_eq!(entries().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_cut_off_has_no_store_and_a_paused_one_waits() {
    let nodes = InMemory::new(MemoryCluster::new());
    let store = nodes.nodes[0].store().unwrap();
    nodes.cluster.cut("a");
    assert!(store.find(&session()).await.is_err(), "a failure is not an absence");
    assert!(nodes.nodes[1].store().unwrap().find(&session()).await.unwrap().is_none());
    nodes.cluster.restore("a");
    nodes.cluster.pause("a");
    let find = tokio::spawn(async move { store.find(&session()).await });
    sleep(Duration::from_secs(5)).await;
    assert!(!find.is_finished());
    nodes.cluster.resume("a");
    assert!(find.await.unwrap().unwrap().is_none());
}
