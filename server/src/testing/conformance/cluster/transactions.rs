//! The log inside of a transaction.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use vivaz_databases::{DatabaseError, Tx};

use super::support::{add, begin, entry, feed, quiet, read_all, start, texts, topic, until};
use super::{ClusterCase, ClusterUnderTest, cluster_cases};
use crate::cluster::{Appended, LogEntry, LogInTransaction, LogPosition, LogTail, TopicId, TopicLog};

pub(super) const CASES: &[ClusterCase] = cluster_cases![
    entries_of_a_transaction_are_added_when_it_commits,
    entries_of_a_transaction_that_is_rolled_back_are_not_added,
    no_entry_is_added_while_a_transaction_holds_the_topic,
    the_tail_under_the_lock_is_whole,
    a_transaction_appends_only_where_the_topic_stands,
    transactions_that_lock_in_order_all_end,
];

/// Ends a transaction: `Ok` commits it.
type TransactionEnd = Result<(), DatabaseError>;

/// A transaction that has done its work and waits for its ending.
struct OpenTransaction {
    end: mpsc::Sender<TransactionEnd>,
    result: JoinHandle<Result<(), DatabaseError>>,
}

impl OpenTransaction {
    async fn end(self, ending: TransactionEnd) -> Result<(), DatabaseError> {
        self.end.send(ending).unwrap();
        self.result.await.unwrap()
    }
}

/// Begins a transaction, and returns after its work.
async fn transaction(
    cluster: &Arc<dyn ClusterUnderTest>,
    work: impl FnOnce(&mut dyn LogInTransaction) + Send + 'static,
) -> OpenTransaction {
    let (done, is_done) = oneshot::channel();
    let (end, ending) = mpsc::channel::<TransactionEnd>();
    let log = cluster.log(0);
    let run = cluster.transaction(
        0,
        Box::new(move |tx: &mut Tx| {
            work(&mut *in_transaction(&*log, tx));
            done.send(()).unwrap();
            // The check has failed if it has dropped the other end.
            ending.recv_timeout(Duration::from_secs(60)).map_err(DatabaseError::failed)?
        }),
    );
    let result = tokio::spawn(run);
    is_done.await.expect("the work does not panic");
    OpenTransaction { end, result }
}

fn in_transaction<'tx>(log: &dyn TopicLog, tx: &'tx mut Tx) -> Box<dyn LogInTransaction + 'tx> {
    log.in_transaction(tx).expect("the transaction is one of the engine")
}

fn failure() -> DatabaseError {
    DatabaseError::failed("rolled back by the check")
}

/// Locks a topic and adds two entries. Returns the positions of both.
fn add_two(log: &mut dyn LogInTransaction, topic: &TopicId, after: &LogPosition) -> [LogPosition; 2] {
    assert!(matches!(log.lock(topic, after).unwrap(), LogTail::Entries(tail) if tail.is_empty()));
    let first = entry(after, "first");
    let second = entry(&first.at, "second");
    let positions = [first.at.clone(), second.at.clone()];
    assert_eq!(log.append(topic, after, first).unwrap(), Appended::Done);
    assert_eq!(log.append(topic, &positions[0], second).unwrap(), Appended::Done);
    positions
}

async fn entries_of_a_transaction_are_added_when_it_commits(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("committed");
    let end = begin(&*cluster.log(0), &topic, 1).await.remove(1);
    let feed = feed();
    let _guard = cluster.log(1).follow(&topic, feed.clone()).await.unwrap();
    let (of, after) = (topic.clone(), end.clone());
    let open = transaction(&cluster, move |log| {
        add_two(log, &of, &after);
    })
    .await;
    quiet().await;
    assert_eq!(texts(&*cluster.log(1), &topic, &end).await, [""; 0], "it has not committed");
    assert_eq!(feed.entries(), [], "it has not committed");
    open.end(Ok(())).await.unwrap();
    assert_eq!(texts(&*cluster.log(1), &topic, &end).await, ["first", "second"]);
    until("a notification", || async { feed.calls() > 0 }).await;
}

async fn entries_of_a_transaction_that_is_rolled_back_are_not_added(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("rolled back");
    let end = begin(&*cluster.log(0), &topic, 1).await.remove(1);
    let feed = feed();
    let _guard = cluster.log(1).follow(&topic, feed.clone()).await.unwrap();
    let (of, after) = (topic.clone(), end.clone());
    let open = transaction(&cluster, move |log| {
        add_two(log, &of, &after);
    })
    .await;
    assert!(open.end(Err(failure())).await.is_err());
    quiet().await;
    assert_eq!(texts(&*cluster.log(1), &topic, &end).await, [""; 0], "it was rolled back");
    assert_eq!(feed.entries(), [], "it was rolled back");
    // The lock is gone with the transaction.
    add(&*cluster.log(1), &topic, &end, "next").await;
}

async fn no_entry_is_added_while_a_transaction_holds_the_topic(cluster: Arc<dyn ClusterUnderTest>) {
    let (topic, free) = (topic("held"), topic("free"));
    let mut end = begin(&*cluster.log(0), &topic, 1).await.remove(1);
    let free_end = begin(&*cluster.log(0), &free, 0).await.remove(0);
    for commits in [true, false] {
        let (of, after) = (topic.clone(), end.clone());
        let (added, positions) = oneshot::channel();
        let open = transaction(&cluster, move |log| {
            added.send(add_two(log, &of, &after)).unwrap();
        })
        .await;
        let plain = entry(&end, "plain");
        let (log, of, after, sent) = (cluster.log(1), topic.clone(), end.clone(), plain.clone());
        let append = tokio::spawn(async move { log.append(&of, &after, sent).await });
        quiet().await;
        assert_eq!(texts(&*cluster.log(2), &topic, &end).await, [""; 0], "a transaction holds the topic");
        if commits {
            add(&*cluster.log(1), &free, &free_end, "other topics go on").await;
        }
        let ending = if commits { Ok(()) } else { Err(failure()) };
        assert_eq!(open.end(ending).await.is_ok(), commits);
        let mut appended = append.await.unwrap().unwrap();
        if !commits && appended == Appended::Moved {
            // The engine did not wait; now nothing is in the way.
            appended = cluster.log(1).append(&topic, &end, plain.clone()).await.unwrap();
        }
        let expected = if commits { Appended::Moved } else { Appended::Done };
        assert_eq!(appended, expected, "the transaction came first");
        let added = texts(&*cluster.log(2), &topic, &end).await;
        if commits {
            assert_eq!(added, ["first", "second"]);
            end = positions.await.unwrap()[1].clone();
        } else {
            assert_eq!(added, ["plain"]);
            end = plain.at;
        }
    }
}

async fn the_tail_under_the_lock_is_whole(cluster: Arc<dyn ClusterUnderTest>) {
    let (topic, none) = (topic("tail"), topic("without a log"));
    let positions = begin(&*cluster.log(1), &topic, 200).await;
    let wrong = LogPosition { chain: positions[7].chain ^ 1, ..positions[7].clone() };
    let of = topic.clone();
    let known = positions.clone();
    let open = transaction(&cluster, move |log| {
        for index in [0, 5, 199, 200] {
            let LogTail::Entries(tail) = log.lock(&of, &known[index]).unwrap() else {
                panic!("the position is in the log")
            };
            let tail: Vec<LogPosition> = tail.into_iter().map(|entry: LogEntry| entry.at).collect();
            assert!(tail == known[index + 1..], "the entries after {:?}", known[index]);
        }
        assert!(matches!(log.lock(&of, &wrong).unwrap(), LogTail::Gone), "it is not in the log");
        assert!(matches!(log.lock(&none, &start("e")).unwrap(), LogTail::Gone), "there is no log");
        let last = entry(&known[200], "last");
        assert_eq!(log.append(&of, &known[200], last).unwrap(), Appended::Done);
    })
    .await;
    open.end(Ok(())).await.unwrap();
    assert_eq!(texts(&*cluster.log(1), &topic, &positions[200]).await, ["last"]);
}

async fn a_transaction_appends_only_where_the_topic_stands(cluster: Arc<dyn ClusterUnderTest>) {
    let topic = topic("moved");
    let positions = begin(&*cluster.log(1), &topic, 3).await;
    let (of, known) = (topic.clone(), positions.clone());
    let open = transaction(&cluster, move |log| {
        log.lock(&of, &known[1]).unwrap();
        let wrong = LogPosition { chain: known[3].chain ^ 1, ..known[3].clone() };
        for after in [&known[1], &known[2], &wrong] {
            let appended = log.append(&of, after, entry(after, "wrong")).unwrap();
            assert_eq!(appended, Appended::Moved, "it does not stand at {after:?}");
        }
        assert_eq!(log.append(&of, &known[3], entry(&known[3], "right")).unwrap(), Appended::Done);
        let appended = log.append(&of, &known[3], entry(&known[3], "again")).unwrap();
        assert_eq!(appended, Appended::Moved, "its own entry came first");
    })
    .await;
    open.end(Ok(())).await.unwrap();
    assert_eq!(texts(&*cluster.log(2), &topic, &positions[3]).await, ["right"]);
}

/// Adds an entry to a topic after all that it has.
fn add_last(log: &mut dyn LogInTransaction, topic: &TopicId, tail: LogTail, body: &str) {
    let LogTail::Entries(tail) = tail else { panic!("the position is in the log") };
    let after = tail.last().map_or_else(|| start("e"), |last| last.at.clone());
    let appended = log.append(topic, &after, entry(&after, body.to_owned())).unwrap();
    assert_eq!(appended, Appended::Done, "no entry is added under the lock");
}

async fn transactions_that_lock_in_order_all_end(cluster: Arc<dyn ClusterUnderTest>) {
    let topics = [topic("one"), topic("two")];
    for topic in &topics {
        begin(&*cluster.log(0), topic, 0).await;
    }
    let mut transactions = JoinSet::new();
    for number in 0..24 {
        let (cluster, topics) = (Arc::clone(&cluster), topics.clone());
        transactions.spawn(async move {
            let log = cluster.log(number % 3);
            let work = move |tx: &mut Tx| {
                let mut log = in_transaction(&*log, tx);
                let tails = topics.each_ref().map(|topic| log.lock(topic, &start("e")).unwrap());
                // Gives other transactions the time to come between.
                std::thread::sleep(Duration::from_millis(5));
                for (topic, tail) in topics.iter().zip(tails) {
                    add_last(&mut *log, topic, tail, &format!("{number}"));
                }
                Ok(())
            };
            cluster.transaction(number % 3, Box::new(work)).await.unwrap();
        });
    }
    transactions.join_all().await;
    let log = cluster.log(1);
    let [one, two] = &topics;
    let first = texts(&*log, one, &start("e")).await;
    assert_eq!(first.len(), 24);
    assert_eq!(first, texts(&*log, two, &start("e")).await, "one order for both topics");
    assert!(read_all(&*log, one, &start("f")).await.is_none());
}
