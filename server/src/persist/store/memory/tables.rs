//! The content of a store in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, Weak};

use vivaz_protocol::SessionId;

use crate::persist::store::clock::millis;
use crate::persist::store::{
    Fence, HolderStatus, Owner, ReleaseListener, Secrets, SessionProgress, SessionState, Snapshot,
    SnapshotHead, StoredComponent, TOMBSTONE, WriteRefusal,
};

/// The content of the store.
#[derive(Debug, Default)]
pub(super) struct MemoryTables {
    pub(super) sessions: HashMap<SessionId, MemorySession>,
    pub(super) leases: HashMap<String, Lease>,
    pub(super) tombstones: HashMap<SessionId, Tombstone>,
    /// The running processes.
    pub(super) processes: HashMap<String, ReleaseListener>,
}

/// A stored session. Times are in milliseconds of store time.
#[derive(Debug, Default)]
pub(super) struct MemorySession {
    pub(super) owner: Owner,
    pub(super) secrets: Secrets,
    pub(super) progress: SessionProgress,
    /// In milliseconds.
    pub(super) good_for: u64,
    pub(super) holder: String,
    pub(super) fence: Fence,
    /// Whether the holder has released the session.
    pub(super) is_released: bool,
    /// The time when the session expires; `None` while the holder's lease is valid.
    pub(super) ends: Option<u64>,
    pub(super) exact: bool,
    pub(super) components: BTreeMap<String, StoredComponent>,
    pub(super) aside: Vec<StoredComponent>,
    pub(super) replies: BTreeMap<u64, String>,
}

/// The lease of a process. Times are in milliseconds of store time.
#[derive(Debug)]
pub(super) struct Lease {
    /// The time since which the lease has been valid without a gap.
    pub(super) since: u64,
    pub(super) length: u64,
    pub(super) ends: u64,
}

/// The record of an ended session.
#[derive(Debug)]
pub(super) struct Tombstone {
    /// The time when the tombstone expires, in milliseconds of store time.
    pub(super) until: u64,
    /// The process that held the session and has not deleted it since.
    pub(super) unnotified: Option<String>,
}

impl MemoryTables {
    /// Returns a session for writing.
    ///
    /// # Errors
    /// Returns the reason why `by` may not write the session with this fence.
    pub(super) fn held(
        &mut self,
        session: &SessionId,
        by: &str,
        fence: Fence,
    ) -> Result<&mut MemorySession, WriteRefusal> {
        if self.tombstones.contains_key(session) {
            return Err(WriteRefusal::Ended);
        }
        let row = self.sessions.get_mut(session).ok_or(WriteRefusal::Absent)?;
        fence.check(by, row.fence, &row.holder)?;
        Ok(row)
    }

    /// Returns how the holder of a session stands at this time.
    pub(super) fn status(&self, row: &MemorySession, now: u64) -> HolderStatus {
        if row.is_released {
            HolderStatus::Released
        } else if self.processes.contains_key(&row.holder)
            && self.leases.get(&row.holder).is_some_and(|lease| lease.ends > now)
        {
            HolderStatus::Running
        } else {
            HolderStatus::Gone
        }
    }

    pub(super) fn save(&mut self, by: &str, snapshot: Snapshot) -> Result<(), WriteRefusal> {
        let row = self.held(&snapshot.session, by, snapshot.fence)?;
        let has = |id: &str, epoch: &str| row.components.get(id).is_some_and(|one| one.epoch == epoch);
        if !snapshot.components.iter().all(|state| has(state.id.as_str(), &state.epoch)) {
            return Err(WriteRefusal::Absent);
        }
        row.take_head(snapshot.head);
        for state in snapshot.components {
            if let Some(component) = row.components.get_mut(state.id.as_str()) {
                component.set(state);
            }
        }
        Ok(())
    }

    pub(super) fn save_whole(&mut self, by: &str, whole: SessionState) -> Result<(), WriteRefusal> {
        let SessionState { session, fence, head, components, moving, aside } = whole;
        let row = match self.held(&session, by, fence) {
            Ok(row) => row,
            Err(WriteRefusal::Absent) => self.insert(session, by, fence),
            Err(refusal) => return Err(refusal),
        };
        row.take_head(head);
        row.aside = aside;
        let stays = |id: &str| {
            components.iter().any(|one| one.id == id) || moving.iter().any(|one| one.as_str() == id)
        };
        row.components.retain(|id, _| stays(id));
        for component in components {
            let is_newer =
                row.components.get(&component.id).is_some_and(|one| one.version > component.version);
            if !is_newer {
                row.components.insert(component.id.clone(), component);
            }
        }
        Ok(())
    }

    /// Returns the row of a session that `by` holds with this fence. Inserts it if there is none.
    pub(super) fn insert(&mut self, session: SessionId, by: &str, fence: Fence) -> &mut MemorySession {
        let row = self.sessions.entry(session).or_default();
        if row.fence != fence || row.holder != by {
            row.hold(by, fence);
        }
        row
    }

    /// Removes a session and leaves a tombstone.
    pub(super) fn end(&mut self, session: SessionId, now: u64, by: Option<&str>) {
        let holder = self.sessions.remove(&session).map(|row| row.holder);
        let unnotified = holder
            .or_else(|| self.tombstones.remove(&session)?.unnotified)
            .filter(|holder| by != Some(holder.as_str()));
        self.tombstones.insert(session, Tombstone { until: now + millis(TOMBSTONE), unnotified });
    }
}

/// The registration of a process. It ends when this is dropped.
pub(super) struct MemoryProcess {
    pub(super) tables: Weak<Mutex<MemoryTables>>,
    pub(super) name: String,
}

impl Drop for MemoryProcess {
    fn drop(&mut self) {
        if let Some(tables) = self.tables.upgrade() {
            tables.lock().unwrap_or_else(PoisonError::into_inner).processes.remove(&self.name);
        }
    }
}

impl MemorySession {
    pub(super) fn hold(&mut self, by: &str, fence: Fence) {
        by.clone_into(&mut self.holder);
        self.fence = fence;
        self.is_released = false;
        self.ends = None;
    }

    pub(super) fn take_head(&mut self, head: SnapshotHead) {
        if head.secrets.generation >= self.secrets.generation {
            self.secrets = head.secrets;
        }
        self.owner = head.owner;
        self.replies.retain(|reference, _| !head.progress.covers(*reference));
        self.progress = head.progress;
        self.good_for = millis(head.good_for);
        self.ends = None;
        self.exact = false;
    }
}
