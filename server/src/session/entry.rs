//! Components that come into the store when they are mounted, and leave it when they are removed.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryFutureExt as _;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Effect, ReservedUpdates, Result, StagedUpdate, Work};
use vivaz_protocol::{Author, ComponentId, Ref};

use super::Session;
use super::committed::settle;
use super::component::{Component, Origin};
use super::keep::shown;
use super::replies::Kept;
use super::work::Done;
use crate::keeper::Keeper;
use crate::log::Escaped;
use crate::port::{Loss, Port};
use crate::runtime::Runtime;
use crate::store::{Change, Commit, CommitError, Refusal, SnapshotHead, StoreError, StoredComponent};

/// A component that is being mounted and then entered.
pub(super) struct Entry {
    runtime: Runtime,
    port: Arc<Port>,
    /// The session itself, if the store has never had it.
    enters: Option<Box<SnapshotHead>>,
    component: StoredComponent,
    reply: Option<Ref>,
    received: u64,
}

impl Session {
    /// What is to be entered for a component, if there is a store.
    pub(super) fn entry(&self, id: &ComponentId, one: &Component) -> Option<Entry> {
        let core = self.runtime.core();
        let keeper = core.keeper.as_ref()?;
        let enters = if self.entered { None } else { self.head(keeper.good_for).map(Box::new) };
        Some(Entry {
            runtime: self.runtime.clone(),
            port: Arc::clone(&self.port),
            enters,
            component: StoredComponent { version: 0, ..core.stored(id, one, Vec::new(), None) },
            reply: None,
            received: self.replies.received_up_to(),
        })
    }

    /// Takes a component out of the store, and then out of the session. Without a store, at once.
    pub(super) fn remove(&mut self, id: &ComponentId, origin: Origin) {
        let runtime = self.runtime.clone();
        let Some(keeper) = runtime.core().keeper.as_ref().filter(|_| !self.over) else {
            return self.gone(id, origin);
        };
        self.drop_kept(keeper, id);
        let removed = keeper.store.commit(self.removal(keeper, id, origin));
        let (id, port) = (id.clone(), Arc::clone(&self.port));
        self.start(Box::pin(async move {
            let result = is_removed(removed.await, &port);
            Done::Removed { id, origin, result, effects: Vec::new() }
        }));
    }

    /// The same together with what the component's last job commits. If that fails, the component is
    /// taken out without it, and nothing else happens that the job asked for.
    pub(super) fn remove_with(&mut self, id: &ComponentId, origin: Origin, effects: Vec<Effect>) {
        let runtime = self.runtime.clone();
        let Some(keeper) = &runtime.core().keeper else { return self.gone(id, origin) };
        self.drop_kept(keeper, id);
        let LastWrites { work, updates, effects } = LastWrites::of(effects);
        let mut commit = self.removal(keeper, id, origin);
        let remove = commit.write;
        let version = self.components.get(id).map_or(0, |component| component.version);
        let author = match origin {
            Origin::Page { reference, .. } => Some(Author { connection: self.connection.clone(), reference }),
            Origin::Server | Origin::End { .. } => None,
        };
        commit.expects = Some((id.clone(), version));
        let told = Arc::<Mutex<Option<ReservedUpdates>>>::default();
        let reserved = Arc::clone(&told);
        commit.write = Box::new(move |connection| {
            work.into_iter().try_for_each(|work| work(connection))?;
            let updates = StagedUpdate::reserve_all(updates, None)?;
            *reserved.lock().unwrap_or_else(PoisonError::into_inner) = Some(updates);
            remove(connection)
        });
        commit.publish = Box::new(move || {
            let updates = told.lock().unwrap_or_else(PoisonError::into_inner).take();
            // No reply waits for them: the component is gone from the page.
            let _unsent = updates.map(|updates| updates.publish(author.as_ref()));
        });
        let store = Arc::clone(&keeper.store);
        let first = store.commit(commit).map_err(|error| {
            let CommitError::Absent(commit) = error else { return error };
            // The session is entered again without this component.
            CommitError::Absent(Box::new(Commit { expects: None, ..*commit }))
        });
        let committed = settle(Arc::clone(&store), Arc::clone(&self.port), first);
        let without = (!self.over).then(|| self.removal(keeper, id, origin));
        let (id, port) = (id.clone(), Arc::clone(&self.port));
        self.start(Box::pin(async move {
            let Err(error) = committed.await else {
                return Done::Removed { id, origin, result: Ok(()), effects };
            };
            let error = Escaped(&error);
            tracing::error!(component = %id, %error, "what `unmount` writes is not kept; the component is removed without it");
            let result = match without {
                Some(without) => is_removed(store.commit(without).await, &port),
                // It goes with its session.
                None => Ok(()),
            };
            Done::Removed { id, origin, result, effects: Vec::new() }
        }));
    }

    /// Drops what waits to be saved of a component that is about to be removed, and what is kept aside
    /// of it.
    fn drop_kept(&mut self, keeper: &Keeper, id: &ComponentId) {
        if let Some(component) = self.components.get(id) {
            self.aside.forget(id, component.spec.name, &self.budget);
            keeper.drop_component(self.id(), id, component.spec.name);
        }
    }

    /// The commit that takes a component out of the store.
    fn removal(&self, keeper: &Keeper, id: &ComponentId, origin: Origin) -> Commit {
        let reply = match origin {
            Origin::Page { reference, .. } => {
                Some(Kept::Done { component: id.clone(), result: None }.store(reference))
            }
            Origin::Server | Origin::End { .. } => None,
        };
        Commit::of(
            self.id().clone(),
            Arc::clone(&keeper.process),
            self.replies.received_up_to(),
            Change::Removed { id: id.clone() },
            reply,
        )
    }

    /// A component is out of the store, or could not be taken out: then the session is written
    /// whole before long.
    pub(super) fn removed(
        &mut self,
        id: &ComponentId,
        origin: Origin,
        result: std::result::Result<(), StoreError>,
        effects: Vec<Effect>,
    ) {
        self.perform(id, effects);
        if let Err(error) = result {
            let error = Escaped(&error);
            tracing::error!(component = %id, %error, "a component is still in the store; it will be tried again");
            self.stale = true;
            self.touch();
        }
        self.gone(id, origin);
    }
}

/// What a component's last job asked for.
struct LastWrites {
    work: Vec<Work>,
    updates: Vec<StagedUpdate>,
    /// What is left to do afterwards.
    effects: Vec<Effect>,
}

impl LastWrites {
    fn of(effects: Vec<Effect>) -> Self {
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

/// What came of the removal of a component.
fn is_removed(
    removed: std::result::Result<(), CommitError>,
    port: &Arc<Port>,
) -> std::result::Result<(), StoreError> {
    match removed {
        // What the store does not have need not be removed.
        Ok(()) | Err(CommitError::Absent(_)) => Ok(()),
        Err(CommitError::Store(error) | CommitError::Unknown(error)) => Err(error),
        Err(CommitError::Work(error)) => Err(StoreError::failed(error.to_string())),
        Err(CommitError::Refused(refusal)) => {
            if refusal == Refusal::Ended {
                port.revoke();
            } else {
                port.lose(Loss::Taken);
            }
            Ok(())
        }
        Err(CommitError::Conflict) => {
            port.lose(Loss::Outdated);
            Ok(())
        }
    }
}

impl Entry {
    /// The same for the answer to a mount.
    pub(super) fn answering(mut self, reference: Ref) -> Self {
        self.component.settled = reference.get();
        self.reply = Some(reference);
        self
    }

    /// Enters the component as it was made. Without that it is not mounted.
    pub(super) async fn commit(self, made: Result<Box<dyn Instance>>) -> Result<Box<dyn Instance>> {
        let Self { runtime, port, enters, mut component, reply, received } = self;
        let mut instance = made?;
        let core = runtime.core();
        let Some(keeper) = core.keeper.as_ref().filter(|_| core.sessions.has(port.session())) else {
            return Err(ActionError::internal("the session has ended"));
        };
        component.state = instance.save()?;
        component.shown = shown(instance.as_mut());
        let reply = match reply {
            Some(reference) => {
                let id = ComponentId::new(&component.id)?;
                Some(Kept::Mounted(id).store(reference))
            }
            None => None,
        };
        keeper.add_component(port.session(), &ComponentId::new(&component.id)?);
        let change = Change::Mounted { component: Box::new(component) };
        let session = port.session().clone();
        let commit = Commit::of(session, Arc::clone(&keeper.process), received, change, reply);
        let committed = keeper.store.commit(Commit { enters, ..commit });
        settle(Arc::clone(&keeper.store), port, committed).await?;
        Ok(instance)
    }
}
