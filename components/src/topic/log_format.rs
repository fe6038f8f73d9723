//! The bytes of a topic's log: entries and snapshots, both in JSON.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vivaz_protocol::{Author, Epoch, Ref, Rev, SessionId};

use super::operations::SavedOperations;
use crate::cluster::{LogEntry, LogPosition};
use crate::error::Result;
use crate::event::ServerEvent;
use crate::journal::{MessageId, OperationId};

/// The content of an entry, as it is written.
#[derive(Serialize, Deserialize)]
struct EntryJson<'a> {
    #[serde(borrow)]
    patch: &'a RawValue,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by: Vec<String>,
    /// Session, reference, number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<(Cow<'a, str>, u64, u32)>,
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    events: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// A snapshot, as it is written.
#[derive(Serialize, Deserialize)]
struct SnapshotJson<'a> {
    #[serde(borrow)]
    fields: &'a RawValue,
    operations: Vec<SavedOperations>,
}

/// The content of an entry.
#[derive(Debug)]
pub(super) struct EntryContent {
    /// The patch object.
    pub(super) patch: String,
    /// The messages that caused the changes.
    pub(super) by: Vec<Author>,
    pub(super) operations: Vec<OperationId>,
    /// Events for the subscribers, which follow the patch.
    pub(super) events: Vec<ServerEvent>,
}

/// The content of a snapshot.
pub(super) struct SnapshotContent {
    /// The fields that are not computed, as an object.
    pub(super) fields: String,
    pub(super) operations: Vec<SavedOperations>,
}

impl EntryContent {
    /// Returns the bytes.
    ///
    /// # Errors
    /// Returns an error if the patch is not JSON.
    pub(super) fn write(&self) -> Result<Bytes> {
        let operations = self.operations.iter().map(|OperationId { message, number }| {
            (Cow::Borrowed(message.session.as_str()), message.reference.get(), *number)
        });
        let events = self.events.iter().map(|event| (Cow::Borrowed(&*event.name), &*event.data));
        let entry = EntryJson {
            patch: serde_json::from_str(&self.patch)?,
            by: self.by.iter().map(ToString::to_string).collect(),
            operations: operations.collect(),
            events: events.collect(),
        };
        Ok(serde_json::to_vec(&entry)?.into())
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Returns an error if the bytes are not an entry.
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        let EntryJson { patch, by, operations, events } = serde_json::from_slice(body)?;
        let operations = operations.into_iter().map(|(session, reference, number)| {
            let (session, reference) = (SessionId::new(&session)?, Ref::new(reference)?);
            Ok(OperationId { message: MessageId { session, reference }, number })
        });
        let events = events.into_iter();
        Ok(Self {
            patch: patch.get().to_owned(),
            by: by.iter().map(|author| Ok(Author::parse(author)?)).collect::<Result<_>>()?,
            operations: operations.collect::<Result<_>>()?,
            events: events
                .map(|(name, data)| ServerEvent { name: name.into(), data: data.to_owned().into() })
                .collect(),
        })
    }
}

impl SnapshotContent {
    /// Returns the bytes.
    ///
    /// # Errors
    /// Returns an error if the fields are not JSON.
    pub(super) fn write(self) -> Result<Bytes> {
        let fields = serde_json::from_str(&self.fields)?;
        Ok(serde_json::to_vec(&SnapshotJson { fields, operations: self.operations })?.into())
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// Returns an error if the bytes are not a snapshot.
    pub(super) fn read(snapshot: &[u8]) -> Result<Self> {
        let SnapshotJson { fields, operations } = serde_json::from_slice(snapshot)?;
        Ok(Self { fields: fields.get().to_owned(), operations })
    }
}

impl LogPosition {
    /// Returns the position at which a log of a new epoch begins.
    pub(super) fn beginning(epoch: Epoch, rev: Rev) -> Self {
        let chain = chain_of(&[epoch.as_str().as_bytes()]);
        Self { epoch, rev, chain }
    }

    /// Returns the position after an entry with that body.
    pub(super) fn after(&self, body: &[u8]) -> Self {
        let rev = self.rev.next();
        let chain = chain_of(&[&self.chain.to_le_bytes(), &rev.0.to_le_bytes(), body]);
        Self { epoch: self.epoch.clone(), rev, chain }
    }
}

impl LogEntry {
    /// Returns the entry with that body after a position.
    pub(super) fn after(at: &LogPosition, body: Bytes) -> Self {
        Self { at: at.after(&body), body }
    }

    /// Returns whether this is the entry directly after a position.
    pub(super) fn is_after(&self, at: &LogPosition) -> bool {
        at.after(&self.body) == self.at
    }
}

/// Returns the first eight bytes of the BLAKE3 hash. It detects lost entries, not forged ones, so
/// it has no key, and every build of a program computes the same.
fn chain_of(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    parts.iter().for_each(|part| _ = hasher.update(part));
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}
