//! A store in memory: for tests, and for several runtimes in one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::{
    Change, Commit, CommitError, Owner, Progress, Seconds, Secrets, SessionStore, Snapshot, StoreError,
    StoredComponent, StoredReply, StoredSession, Written,
};

/// Keeps sessions in memory. Clones share what they keep: a runtime that is given one takes over from the runtime that
/// had another before, as a new process takes over from an old one with a store on disk.
///
/// It has no database: `cx.commit` and transactions fail.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<HashMap<SessionId, Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    owner: Owner,
    secrets: Secrets,
    progress: Progress,
    expires: Seconds,
    process: String,
    exact: bool,
    components: BTreeMap<String, StoredComponent>,
    replies: BTreeMap<u64, String>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many sessions it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<T> {
    Box::pin(std::future::ready(value))
}

impl SessionStore for MemoryStore {
    fn load(
        &self,
        session: &SessionId,
        now: Seconds,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let mut sessions = self.lock();
        let loaded = sessions.get_mut(session).filter(|kept| now < kept.expires).map(|kept| StoredSession {
            owner: kept.owner.clone(),
            secrets: kept.secrets.clone(),
            progress: kept.progress.clone(),
            components: kept.components.values().cloned().collect(),
            replies: kept
                .replies
                .iter()
                .map(|(reference, body)| StoredReply { reference: *reference, body: body.clone() })
                .collect(),
            exact: std::mem::take(&mut kept.exact),
        });
        ready(Ok(loaded))
    }

    fn save(&self, snapshots: Vec<Snapshot>) -> BoxFuture<Result<(), StoreError>> {
        let mut sessions = self.lock();
        for snapshot in snapshots {
            let kept = sessions.entry(snapshot.session).or_default();
            if snapshot.secrets.generation >= kept.secrets.generation {
                kept.secrets = snapshot.secrets;
            }
            kept.owner = snapshot.owner;
            kept.progress = snapshot.progress;
            kept.expires = snapshot.expires;
            kept.process = snapshot.process;
            kept.exact = false;
            kept.replies.retain(|reference, _| *reference > snapshot.received);
            for state in snapshot.components {
                let component = kept.components.get_mut(state.id.as_str());
                if let Some(component) = component.filter(|one| one.epoch == state.epoch) {
                    component.state = state.state;
                    component.rev = state.rev;
                }
            }
        }
        ready(Ok(()))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let Commit { session, received, write, publish } = commit;
        let mut sessions = self.lock();
        let Written { change, reply } = match write(&()) {
            Ok(written) => written,
            Err(error) => return ready(Err(CommitError::Work(error))),
        };
        let kept = match change {
            Change::Mounted { component, owner, secrets, expires, process } => {
                let kept = sessions.entry(session).or_insert_with(|| Kept {
                    owner,
                    secrets,
                    expires,
                    process,
                    ..Kept::default()
                });
                kept.components.insert(component.id.clone(), *component);
                kept
            }
            Change::Changed { state, from, settled } => {
                let kept = sessions.get_mut(&session);
                let found = kept.and_then(|kept| {
                    let component = kept.components.get_mut(state.id.as_str())?;
                    (component.version == from).then_some(())?;
                    component.state = state.state;
                    component.epoch = state.epoch;
                    component.rev = state.rev;
                    component.version += 1;
                    component.settled = component.settled.max(settled);
                    Some(kept)
                });
                match found {
                    Some(kept) => kept,
                    None => return ready(Err(CommitError::Conflict)),
                }
            }
            Change::Removed { id } => {
                let Some(kept) = sessions.get_mut(&session) else { return ready(Ok(())) };
                kept.components.remove(id.as_str());
                kept
            }
        };
        kept.replies.retain(|reference, _| *reference > received);
        if let Some(StoredReply { reference, body }) = reply {
            kept.replies.insert(reference, body);
        }
        publish();
        ready(Ok(()))
    }

    fn renew(&self, session: &SessionId, secrets: Secrets) -> BoxFuture<Result<(), StoreError>> {
        if let Some(kept) = self.lock().get_mut(session)
            && secrets.generation >= kept.secrets.generation
        {
            kept.secrets = secrets;
        }
        ready(Ok(()))
    }

    fn of_user(&self, user: &str) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let sessions = self.lock();
        let theirs = sessions.iter().filter(|(_, kept)| kept.owner.user.as_deref() == Some(user));
        ready(Ok(theirs.map(|(id, _)| id.clone()).collect()))
    }

    fn delete(&self, ids: Vec<SessionId>) -> BoxFuture<Result<(), StoreError>> {
        let mut sessions = self.lock();
        for id in &ids {
            sessions.remove(id);
        }
        ready(Ok(()))
    }

    fn expire(&self, now: Seconds) -> BoxFuture<Result<usize, StoreError>> {
        let mut sessions = self.lock();
        let before = sessions.len();
        sessions.retain(|_, kept| now < kept.expires);
        ready(Ok(before - sessions.len()))
    }

    fn close(&self, process: &str) -> BoxFuture<Result<(), StoreError>> {
        for kept in self.lock().values_mut().filter(|kept| kept.process == process) {
            kept.exact = true;
        }
        ready(Ok(()))
    }
}
