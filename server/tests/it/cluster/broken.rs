//! Engines that break one rule each: exactly the checks of this rule fail.

mod bus;
mod log;
mod transaction;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use tokio::runtime::Handle;
use vivaz::DatabaseError;
use vivaz::cluster::{
    Address, Bus, BusListener, LogEntry, LogFeed, LogPosition, OpenedTopic, TopicId, TopicLog,
};
use vivaz::instance::BoxFuture;
use vivaz::testing::{ClusterTransaction, ClusterUnderTest, MemoryCluster};

use self::bus::BrokenBus;
use self::log::BrokenLog;
use super::{InMemory, TimeOfCase, all_cases};

/// The rule that an engine breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    None,
    // Logs.
    AppendComparesTheHash,
    AppendComparesTheEpoch,
    AppendIsAtomic,
    BeginCompares,
    BodiesAreWhole,
    TooLargeHasNoEffect,
    LateCallsAreSettled,
    ErrorsAreNoAbsence,
    ReadsAreWhole,
    ReadsCompareTheHash,
    TailsAreWhole,
    SnapshotsReplace,
    UnknownPositionsAreNotKept,
    TenantsAreSeparate,
    NamesAreExact,
    FeedsGetOnlyWhatWasAdded,
    FeedsAreNotified,
    FeedsEnd,
    FeedsLook,
    // Messages.
    MessagesKeepOrder,
    MessagesArriveOnce,
    NoEcho,
    AddressesAreExact,
    ListenersEnd,
    MessagesAreWhole,
    LeasesEnd,
    UnreachableIsUnknown,
    FlushFails,
    // Transactions.
    TransactionsRollBack,
    LocksHold,
    LockedTailsAreWhole,
    TransactionsCompare,
}

impl Rule {
    /// Returns which checks are run with the rule broken.
    fn time(self) -> TimeOfCase {
        match self {
            Self::TransactionsRollBack
            | Self::LocksHold
            | Self::LockedTailsAreWhole
            | Self::TransactionsCompare => TimeOfCase::Real,
            _ => TimeOfCase::Paused,
        }
    }
}

/// An engine that breaks one rule, in front of one that breaks none.
struct Broken {
    rule: Rule,
    inner: Arc<InMemory>,
    shared: Arc<Shared>,
}

/// What the nodes of a broken engine share.
#[derive(Default)]
struct Shared {
    number: AtomicU64,
    feeds: Mutex<Vec<(TopicId, Weak<FeedWithoutLooks>)>>,
    listeners: Mutex<Vec<(usize, Address, Weak<BusListener>)>>,
    held_back: Mutex<Option<(Address, Bytes)>>,
    /// Entries of transactions, by their threads.
    buffered: Mutex<Vec<(ThreadId, TopicId, LogPosition, LogEntry)>>,
}

impl ClusterUnderTest for Broken {
    fn log(&self, node: usize) -> Arc<dyn TopicLog> {
        let (rule, inner, shared) = (self.rule, self.inner.log(node), Arc::clone(&self.shared));
        Arc::new(BrokenLog { rule, inner, shared })
    }

    fn bus(&self, node: usize) -> Arc<dyn Bus> {
        let (rule, inner, shared) = (self.rule, self.inner.bus(node), Arc::clone(&self.shared));
        let all = [0, 1, 2].map(|node| self.inner.bus(node).node().clone());
        Arc::new(BrokenBus { rule, inner, shared, node, all })
    }

    fn cut(&self, node: usize) -> BoxFuture<()> {
        self.inner.cut(node)
    }

    fn restore(&self, node: usize) -> BoxFuture<()> {
        self.inner.restore(node)
    }

    fn transaction(&self, node: usize, work: ClusterTransaction) -> BoxFuture<Result<(), DatabaseError>> {
        let (shared, log, handle) = (Arc::clone(&self.shared), self.inner.log(node), Handle::current());
        self.inner.transaction(
            node,
            Box::new(move |tx| {
                work(tx)?;
                let thread = thread::current().id();
                let mut buffered = shared.buffered.lock().unwrap();
                for (_, topic, after, entry) in buffered.extract_if(.., |(of, ..)| *of == thread) {
                    let _lost = handle.block_on(log.append(&topic, &after, entry));
                }
                Ok(())
            }),
        )
    }
}

/// A feed that is not told to look.
struct FeedWithoutLooks(Arc<dyn LogFeed>);

impl LogFeed for FeedWithoutLooks {
    fn entry(&self, entry: LogEntry) {
        self.0.entry(entry);
    }

    fn look(&self) {}
}

fn end(opened: &OpenedTopic) -> LogPosition {
    opened.tail.last().map_or(&opened.at, |entry| &entry.at).clone()
}

fn lossy(bytes: &Bytes) -> Bytes {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Each rule, with the checks that fail if it is broken.
const RULES: &[(Rule, &[&str])] = &[
    (Rule::None, &[]),
    (Rule::AppendComparesTheHash, &["an_append_needs_the_position_where_the_log_stands"]),
    (Rule::AppendComparesTheEpoch, &["an_append_needs_the_position_where_the_log_stands"]),
    (
        Rule::AppendIsAtomic,
        &[
            "exactly_one_append_takes_each_revision",
            "feeds_are_notified_of_entries_that_were_added_and_of_no_others",
        ],
    ),
    (Rule::BeginCompares, &["a_log_begins_once", "a_new_epoch_replaces_the_log_where_it_stands"]),
    (Rule::BodiesAreWhole, &["entries_are_kept_byte_for_byte"]),
    (Rule::TooLargeHasNoEffect, &["an_entry_that_is_too_large_has_no_effect"]),
    (Rule::LateCallsAreSettled, &["a_call_without_an_answer_is_settled_by_the_next_one"]),
    (Rule::ErrorsAreNoAbsence, &["a_node_without_the_engine_fails_and_the_others_go_on"]),
    (
        Rule::ReadsAreWhole,
        &["exactly_one_append_takes_each_revision", "reads_return_the_entries_after_a_position"],
    ),
    (Rule::ReadsCompareTheHash, &["reads_return_the_entries_after_a_position"]),
    (Rule::TailsAreWhole, &["reads_return_the_entries_after_a_position"]),
    (
        Rule::SnapshotsReplace,
        &[
            "a_snapshot_replaces_the_entries_before_it",
            "keeping_an_unknown_or_earlier_position_changes_nothing",
        ],
    ),
    (Rule::UnknownPositionsAreNotKept, &["keeping_an_unknown_or_earlier_position_changes_nothing"]),
    (
        Rule::TenantsAreSeparate,
        &[
            "feeds_are_notified_of_entries_that_were_added_and_of_no_others",
            "topics_are_separate_whatever_their_names",
        ],
    ),
    (Rule::NamesAreExact, &["topics_are_separate_whatever_their_names"]),
    (Rule::FeedsGetOnlyWhatWasAdded, &["feeds_are_notified_of_entries_that_were_added_and_of_no_others"]),
    (
        Rule::FeedsAreNotified,
        &[
            "a_feed_looks_after_an_interruption",
            "a_feed_that_was_dropped_is_not_notified",
            "feeds_are_notified_of_entries_that_were_added_and_of_no_others",
        ],
    ),
    (Rule::FeedsEnd, &["a_feed_that_was_dropped_is_not_notified"]),
    (Rule::FeedsLook, &["a_feed_looks_after_an_interruption"]),
    (Rule::MessagesKeepOrder, &["messages_of_a_node_to_an_address_keep_their_order"]),
    (Rule::MessagesArriveOnce, &["messages_of_a_node_to_an_address_keep_their_order"]),
    (Rule::NoEcho, &["a_node_does_not_receive_its_own_messages"]),
    (Rule::AddressesAreExact, &["messages_reach_every_listener_of_their_address_and_no_other"]),
    (Rule::ListenersEnd, &["a_listener_that_was_dropped_is_not_called"]),
    (Rule::MessagesAreWhole, &["messages_are_kept_byte_for_byte"]),
    (Rule::LeasesEnd, &["nodes_are_those_with_valid_leases"]),
    (Rule::UnreachableIsUnknown, &["nodes_are_those_with_valid_leases"]),
    (Rule::FlushFails, &["a_flush_fails_without_the_engine"]),
    (
        Rule::TransactionsRollBack,
        &[
            "entries_of_a_transaction_are_added_when_it_commits",
            "entries_of_a_transaction_that_is_rolled_back_are_not_added",
            "no_entry_is_added_while_a_transaction_holds_the_topic",
            "transactions_that_lock_in_order_all_end",
        ],
    ),
    (
        Rule::LocksHold,
        &["no_entry_is_added_while_a_transaction_holds_the_topic", "transactions_that_lock_in_order_all_end"],
    ),
    (Rule::LockedTailsAreWhole, &["the_tail_under_the_lock_is_whole"]),
    (Rule::TransactionsCompare, &["a_transaction_appends_only_where_the_topic_stands"]),
];

async fn failing(rule: Rule, time: TimeOfCase) -> BTreeSet<&'static str> {
    let mut failed = BTreeSet::new();
    for (case, _) in all_cases().into_iter().filter(|(_, of)| *of == time) {
        let (inner, shared) = (InMemory::new(MemoryCluster::new()), Arc::default());
        let run = tokio::spawn(async move { case.run(Arc::new(Broken { rule, inner, shared })).await });
        if run.await.is_err() {
            failed.insert(case.name);
        }
    }
    failed
}

async fn compare(time: TimeOfCase) {
    let mut can_fail = BTreeSet::new();
    for (rule, expected) in RULES {
        if *rule != Rule::None && rule.time() != time {
            continue;
        }
        let failed = failing(*rule, time).await;
        if std::env::var_os("DISCOVER").is_some() {
            continue;
        }
        assert_eq!(failed, expected.iter().copied().collect(), "{rule:?} is broken");
        can_fail.extend(failed);
    }
    let all = all_cases().into_iter().filter(|(_, of)| *of == time).map(|(case, _)| case.name);
    assert_eq!(can_fail, all.collect(), "each check can fail");
}

#[tokio::test(start_paused = true)]
async fn each_check_of_logs_and_buses_fails_for_exactly_its_rules() {
    compare(TimeOfCase::Paused).await;
}

#[tokio::test]
async fn each_check_of_transactions_fails_for_exactly_its_rules() {
    compare(TimeOfCase::Real).await;
}
