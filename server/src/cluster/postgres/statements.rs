//! The statements of topic logs.
//!
//! All of them rely on the row of the topic: who changes it holds its lock until the transaction
//! ends.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use vivaz_databases::{DatabaseError, SqlStatement, Tx};
use vivaz_protocol::{Epoch, Rev};

use crate::cluster::{Appended, LogEntry, LogPosition, LogTail, OpenedTopic, TopicId};

/// The time for which the log of a topic is kept, in milliseconds.
pub(super) const RETENTION: u64 = 3_600_000;

/// The most entries and bytes that one call reads. The first entry may be larger.
const MOST_ENTRIES: i64 = 256;
const MOST_BYTES: i64 = 1 << 20;

/// The lock of the node that removes logs.
const SWEEP_LOCK: i64 = i64::from_be_bytes(*b"vivaztop");

/// The most logs that are removed by one transaction.
const MOST_REMOVED: i64 = 100;

/// The key of a topic in the tables.
pub(super) type TopicKey = blake3::Hash;

/// The newest position of a topic, compared only with others of the topic.
pub(super) type NewestPosition = (String, i64, i64);

/// Bytes of a row.
struct Blob(Bytes);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BlobVisitor;

        impl Visitor<'_> for BlobVisitor {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes.into()))
            }
        }
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

/// Returns the key of a topic.
pub(super) fn key(topic: &TopicId) -> TopicKey {
    let mut hash = blake3::Hasher::new();
    match &topic.tenant {
        None => hash.update(&[0]),
        // The length keeps tenant and name apart.
        Some(tenant) => {
            hash.update(&[1]).update(&(tenant.len() as u64).to_le_bytes()).update(tenant.as_bytes())
        }
    };
    hash.update(topic.name.as_str().as_bytes()).finalize()
}

/// Reads the snapshot of a topic and the entries after it.
pub(super) fn open(tx: &mut Tx, key: &TopicKey) -> Result<Option<OpenedTopic>, DatabaseError> {
    // One statement, because each statement sees another state of the tables.
    let sql = "SELECT epoch, snapshot_rev AS rev, snapshot_chain, snapshot, rev AS newest \
         FROM vivaz_topics WHERE id = ?1 UNION ALL \
         SELECT t.epoch, e.rev, e.chain, e.body, t.rev FROM vivaz_topics t \
         JOIN vivaz_entries e ON e.topic = t.id AND e.rev > t.snapshot_rev WHERE t.id = ?1 ORDER BY 2";
    let rows: Vec<(String, i64, i64, Blob, i64)> = tx.query(sql, [&key.as_bytes()[..]])?;
    let newest = rows.first().map(|row| row.4);
    let mut entries = Vec::with_capacity(rows.len());
    for (epoch, rev, chain, Blob(body), _) in rows {
        let epoch = Epoch::new(&epoch).map_err(|error| DatabaseError::Corrupt(error.to_string()))?;
        entries.push(LogEntry { at: position(epoch, rev, chain), body });
    }
    let revs = || entries.iter().map(|entry| entry.at.rev);
    let has_gap = revs().zip(revs().skip(1)).any(|(one, next)| one.next() != next);
    if has_gap || revs().last().map(|rev| rev.0.cast_signed()) != newest {
        return Err(DatabaseError::Corrupt("entries of a topic are missing".into()));
    }
    let mut entries = entries.into_iter();
    Ok(entries.next().map(|LogEntry { at, body: snapshot }| OpenedTopic {
        at,
        snapshot,
        tail: entries.collect(),
    }))
}

fn position(epoch: Epoch, rev: i64, chain: i64) -> LogPosition {
    LogPosition { epoch, rev: Rev(rev.cast_unsigned()), chain: chain.cast_unsigned() }
}

/// Begins a log in place of the one at `after`.
pub(super) fn begin(
    tx: &mut Tx,
    topic: &TopicId,
    after: Option<&LogPosition>,
    at: &LogPosition,
    snapshot: &[u8],
) -> Result<Appended, DatabaseError> {
    let key = key(topic);
    let id = &key.as_bytes()[..];
    let (epoch, rev, chain) = (at.epoch.as_str(), at.rev.0.cast_signed(), at.chain.cast_signed());
    let kept = RETENTION.cast_signed();
    let Some(after) = after else {
        let sql = "INSERT INTO vivaz_topics (id, tenant, name, epoch, rev, chain, snapshot_rev, snapshot_chain, \
             snapshot, kept_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?6, ?7, vivaz_now(NULL) + ?8::bigint) \
             ON CONFLICT (id) DO NOTHING";
        let tenant = topic.tenant.as_ref().map(|tenant| tenant.as_bytes());
        let name = topic.name.as_str().as_bytes();
        return Ok(appended(tx.execute(sql, (id, tenant, name, epoch, rev, chain, snapshot, kept))?));
    };
    let sql = "UPDATE vivaz_topics SET epoch = ?5, rev = ?6, chain = ?7, snapshot_rev = ?6, snapshot_chain = ?7, \
         snapshot = ?8, kept_until = vivaz_now(NULL) + ?9::bigint \
         WHERE id = ?1 AND epoch = ?2 AND rev = ?3 AND chain = ?4";
    let (old_rev, old_chain) = (after.rev.0.cast_signed(), after.chain.cast_signed());
    let params = (id, after.epoch.as_str(), old_rev, old_chain, epoch, rev, chain, snapshot, kept);
    let begun = appended(tx.execute(sql, params)?);
    if begun == Appended::Done {
        tx.execute("DELETE FROM vivaz_entries WHERE topic = ?1", [id])?;
    }
    Ok(begun)
}

/// Adds an entry if the log stands at `after`. A statement that waits for the row of the topic sees
/// its newest version then.
pub(super) fn append(
    tx: &mut Tx,
    key: &TopicKey,
    after: &LogPosition,
    entry: &LogEntry,
) -> Result<Appended, DatabaseError> {
    let sql = "WITH moved AS (UPDATE vivaz_topics SET rev = ?5::bigint, chain = ?6::bigint \
         WHERE id = ?1 AND epoch = ?2 AND rev = ?3 AND chain = ?4 RETURNING id) \
         INSERT INTO vivaz_entries (topic, rev, chain, body) \
         SELECT id, ?5::bigint, ?6::bigint, ?7::bytea FROM moved";
    let params = (
        &key.as_bytes()[..],
        after.epoch.as_str(),
        after.rev.0.cast_signed(),
        after.chain.cast_signed(),
        entry.at.rev.0.cast_signed(),
        entry.at.chain.cast_signed(),
        &entry.body[..],
    );
    Ok(appended(tx.execute(sql, params)?))
}

fn appended(changed: u64) -> Appended {
    if changed == 1 { Appended::Done } else { Appended::Moved }
}

/// Reads entries after a position, at most [`MOST_ENTRIES`] and about [`MOST_BYTES`].
pub(super) fn read(tx: &mut Tx, key: &TopicKey, after: &LogPosition) -> Result<LogTail, DatabaseError> {
    read_up_to(tx, key, after, MOST_ENTRIES, MOST_BYTES)
}

/// Locks the row of a topic until the transaction ends, and reads all entries after a position.
pub(super) fn lock(tx: &mut Tx, key: &TopicKey, after: &LogPosition) -> Result<LogTail, DatabaseError> {
    let lock = "SELECT 1 FROM vivaz_topics WHERE id = ?1 FOR UPDATE";
    if tx.query_first::<i64>(lock, [&key.as_bytes()[..]])?.is_none() {
        return Ok(LogTail::Gone);
    }
    read_up_to(tx, key, after, i64::MAX, i64::MAX)
}

fn read_up_to(
    tx: &mut Tx,
    key: &TopicKey,
    after: &LogPosition,
    entries: i64,
    bytes: i64,
) -> Result<LogTail, DatabaseError> {
    // No row: the position is not in the log. One row of NULLs: no entries follow it.
    let sql = "SELECT e.rev, e.chain, e.body FROM vivaz_topics t LEFT JOIN LATERAL ( \
             SELECT rev, chain, body, sum(length(body)) OVER (ORDER BY rev) - length(body) AS before \
             FROM (SELECT rev, chain, body FROM vivaz_entries WHERE topic = ?1 AND rev > ?3 \
                   ORDER BY rev LIMIT ?5::bigint) AS next \
         ) e ON e.before < ?6::bigint \
         WHERE t.id = ?1 AND t.epoch = ?2 AND (t.snapshot_rev = ?3 AND t.snapshot_chain = ?4 OR EXISTS ( \
             SELECT FROM vivaz_entries k WHERE k.topic = ?1 AND k.rev = ?3 AND k.chain = ?4)) ORDER BY e.rev";
    let (rev, chain) = (after.rev.0.cast_signed(), after.chain.cast_signed());
    let params = (&key.as_bytes()[..], after.epoch.as_str(), rev, chain, entries, bytes);
    let rows: Vec<(Option<i64>, Option<i64>, Option<Blob>)> = tx.query(sql, params)?;
    if rows.is_empty() {
        return Ok(LogTail::Gone);
    }
    let mut tail = Vec::with_capacity(rows.len());
    for row in rows {
        if let (Some(rev), Some(chain), Some(Blob(body))) = row {
            tail.push(LogEntry { at: position(after.epoch.clone(), rev, chain), body });
        }
    }
    Ok(LogTail::Entries(tail))
}

/// Reads the newest positions of topics. Those without a log are missing.
pub(super) fn newest(
    tx: &mut Tx,
    topics: &[TopicKey],
) -> Result<HashMap<TopicKey, NewestPosition>, DatabaseError> {
    let sql = "SELECT encode(id, 'hex'), epoch, rev, chain FROM vivaz_topics WHERE id IN \
         (SELECT decode(key, 'hex') FROM jsonb_array_elements_text(?1::jsonb) AS each (key))";
    let keys: Vec<_> = topics.iter().map(|topic| topic.to_hex().to_string()).collect();
    let keys = serde_json::to_string(&keys).map_err(DatabaseError::failed)?;
    let rows: Vec<(String, String, i64, i64)> = tx.query(sql, [keys])?;
    let read = |(key, epoch, rev, chain): (String, String, i64, i64)| {
        let key = TopicKey::from_hex(&key).map_err(|error| DatabaseError::Corrupt(error.to_string()))?;
        Ok((key, (epoch, rev, chain)))
    };
    rows.into_iter().map(read).collect()
}

/// Keeps the log of a topic. A new snapshot removes the entries before the previous one: a node
/// that is a few entries behind still finds those that it needs.
pub(super) fn keep(
    tx: &mut Tx,
    key: &TopicKey,
    at: &LogPosition,
    snapshot: Option<&[u8]>,
) -> Result<(), DatabaseError> {
    let id = &key.as_bytes()[..];
    let (rev, chain, kept) = (at.rev.0.cast_signed(), at.chain.cast_signed(), RETENTION.cast_signed());
    let sql = "SELECT snapshot_rev FROM vivaz_topics WHERE id = ?1 AND epoch = ?2 \
         AND (snapshot_rev = ?3 AND snapshot_chain = ?4 OR EXISTS ( \
             SELECT FROM vivaz_entries k WHERE k.topic = ?1 AND k.rev = ?3 AND k.chain = ?4)) FOR UPDATE";
    let Some(previous) = tx.query_first::<i64>(sql, (id, at.epoch.as_str(), rev, chain))? else {
        return Ok(());
    };
    let sql = "UPDATE vivaz_topics SET kept_until = vivaz_now(NULL) + ?2::bigint WHERE id = ?1";
    let mut statements = vec![SqlStatement::new(sql, (id, kept))];
    if let Some(snapshot) = snapshot.filter(|_| previous < rev) {
        let sql =
            "UPDATE vivaz_topics SET snapshot_rev = ?2, snapshot_chain = ?3, snapshot = ?4 WHERE id = ?1";
        statements.push(SqlStatement::new(sql, (id, rev, chain, snapshot)));
        let sql = "DELETE FROM vivaz_entries WHERE topic = ?1 AND rev < ?2";
        statements.push(SqlStatement::new(sql, (id, previous)));
    }
    tx.batch(statements)?;
    Ok(())
}

/// Removes logs that no node has kept, unless another node does so.
pub(super) fn remove_old(tx: &mut Tx) -> Result<(), DatabaseError> {
    let lock = "SELECT pg_try_advisory_xact_lock(?1::bigint)";
    if tx.query_first::<bool>(lock, [SWEEP_LOCK])? != Some(true) {
        return Ok(());
    }
    // The rows stay locked, so that no entry is added between the statements.
    let sql = "SELECT id FROM vivaz_topics WHERE kept_until <= (SELECT vivaz_now(NULL)) \
         ORDER BY kept_until LIMIT ?1::bigint FOR UPDATE SKIP LOCKED";
    let old: Vec<Blob> = tx.query(sql, [MOST_REMOVED])?;
    for Blob(id) in &old {
        tx.batch([
            SqlStatement::new("DELETE FROM vivaz_topics WHERE id = ?1", [&id[..]]),
            SqlStatement::new("DELETE FROM vivaz_entries WHERE topic = ?1", [&id[..]]),
        ])?;
    }
    Ok(())
}
