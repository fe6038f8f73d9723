//! The engine in memory with faults: what nodes that follow the contract see.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vivaz::DatabaseError;
use vivaz::cluster::{
    Address, Appended, Bus as _, Cluster as _, LogEntry, LogError, LogFeed, LogPosition, LogTail, NodeId,
    TopicId, TopicLog,
};
use vivaz::testing::{Epoch, Faults, MemoryCluster, Rev, TopicName};

use super::{InMemory, NAMES};

fn topic(name: &str) -> TopicId {
    TopicId { tenant: None, name: TopicName::new(name).unwrap() }
}

fn start() -> LogPosition {
    LogPosition { epoch: Epoch::new("e").unwrap(), rev: Rev(0), chain: 1 }
}

fn entry(after: &LogPosition, body: String) -> LogEntry {
    let hash = body.bytes().fold(after.chain, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let at = LogPosition { epoch: after.epoch.clone(), rev: after.rev.next(), chain: hash };
    LogEntry { at, body: body.into() }
}

async fn begin(log: &dyn TopicLog, topic: &TopicId) {
    assert_eq!(log.begin(topic, None, start(), "".into()).await.unwrap(), Appended::Done);
}

/// Reads all entries after a position, in spite of faults.
async fn read_all(log: &dyn TopicLog, topic: &TopicId, after: &LogPosition) -> Vec<LogEntry> {
    let (mut after, mut all) = (after.clone(), Vec::new());
    loop {
        match log.read(topic, &after).await {
            Ok(LogTail::Entries(entries)) => {
                let Some(last) = entries.last() else { return all };
                after = last.at.clone();
                all.extend(entries);
            }
            Ok(LogTail::Gone) => panic!("{after:?} is in the log"),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Adds an entry once, in spite of faults. Returns how many calls were without an answer.
async fn add_once(log: Arc<dyn TopicLog>, topic: TopicId, body: String) -> usize {
    let (mut after, mut unanswered) = (start(), 0);
    loop {
        match log.append(&topic, &after, entry(&after, body.clone())).await {
            Ok(Appended::Done) => return unanswered,
            Ok(Appended::Moved) => {}
            Err(LogError::Unavailable(_)) => sleep(Duration::from_millis(200)).await,
            Err(LogError::Unknown(_)) => unanswered += 1,
            Err(error) => panic!("{error}"),
        }
        let read = read_all(&*log, &topic, &after).await;
        if read.iter().any(|entry| entry.body == body) {
            return unanswered;
        }
        after = read.last().map_or(after, |last| last.at.clone());
    }
}

/// Runs appenders of three nodes on one topic. Returns a record of the run.
async fn run(seed: u64) -> String {
    let faults = Faults::new(seed);
    faults.stop();
    let nodes = InMemory::new(MemoryCluster::with_faults(faults.clone()));
    let topic = topic("faults");
    begin(&nodes.nodes[0], &topic).await;
    let feed = Arc::new(Notified::default());
    let _guard = nodes.nodes[2].follow(&topic, feed.clone()).await.unwrap();
    let messages = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&messages);
    let listener = move |_: &NodeId, message: bytes::Bytes| received.lock().unwrap().push(message[0]);
    let _listener = nodes.nodes[1].listen(&Address::Everyone, Arc::new(listener));
    faults.start();
    for number in 0..100 {
        nodes.nodes[0].send(&Address::Everyone, vec![number].into());
    }
    let mut appenders = JoinSet::new();
    for (number, node) in nodes.nodes.iter().enumerate() {
        let (log, topic) = (node.log(), topic.clone());
        appenders.spawn(async move {
            let mut unanswered = 0;
            for count in 0..10 {
                unanswered += add_once(Arc::clone(&log), topic.clone(), format!("{number} {count}")).await;
            }
            unanswered
        });
    }
    let unanswered: Vec<usize> = appenders.join_all().await;
    faults.stop();
    let entries = read_all(&*nodes.nodes[1].log(), &topic, &start()).await;
    let bodies: Vec<&[u8]> = entries.iter().map(|entry| &entry.body[..]).collect();
    assert_eq!(bodies.len(), 30, "seed {seed}: each entry once\n{faults}");
    assert_eq!(bodies.iter().collect::<BTreeSet<_>>().len(), 30, "seed {seed}: each entry once\n{faults}");
    let notified = feed.0.lock().unwrap().clone();
    assert!(notified.iter().all(|entry| entries.contains(entry)), "seed {seed}: an entry that was not added");
    let messages = messages.lock().unwrap().clone();
    assert!(messages.is_sorted_by(|one, next| one < next), "seed {seed}: {messages:?}");
    let revisions = entries.iter().map(|entry| entry.at.rev.0);
    assert!(revisions.eq(1..=30), "seed {seed}: no gaps\n{faults}");
    format!("{unanswered:?} {} {} {faults}", notified.len(), messages.len())
}

/// Remembers the entries of which it was notified.
#[derive(Default)]
struct Notified(Mutex<Vec<LogEntry>>);

impl LogFeed for Notified {
    fn entry(&self, entry: LogEntry) {
        self.0.lock().unwrap().push(entry);
    }

    fn look(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_settled_in_spite_of_faults() {
    let (mut added, mut lost) = (0, 0);
    for seed in 0..30 {
        let faults = Faults::new(seed);
        faults.stop();
        let nodes = InMemory::new(MemoryCluster::with_faults(faults.clone()));
        let (log, topic, mut end) = (nodes.nodes[0].log(), topic("settled"), start());
        begin(&*log, &topic).await;
        for number in 0..50 {
            faults.start();
            let next = entry(&end, format!("{number}"));
            let appended = log.append(&topic, &end, next.clone()).await;
            let seen = read_all(&*log, &topic, &end).await;
            faults.stop();
            sleep(Duration::from_secs(20)).await;
            assert_eq!(read_all(&*log, &topic, &end).await, seen, "{appended:?} came later\n{faults}");
            match appended {
                Ok(appended) => assert_eq!((appended, seen.len()), (Appended::Done, 1), "{faults}"),
                Err(LogError::Unavailable(_)) => assert_eq!(seen, [], "{faults}"),
                Err(LogError::Unknown(_)) if seen.is_empty() => lost += 1,
                Err(LogError::Unknown(_)) => added += 1,
                Err(error) => panic!("{error}"),
            }
            end = seen.last().map_or(end, |last| last.at.clone());
        }
    }
    assert!(added > 20 && lost > 20, "{added} added, {lost} lost");
}

#[tokio::test(start_paused = true)]
async fn each_entry_is_added_once_in_spite_of_faults() {
    let mut records = Vec::new();
    for seed in 0..100 {
        records.push(run(seed).await);
    }
    let all = records.concat();
    for kind in [
        "Refused",
        "Call",
        "Answer",
        "Late",
        "Stopped",
        "Cut",
        "Paused",
        "LeaseEnded",
        "notify",
        "again",
        "missing",
        "late by",
    ] {
        assert!(all.contains(kind), "no run had the fault {kind}");
    }
    assert!(records.iter().any(|record| !record.starts_with("[0, 0, 0]")), "answers were lost");
    assert_eq!(run(7).await, run(7).await, "the same seed gives the same run");
}

#[tokio::test(start_paused = true)]
async fn a_paused_node_goes_on_where_it_stood() {
    let nodes = InMemory::new(MemoryCluster::new());
    let (a, b) = (&nodes.nodes[0], &nodes.nodes[1]);
    let topic = topic("paused");
    begin(a, &topic).await;
    nodes.cluster.pause("a");
    let (log, of) = (a.log(), topic.clone());
    let append = tokio::spawn(async move { log.append(&of, &start(), entry(&start(), "late".into())).await });
    sleep(Duration::from_secs(11)).await;
    assert!(!append.is_finished());
    assert_eq!(*b.nodes().unwrap(), [NodeId::new("b"), NodeId::new("c")], "its lease has ended");
    let done = b.append(&topic, &start(), entry(&start(), "other".into())).await.unwrap();
    assert_eq!(done, Appended::Done);
    nodes.cluster.resume("a");
    assert_eq!(append.await.unwrap().unwrap(), Appended::Moved, "the others have gone on");
    assert_eq!(b.nodes().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_paused_node_are_sent_when_it_goes_on() {
    let nodes = InMemory::new(MemoryCluster::new());
    let (sender, received) = std::sync::mpsc::channel();
    let listener = Arc::new(move |_: &NodeId, message: bytes::Bytes| sender.send(message).unwrap());
    let _guard = nodes.nodes[1].listen(&Address::Everyone, listener);
    nodes.cluster.pause("a");
    nodes.nodes[0].send(&Address::Everyone, "1".into());
    nodes.nodes[0].send(&Address::Everyone, "2".into());
    sleep(Duration::from_secs(1)).await;
    assert!(received.try_recv().is_err());
    nodes.cluster.resume("a");
    nodes.cluster.pause("b");
    sleep(Duration::from_secs(1)).await;
    assert!(received.try_recv().is_err(), "the other node is paused");
    nodes.cluster.resume("b");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(received.try_iter().collect::<Vec<_>>(), ["1", "2"]);
    nodes.cluster.cut("a");
    nodes.nodes[0].send(&Address::Everyone, "lost".into());
    assert_eq!(nodes.cluster.dropped_messages("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn no_lease_ends_while_the_engine_is_stopped() {
    let nodes = InMemory::new(MemoryCluster::new());
    nodes.cluster.stop();
    assert!(nodes.nodes.iter().all(|node| node.nodes().is_none()));
    nodes.cluster.cut("c");
    sleep(Duration::from_secs(60)).await;
    nodes.cluster.start();
    assert_eq!(nodes.nodes[0].nodes().unwrap().len(), 3, "nobody is declared dead at first");
    sleep(Duration::from_secs(11)).await;
    assert_eq!(nodes.nodes[0].nodes().unwrap().len(), 2);
    nodes.cluster.end_lease("b");
    assert_eq!(nodes.nodes[0].nodes().unwrap().len(), 1);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(nodes.nodes[0].nodes().unwrap().len(), 2, "it has renewed its lease");
}

#[tokio::test(start_paused = true)]
async fn a_lost_tail_is_noticed_by_other_hashes() {
    let nodes = InMemory::new(MemoryCluster::new());
    let (a, b) = (&nodes.nodes[0], &nodes.nodes[1]);
    let topic = topic("lost");
    begin(a, &topic).await;
    let mut positions = vec![start()];
    for number in 0..5 {
        let entry = entry(&positions[number], format!("{number}"));
        positions.push(entry.at.clone());
        assert_eq!(a.append(&topic, &positions[number], entry).await.unwrap(), Appended::Done);
    }
    assert_eq!(nodes.cluster.lose_tail(&topic, 2), 2);
    let other = entry(&positions[3], "other".into());
    assert_eq!(other.at.rev, positions[4].rev, "the revision is used twice");
    assert_eq!(b.append(&topic, &positions[3], other.clone()).await.unwrap(), Appended::Done);
    for lost in &positions[4..] {
        assert!(matches!(a.read(&topic, lost).await.unwrap(), LogTail::Gone));
    }
    let again = a.append(&topic, &positions[4], entry(&positions[4], "again".into())).await.unwrap();
    assert_eq!(again, Appended::Moved);
    a.keep(&topic, &other.at, Some("state".into())).await.unwrap();
    assert_eq!(nodes.cluster.lose_tail(&topic, 10), 0, "none before the snapshot");
}

#[tokio::test(start_paused = true)]
async fn faults_lose_tails_only_when_they_are_allowed() {
    let lost = async |allowed: bool| {
        let faults = Faults::new(3);
        let cluster = MemoryCluster::with_faults(faults.clone());
        if allowed {
            cluster.allow_lost_tails();
        }
        let nodes = NAMES.map(|name| cluster.node(name));
        for _ in 0..500 {
            let _maybe = nodes[0].open(&topic("tails")).await;
        }
        faults.to_string().contains("TailLost")
    };
    assert_eq!((lost(false).await, lost(true).await), (false, true));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_no_node_keeps_ends() {
    let nodes = InMemory::new(MemoryCluster::new());
    let (node, topic) = (&nodes.nodes[0], topic("kept"));
    begin(node, &topic).await;
    for _ in 0..5 {
        sleep(Duration::from_secs(1_200)).await;
        node.keep(&topic, &start(), None).await.unwrap();
    }
    assert!(node.open(&topic).await.unwrap().is_some());
    let begin = Instant::now();
    sleep(Duration::from_secs(3_600)).await;
    assert!(node.open(&topic).await.unwrap().is_none(), "after {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_transaction_locks_topics_in_their_order_and_has_no_sql() {
    let nodes = InMemory::new(MemoryCluster::new());
    let other = MemoryCluster::new().node("a");
    let node = &nodes.nodes[0];
    let (one, two) = (topic("one"), topic("two"));
    for topic in [&one, &two] {
        begin(node, topic).await;
    }
    let log = node.log();
    let work = move |tx: &mut vivaz::Tx| {
        assert!(matches!(tx.execute("SELECT 1", ()), Err(DatabaseError::NoDatabase)));
        assert!(other.in_transaction(tx).is_none(), "it is a transaction of another engine");
        let mut log = log.in_transaction(tx).unwrap();
        assert!(log.append(&two, &start(), entry(&start(), "unlocked".into())).is_err());
        log.lock(&two, &start()).unwrap();
        log.lock(&two, &start()).unwrap();
        assert!(log.lock(&one, &start()).is_err(), "out of order");
        Ok(())
    };
    node.transaction(work).await.unwrap();
    nodes.cluster.cut("a");
    assert!(node.transaction(|_| Ok(())).await.is_err());
}
