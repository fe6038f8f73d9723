//! Notifications of entries.

use std::sync::Arc;

use super::support::{add, begin, entry, feed, quiet, read_all, topic, until};
use super::{ClusterCase, ClusterUnderTest, cluster_cases};
use crate::cluster::TopicId;

pub(super) const CASES: &[ClusterCase] = cluster_cases![
    feeds_are_notified_of_entries_that_were_added_and_of_no_others,
    a_feed_that_was_dropped_is_not_notified,
    a_feed_looks_after_an_interruption,
];

async fn feeds_are_notified_of_entries_that_were_added_and_of_no_others(cluster: Arc<dyn ClusterUnderTest>) {
    let (topic, other) = (topic("followed"), TopicId { tenant: Some("t".into()), ..topic("followed") });
    let mut end = begin(&*cluster.log(0), &topic, 1).await.remove(1);
    let mut other_end = begin(&*cluster.log(0), &other, 0).await.remove(0);
    let (feeds, other_feed) = ([feed(), feed(), feed()], feed());
    let mut guards = Vec::new();
    for (node, feed) in feeds.iter().enumerate() {
        guards.push(cluster.log(node).follow(&topic, feed.clone()).await.unwrap());
    }
    guards.push(cluster.log(0).follow(&other, other_feed.clone()).await.unwrap());
    for number in 0..20_usize {
        // Two nodes race, and one of them loses.
        let (first, second) = (cluster.log(number % 3), cluster.log((number + 1) % 3));
        let body = if number % 4 == 3 { vec![b'x'; 20_000] } else { vec![b'x'; 3] };
        let mine = entry(&end, [&body[..], b"1"].concat());
        let theirs = entry(&end, [&body[..], b"2"].concat());
        let (one, two) = tokio::join!(
            first.append(&topic, &end, mine.clone()),
            second.append(&topic, &end, theirs.clone())
        );
        assert_ne!(one.unwrap(), two.unwrap(), "one of them is added");
        end = read_all(&*first, &topic, &end).await.unwrap().remove(0).at;
        other_end = add(&*second, &other, &other_end, "other").await;
    }
    for feed in feeds.iter().chain([&other_feed]) {
        until("a notification", || async { feed.calls() > 0 }).await;
    }
    quiet().await;
    let added = read_all(&*cluster.log(0), &topic, &super::support::start("e")).await.unwrap();
    for feed in &feeds {
        for entry in feed.entries() {
            assert!(added.contains(&entry), "{:?} was not added to the topic", entry.at);
        }
    }
    assert!(other_feed.entries().iter().all(|entry| entry.body == "other"));
}

async fn a_feed_that_was_dropped_is_not_notified(cluster: Arc<dyn ClusterUnderTest>) {
    let (log, topic) = (cluster.log(0), topic("dropped"));
    let end = begin(&*log, &topic, 0).await.remove(0);
    let (dropped, kept) = (feed(), feed());
    let guard = cluster.log(1).follow(&topic, dropped.clone()).await.unwrap();
    let _kept = cluster.log(1).follow(&topic, kept.clone()).await.unwrap();
    let end = add(&*log, &topic, &end, "before").await;
    until("a notification of both", || async { dropped.calls() > 0 && kept.calls() > 0 }).await;
    drop(guard);
    quiet().await;
    let (before, kept_before) = (dropped.calls(), kept.calls());
    add(&*log, &topic, &end, "after").await;
    until("a notification of the other feed", || async { kept.calls() > kept_before }).await;
    quiet().await;
    assert_eq!(dropped.calls(), before, "notifications after it was dropped");
}

async fn a_feed_looks_after_an_interruption(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("interrupted");
    let end = begin(&*cluster.log(0), &topic, 0).await.remove(0);
    let feed = feed();
    let _guard = cluster.log(1).follow(&topic, feed.clone()).await.unwrap();
    cluster.cut(1).await;
    quiet().await;
    add(&*cluster.log(0), &topic, &end, "missed").await;
    quiet().await;
    let before = feed.looks();
    cluster.restore(1).await;
    until("a look after the interruption", || async { feed.looks() > before }).await;
}
