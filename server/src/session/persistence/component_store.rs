//! Inserts mounted components into the store, and removes unmounted ones from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryFutureExt as _;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Effect, ReservedUpdates, Result, StagedUpdate, Work};
use vivaz_protocol::{Author, ComponentId, Ref};

use crate::persist::keeper::Keeper;
use crate::persist::store::{
    Commit, CommitError, SnapshotHead, StoreError, StoredChange, StoredComponent, StoredReply, WriteRefusal,
};
use crate::session::Session;
use crate::session::completion::Completion;
use crate::session::component::SessionComponent;
use crate::session::persistence::commit_outcome::await_commit;
use crate::session::persistence::save::instance_state_hash;
use crate::session::port::Port;
use crate::session::port::mail::EvictionReason;
use crate::session::reply::cache::CachedReply;
use crate::session::sessions::supervisor::Supervisor;
use crate::session::task::TaskOrigin;
use crate::telemetry::log::Escaped;

/// The delay before a failed removal is tried again.
const REMOVAL_RETRY_DELAY: Duration = Duration::from_secs(1);

/// A component that is being mounted and will be inserted.
pub(in crate::session) struct Insertion {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    /// The session itself, if the store never had it.
    creates: Option<Box<SnapshotHead>>,
    component: StoredComponent,
    reply: Option<Ref>,
    received: u64,
}

impl Session {
    /// Returns the insertion of a component, if there is a store.
    pub(in crate::session) fn insertion(
        &mut self,
        id: &ComponentId,
        one: &SessionComponent,
    ) -> Option<Insertion> {
        let supervisor = Arc::clone(&self.supervisor);
        let core = supervisor.core();
        let keeper = core.keeper.as_ref()?;
        let creates = if self.persistence.is_stored() {
            None
        } else {
            self.snapshot_head(keeper.good_for).map(Box::new)
        };
        self.persistence.begin_insertion();
        Some(Insertion {
            supervisor: Arc::clone(&supervisor),
            port: Arc::clone(&self.port),
            creates,
            component: core.stored_component(id, one, Vec::new(), None),
            reply: None,
            received: self.replies.acknowledged_up_to(),
        })
    }

    /// Removes a component from the store, then from the session. Without a store, only from the
    /// session.
    pub(in crate::session) fn remove_component(&mut self, id: &ComponentId, origin: TaskOrigin) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.persistence.is_ending()) else {
            return self.complete_unmount(id, origin);
        };
        self.drop_unsaved(keeper, id);
        let removal = self.removal(id, origin);
        let first = keeper.store.commit(removal.commit(keeper));
        let id = id.clone();
        self.await_future(Box::pin(async move {
            removal.finish(first).await;
            Completion::ComponentRemoved { id, origin, effects: Vec::new() }
        }));
    }

    /// Removes a component in one commit with the writes of its last job. If that commit fails, the
    /// component is removed without the writes, and its other effects do not happen.
    pub(in crate::session) fn remove_with_writes(
        &mut self,
        id: &ComponentId,
        origin: TaskOrigin,
        effects: Vec<Effect>,
    ) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = &supervisor.core().keeper else { return self.complete_unmount(id, origin) };
        self.drop_unsaved(keeper, id);
        let LastWrites { work, updates, effects } = LastWrites::from_effects(effects);
        let mut commit = self.removal(id, origin).commit(keeper);
        let remove = commit.write;
        let version = self.components.get(id).map_or(0, |component| component.version);
        let author = match origin {
            TaskOrigin::Page { reference, .. } => {
                Some(Author { connection: self.connection.clone(), reference })
            }
            TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. } => None,
        };
        commit.expects = Some((id.clone(), version));
        let prepared = Arc::<Mutex<Option<ReservedUpdates>>>::default();
        let reserved = Arc::clone(&prepared);
        commit.write = Box::new(move |tx| {
            work.into_iter().try_for_each(|work| work(tx))?;
            let updates = StagedUpdate::reserve_all(updates, None)?;
            *reserved.lock().unwrap_or_else(PoisonError::into_inner) = Some(updates);
            remove(tx)
        });
        commit.publish = Box::new(move || {
            let updates = prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
            // No reply waits for these updates, because the component is removed.
            let _unsent = updates.map(|updates| updates.publish(author.as_ref()));
        });
        let store = Arc::clone(&keeper.store);
        let first = store.commit(commit).map_err(|error| {
            let CommitError::Absent(commit) = error else { return error };
            // The session is written again without this component.
            CommitError::Absent(Box::new(Commit { expects: None, ..*commit }))
        });
        let committed = await_commit(Arc::clone(&store), Arc::clone(&self.port), first);
        // The rows of an ending session are deleted together with it.
        let without = (!self.persistence.is_ending()).then(|| self.removal(id, origin));
        let (session, id) = (self.id().clone(), id.clone());
        self.await_future(Box::pin(async move {
            let Err(error) = committed.await else {
                return Completion::ComponentRemoved { id, origin, effects };
            };
            let error = Escaped(&error);
            tracing::error!(%session, component = %id, %error, "cannot commit the writes of `unmount`; removing the component without them");
            if let Some(without) = without {
                without.commit_with_retries().await;
            }
            Completion::ComponentRemoved { id, origin, effects: Vec::new() }
        }));
    }

    /// Drops the component's unsaved state and its rows that are set aside.
    fn drop_unsaved(&mut self, keeper: &Keeper, id: &ComponentId) {
        if let Some(component) = self.components.get(id) {
            self.set_aside.remove(id, component.spec.name, &self.budget);
            keeper.drop_component(self.id(), id, component.spec.name);
        }
    }

    /// Returns the removal of a component.
    fn removal(&self, id: &ComponentId, origin: TaskOrigin) -> Removal {
        let reply = match origin {
            TaskOrigin::Page { reference, .. } => Some(
                CachedReply::Done {
                    component: id.clone(),
                    result: None,
                    topics: Box::default(),
                    page_effects: None,
                }
                .to_stored(reference),
            ),
            TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. } => None,
        };
        Removal {
            supervisor: Arc::clone(&self.supervisor),
            port: Arc::clone(&self.port),
            id: id.clone(),
            received: self.replies.acknowledged_up_to(),
            reply,
        }
    }

    /// Handles a completed removal: performs the effects of the last job and completes the unmount.
    pub(in crate::session) fn finish_removal(
        &mut self,
        id: &ComponentId,
        origin: TaskOrigin,
        effects: Vec<Effect>,
    ) {
        self.perform(id, effects);
        self.complete_unmount(id, origin);
    }
}

/// The removal of a component from the store.
struct Removal {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    id: ComponentId,
    received: u64,
    reply: Option<StoredReply>,
}

impl Removal {
    /// Returns the commit that removes the component. The commit is idempotent.
    fn commit(&self, keeper: &Keeper) -> Commit {
        let change = StoredChange::Removed { id: self.id.clone() };
        let (session, by) = (self.port.session().clone(), Arc::clone(&keeper.process));
        Commit::of(session, by, self.port.fence(), self.received, change, self.reply.clone())
    }

    /// Commits the removal, retrying while the store fails.
    async fn commit_with_retries(self) {
        if let Some(keeper) = &self.supervisor.core().keeper {
            let first = keeper.store.commit(self.commit(keeper));
            self.finish(first).await;
        }
    }

    /// Waits for the first commit and repeats it while the store fails: a page that received
    /// `COMPONENT_UNMOUNTED` never receives the component again. Returns when the store does not
    /// have the component any more, the session has ended, or another process owns it.
    async fn finish(&self, first: impl Future<Output = std::result::Result<(), CommitError>> + Send) {
        let Some(keeper) = &self.supervisor.core().keeper else { return };
        let mut outcome = first.await;
        loop {
            let error = match outcome {
                // The store does not have the session, so there is nothing to remove.
                Ok(()) | Err(CommitError::Absent(_)) => return,
                Err(CommitError::Store(error) | CommitError::Unknown(error)) => error,
                Err(CommitError::Work(error)) => StoreError::failed(error.to_string()),
                Err(CommitError::Refused(WriteRefusal::Ended)) => return self.port.revoke(),
                Err(CommitError::Refused(_)) => return self.port.request_eviction(EvictionReason::Taken),
                Err(CommitError::Conflict) => return self.port.request_eviction(EvictionReason::Outdated),
            };
            let (component, error) = (&self.id, Escaped(&error));
            tracing::error!(session = %self.port.session(), %component, %error, "cannot remove a component from the store; retrying");
            tokio::time::sleep(REMOVAL_RETRY_DELAY).await;
            if keeper.has_ended(self.port.session(), self.port.fence()) {
                return;
            }
            outcome = keeper.store.commit(self.commit(keeper)).await;
        }
    }
}

/// The effects of a component's last job.
struct LastWrites {
    work: Vec<Work>,
    updates: Vec<StagedUpdate>,
    /// The effects that follow the commit.
    effects: Vec<Effect>,
}

impl LastWrites {
    /// Separates the effects that belong to the commit from the others.
    fn from_effects(effects: Vec<Effect>) -> Self {
        let mut last = Self { work: Vec::new(), updates: Vec::new(), effects: Vec::new() };
        for effect in effects {
            if let Effect::Commit(work) = effect {
                last.work.push(work);
            } else if let Effect::Update(update) = effect {
                last.updates.push(update);
            } else {
                last.effects.push(effect);
            }
        }
        last
    }
}

impl Insertion {
    /// Adds the reply to a mount to the same commit.
    pub(in crate::session) fn with_reply(mut self, reference: Ref) -> Self {
        self.component.settled = reference.get();
        self.reply = Some(reference);
        self
    }

    /// Commits the mounted component.
    ///
    /// # Errors
    /// Returns the error of the mount, of the store, or of encoding the state. The component is
    /// then not mounted.
    pub(in crate::session) async fn commit(
        self,
        mounted: Result<Box<dyn Instance>>,
    ) -> Result<Box<dyn Instance>> {
        let Self { supervisor, port, creates, mut component, reply, received } = self;
        let mut instance = mounted?;
        let core = supervisor.core();
        let Some(keeper) = core.keeper.as_ref().filter(|_| supervisor.sessions.contains(port.session()))
        else {
            return Err(ActionError::internal("the session has ended"));
        };
        component.state = instance.save()?;
        component.shown = instance_state_hash(instance.as_mut());
        let reply = match reply {
            Some(reference) => {
                let id = ComponentId::new(&component.id)?;
                Some(CachedReply::Mounted(id).to_stored(reference))
            }
            None => None,
        };
        keeper.add_component(port.session(), &ComponentId::new(&component.id)?);
        let change = StoredChange::Mounted { component: Box::new(component) };
        let session = port.session().clone();
        let by = Arc::clone(&keeper.process);
        let commit = Commit::of(session, by, port.fence(), received, change, reply);
        let committed = keeper.store.commit(Commit { creates, ..commit });
        await_commit(Arc::clone(&keeper.store), port, committed).await?;
        Ok(instance)
    }
}
