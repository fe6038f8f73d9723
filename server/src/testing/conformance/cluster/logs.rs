//! Epochs, reads, snapshots, and the separation of topics.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::support::{add, begin, entry, quiet, read_all, start, texts, topic};
use super::{ClusterCase, ClusterUnderTest, cluster_cases};
use crate::cluster::{Appended, LogPosition, LogTail, TopicId};

pub(super) const CASES: &[ClusterCase] = cluster_cases![
    a_log_begins_once,
    a_new_epoch_replaces_the_log_where_it_stands,
    reads_return_the_entries_after_a_position,
    a_snapshot_replaces_the_entries_before_it,
    keeping_an_unknown_or_earlier_position_changes_nothing,
    topics_are_separate_whatever_their_names,
];

async fn a_log_begins_once(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("begin");
    assert!(cluster.log(0).open(&topic).await.unwrap().is_none());
    let race = |node: usize| {
        let (log, topic) = (cluster.log(node), topic.clone());
        async move { log.begin(&topic, None, start(&format!("e{node}")), format!("{node}").into()).await.unwrap() }
    };
    let (first, second, third) = tokio::join!(race(0), race(1), race(2));
    let outcomes = [first, second, third];
    let winners: Vec<usize> = (0..3).filter(|node| outcomes[*node] == Appended::Done).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for node in 0..3 {
        let opened = cluster.log(node).open(&topic).await.unwrap().expect("it has begun");
        assert_eq!(opened.at, start(&format!("e{}", winners[0])));
        assert_eq!(opened.snapshot, format!("{}", winners[0]));
        assert!(opened.tail.is_empty());
    }
    let again = cluster.log(1).begin(&topic, None, start("again"), "".into()).await.unwrap();
    assert_eq!(again, Appended::Moved, "there is a log");
}

async fn a_new_epoch_replaces_the_log_where_it_stands(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("epochs"));
    let absent = log.begin(&topic, Some(&start("e")), start("f"), "".into()).await.unwrap();
    assert_eq!(absent, Appended::Moved, "there is no log in whose place it could begin");
    let old = begin(&*log, &topic, 3).await;
    let wrong = LogPosition { chain: old[3].chain ^ 1, ..old[3].clone() };
    for after in [&old[2], &wrong] {
        let begun = log.begin(&topic, Some(after), start("f"), "".into()).await.unwrap();
        assert_eq!(begun, Appended::Moved, "it does not stand at {after:?}");
    }
    assert_eq!(texts(&*log, &topic, &old[2]).await, ["entry 3"]);
    let mut winners = Vec::new();
    for node in 0..3 {
        let at = LogPosition { rev: old[3].rev, ..start(&format!("f{node}")) };
        let begun = cluster.log(node).begin(&topic, Some(&old[3]), at.clone(), "new".into()).await;
        if begun.unwrap() == Appended::Done {
            winners.push(at);
        }
    }
    let [new] = &winners[..] else { panic!("one begins: {winners:?}") };
    let opened = cluster.log(1).open(&topic).await.unwrap().expect("it has begun");
    assert_eq!((&opened.at, &*opened.snapshot), (new, &b"new"[..]));
    assert!(opened.tail.is_empty(), "entries of the old epoch");
    for gone in &old {
        assert!(read_all(&*log, &topic, gone).await.is_none(), "{gone:?} is of the old epoch");
        let appended = log.append(&topic, gone, entry(gone, "old")).await.unwrap();
        assert_eq!(appended, Appended::Moved);
    }
    add(&*log, &topic, new, "of the new epoch").await;
    assert_eq!(texts(&*cluster.log(2), &topic, new).await, ["of the new epoch"]);
}

async fn reads_return_the_entries_after_a_position(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("reads"));
    assert!(matches!(log.read(&topic, &start("e")).await.unwrap(), LogTail::Gone), "there is no log");
    let positions = begin(&*log, &topic, 200).await;
    for (index, after) in positions.iter().enumerate().step_by(25) {
        let read = read_all(&*cluster.log(1), &topic, after).await.expect("it was not trimmed");
        let read: Vec<LogPosition> = read.into_iter().map(|entry| entry.at).collect();
        assert!(read == positions[index + 1..], "the entries after {after:?}");
    }
    let end = &positions[200];
    let unknown = [
        LogPosition { chain: end.chain ^ 1, ..end.clone() },
        LogPosition { chain: positions[9].chain ^ 1, ..positions[9].clone() },
        LogPosition { rev: end.rev.next(), ..end.clone() },
        LogPosition { epoch: start("f").epoch, ..positions[9].clone() },
    ];
    for after in unknown {
        assert!(read_all(&*log, &topic, &after).await.is_none(), "{after:?} is not in the log");
    }
    let opened = log.open(&topic).await.unwrap().expect("it has begun");
    let last = opened.tail.last().map(|entry| &entry.at);
    assert_eq!((opened.tail.len(), last), (200, Some(end)), "the tail is whole");
}

async fn a_snapshot_replaces_the_entries_before_it(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("snapshots"));
    let mut positions = begin(&*log, &topic, 10).await;
    for at in [4, 7, 10, 12] {
        while positions.len() <= at {
            let last = positions.last().unwrap().clone();
            positions.push(add(&*log, &topic, &last, format!("entry {}", positions.len())).await);
        }
        log.keep(&topic, &positions[at], Some(format!("state {at}").into())).await.unwrap();
        let opened = cluster.log(1).open(&topic).await.unwrap().expect("it has begun");
        assert_eq!((&opened.at, opened.snapshot), (&positions[at], format!("state {at}").into()));
        let tail: Vec<LogPosition> = opened.tail.into_iter().map(|entry| entry.at).collect();
        assert!(tail == positions[at + 1..], "the entries after the snapshot");
        assert_eq!(texts(&*log, &topic, &positions[at]).await.len(), positions.len() - 1 - at);
        for (index, before) in positions[..at].iter().enumerate() {
            // Earlier entries may be kept, but then all of them.
            if let Some(entries) = read_all(&*log, &topic, before).await {
                let read: Vec<LogPosition> = entries.into_iter().map(|entry| entry.at).collect();
                assert!(read == positions[index + 1..], "a gap after {before:?}");
            }
        }
    }
}

async fn keeping_an_unknown_or_earlier_position_changes_nothing(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("keeping"));
    log.keep(&topic, &start("e"), Some("state".into())).await.unwrap();
    assert!(log.open(&topic).await.unwrap().is_none(), "only `begin` begins a log");
    let positions = begin(&*log, &topic, 6).await;
    log.keep(&topic, &positions[4], Some("state 4".into())).await.unwrap();
    let unknown = [
        LogPosition { chain: positions[5].chain ^ 1, ..positions[5].clone() },
        LogPosition { epoch: start("f").epoch, ..positions[5].clone() },
        LogPosition { rev: positions[6].rev.next(), ..positions[6].clone() },
        positions[2].clone(),
    ];
    for at in &unknown {
        cluster.log(1).keep(&topic, at, Some("wrong".into())).await.unwrap();
    }
    for at in positions.iter().chain(&unknown) {
        log.keep(&topic, at, None).await.unwrap();
    }
    let opened = log.open(&topic).await.unwrap().expect("it has begun");
    assert_eq!((&opened.at, &*opened.snapshot), (&positions[4], &b"state 4"[..]));
    assert_eq!(texts(&*log, &topic, &positions[4]).await, ["entry 5", "entry 6"]);
    add(&*log, &topic, &positions[6], "goes on").await;
}

async fn topics_are_separate_whatever_their_names(cluster: Arc<dyn ClusterUnderTest>) {
    let tenants = [
        None,
        Some(""),
        Some("a"),
        Some("a/b"),
        Some("a:b"),
        Some("*"),
        Some("None"),
        Some("\u{0}"),
        Some("A"),
    ];
    let long = "ü".repeat(128);
    let names = [
        "c",
        "b/c",
        "b:c",
        "a/b/c",
        "a:b:c",
        "*",
        ">",
        "a.b",
        "a b",
        ".",
        "..",
        "%2F",
        "'\"`",
        "{c}",
        "C",
        "ç",
        "c\u{327}",
        "😀",
        "\\",
        "None",
        "$JS.API",
        &long,
        &long[..254],
    ];
    let ids = tenants.iter().flat_map(|tenant| {
        let of = |name: &&str| TopicId { tenant: tenant.map(Into::into), ..topic(name) };
        names.iter().map(of).collect::<Vec<_>>()
    });
    let ids: Vec<TopicId> = ids.collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), tenants.len() * names.len());
    for (number, id) in ids.iter().enumerate() {
        let log = cluster.log(number % 3);
        let begun = log.begin(id, None, start("e"), format!("{number}").into()).await.unwrap();
        assert_eq!(begun, Appended::Done, "{id:?} is another topic than those before");
        add(&*log, id, &start("e"), format!("of {number}")).await;
    }
    quiet().await;
    for (number, id) in ids.iter().enumerate() {
        let log = cluster.log((number + 1) % 3);
        let opened = log.open(id).await.unwrap().expect("it has begun");
        assert_eq!(opened.snapshot, format!("{number}"), "{id:?}");
        assert_eq!(texts(&*log, id, &start("e")).await, [format!("of {number}")], "{id:?}");
    }
}
