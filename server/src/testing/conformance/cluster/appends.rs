//! Entries, races for them, and calls without an answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::support::{add, begin, entry, quiet, read_all, start, texts, topic, until};
use super::{ClusterCase, ClusterUnderTest, cluster_cases};
use crate::cluster::{Appended, LogError, LogPosition, TopicId, TopicLog};

pub(super) const CASES: &[ClusterCase] = cluster_cases![
    exactly_one_append_takes_each_revision,
    an_append_needs_the_position_where_the_log_stands,
    entries_are_kept_byte_for_byte,
    an_entry_that_is_too_large_has_no_effect,
    a_call_without_an_answer_is_settled_by_the_next_one,
    a_node_without_the_engine_fails_and_the_others_go_on,
];

/// The number of appenders that race.
const APPENDERS: usize = 64;

async fn exactly_one_append_takes_each_revision(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("race");
    begin(&*cluster.log(0), &topic, 0).await;
    let mut appenders = JoinSet::new();
    for number in 0..APPENDERS {
        appenders.spawn(take_a_revision(cluster.log(number % 3), topic.clone(), format!("{number}")));
    }
    let taken: Vec<(u64, String)> = appenders.join_all().await;
    let log = cluster.log(1);
    let entries = read_all(&*log, &topic, &start("e")).await.unwrap();
    assert_eq!(entries.len(), APPENDERS, "each append that was answered with `Done`, once");
    for (index, added) in entries.iter().enumerate() {
        let rev = index as u64 + 1;
        let body = String::from_utf8(added.body.to_vec()).unwrap();
        assert_eq!(added.at.rev.0, rev);
        assert!(taken.contains(&(rev, body.clone())), "the entry {body} of {rev} was answered so");
    }
    assert_eq!(taken.iter().map(|(rev, _)| *rev).collect::<BTreeSet<_>>().len(), APPENDERS);
}

/// Appends an entry after the newest one until that succeeds. Returns its revision.
async fn take_a_revision(log: Arc<dyn TopicLog>, topic: TopicId, body: String) -> (u64, String) {
    let mut after = start("e");
    loop {
        tokio::task::yield_now().await;
        let entry = entry(&after, body.clone());
        let rev = entry.at.rev.0;
        match log.append(&topic, &after, entry).await.unwrap() {
            Appended::Done => return (rev, body),
            Appended::Moved => {
                let entries = read_all(&*log, &topic, &after).await.unwrap();
                after = entries.last().expect("another entry was added").at.clone();
            }
        }
    }
}

async fn an_append_needs_the_position_where_the_log_stands(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("positions"));
    let none = log.append(&topic, &start("e"), entry(&start("e"), "no log")).await.unwrap();
    assert_eq!(none, Appended::Moved, "there is no log");
    assert!(log.open(&topic).await.unwrap().is_none());
    let positions = begin(&*log, &topic, 3).await;
    let end = &positions[3];
    let wrong = [
        LogPosition { epoch: start("other").epoch, ..end.clone() },
        LogPosition { rev: end.rev.next(), ..end.clone() },
        LogPosition { chain: end.chain ^ 1, ..end.clone() },
        LogPosition { chain: end.chain ^ (1 << 63), ..end.clone() },
        positions[2].clone(),
        positions[0].clone(),
    ];
    for after in wrong {
        let appended = log.append(&topic, &after, entry(&after, "wrong")).await.unwrap();
        assert_eq!(appended, Appended::Moved, "after {after:?}, it stands at {end:?}");
    }
    assert_eq!(texts(&*cluster.log(1), &topic, &positions[0]).await, ["entry 1", "entry 2", "entry 3"]);
    add(&*cluster.log(2), &topic, end, "right").await;
}

async fn entries_are_kept_byte_for_byte(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("bytes"));
    let every: Vec<u8> = (0..=255).collect();
    let bodies = [
        Vec::new(),
        vec![0],
        every.clone(),
        b"'; DROP TABLE x; --\r\n$1 ?1 \\x00 {}".to_vec(),
        vec![0xff; 9_000],
        every.repeat(1_024),
    ];
    let begun = log.begin(&topic, None, start("e"), every.clone().into()).await.unwrap();
    assert_eq!(begun, Appended::Done);
    let mut end = start("e");
    for body in &bodies {
        end = add(&*log, &topic, &end, body.clone()).await;
    }
    let opened = cluster.log(1).open(&topic).await.unwrap().expect("it has begun");
    assert!(opened.snapshot == every, "the snapshot is as it was written");
    let read = read_all(&*cluster.log(2), &topic, &start("e")).await.unwrap();
    let read: Vec<_> = read.iter().map(|entry| entry.body.to_vec()).collect();
    assert!(read == bodies, "the entries are as they were written");
    let tail: Vec<_> = opened.tail.iter().map(|entry| entry.body.to_vec()).collect();
    assert!(tail == bodies, "the tail is as it was written");
    // The extremes of the numbers.
    let topic = super::support::topic("numbers");
    let first = LogPosition { rev: vivaz_protocol::Rev((1 << 53) - 3), chain: u64::MAX, ..start("e") };
    assert_eq!(log.begin(&topic, None, first.clone(), "".into()).await.unwrap(), Appended::Done);
    let last = add(&*cluster.log(1), &topic, &first, "last").await;
    let opened = cluster.log(2).open(&topic).await.unwrap().expect("it has begun");
    assert_eq!((opened.at, opened.tail[0].at.clone()), (first, last));
}

async fn an_entry_that_is_too_large_has_no_effect(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("sizes"));
    let mut end = begin(&*log, &topic, 1).await.remove(1);
    let mut expected = vec![7];
    for mebibytes in [1, 4, 32] {
        let large = entry(&end, vec![b'x'; (mebibytes << 20) + 1]);
        let (at, bytes) = (large.at.clone(), large.body.len());
        match log.append(&topic, &end, large).await {
            Ok(Appended::Done) => {
                expected.push(bytes);
                end = at;
            }
            Err(LogError::TooLarge { bytes: of }) => assert_eq!(of, bytes),
            other => panic!("{bytes} bytes: {other:?}"),
        }
    }
    let read = read_all(&*cluster.log(1), &topic, &start("e")).await.unwrap();
    assert_eq!(read.iter().map(|entry| entry.body.len()).collect::<Vec<_>>(), expected);
    add(&*log, &topic, &end, "small").await;
}

async fn a_call_without_an_answer_is_settled_by_the_next_one(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("settled"));
    let mut end = begin(&*log, &topic, 0).await.remove(0);
    for round in 0..30_u64 {
        let call = log.append(&topic, &end, entry(&end, format!("{round}")));
        if round % 3 == 2 {
            let call = tokio::spawn(call);
            tokio::task::yield_now().await;
            cluster.cut(0).await;
            match call.await.unwrap() {
                Ok(Appended::Done) | Err(LogError::Unknown(_) | LogError::Unavailable(_)) => {}
                other => panic!("{other:?}"),
            }
            cluster.restore(0).await;
        } else {
            // The future is dropped at its first or second time.
            let _dropped = timeout(Duration::from_micros(300 * (round % 2)), call).await;
        }
        until("the node reaches the engine", || async { log.read(&topic, &end).await.is_ok() }).await;
        let seen = read_all(&*log, &topic, &end).await.expect("nothing else changes the log");
        quiet().await;
        let later = read_all(&*cluster.log(1), &topic, &end).await.expect("nothing else changes the log");
        assert_eq!(later, seen, "round {round}: a call took effect after it was settled");
        end = later.last().map_or(end, |entry| entry.at.clone());
    }
}

async fn a_node_without_the_engine_fails_and_the_others_go_on(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("cut"));
    let end = begin(&*log, &topic, 1).await.remove(1);
    cluster.cut(0).await;
    assert!(log.open(&topic).await.is_err(), "it cannot know whether there is a log");
    assert!(log.read(&topic, &end).await.is_err(), "it cannot know whether there are entries");
    assert!(log.append(&topic, &end, entry(&end, "cut off")).await.is_err());
    let end = add(&*cluster.log(1), &topic, &end, "goes on").await;
    cluster.restore(0).await;
    until("the node reaches the engine", || async { log.open(&topic).await.is_ok() }).await;
    assert_eq!(texts(&*log, &topic, &start("e")).await, ["entry 1", "goes on"]);
    add(&*log, &topic, &end, "again").await;
}
