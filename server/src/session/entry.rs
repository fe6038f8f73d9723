//! Components that come into the store when they are mounted, and leave it when they are removed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryFutureExt as _;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Effect, ReservedUpdates, Result, StagedUpdate, Work};
use vivaz_protocol::{Author, ComponentId, Ref};

use super::Session;
use super::committed::settle;
use super::component::Component;
use super::done::Done;
use super::keep::shown;
use super::replies::Kept;
use super::supervisor::Supervisor;
use super::task::Origin;
use crate::persist::keeper::Keeper;
use crate::persist::store::{
    Commit, CommitError, ComponentChange, SnapshotHead, StoreError, StoredComponent, StoredReply,
    WriteRefusal,
};
use crate::session::port::{Loss, Port};
use crate::telemetry::log::Escaped;

/// How long a removal waits that the store could not make, before it is made again.
const BETWEEN_REMOVALS: Duration = Duration::from_secs(1);

/// A component that is being mounted and then entered.
pub(super) struct Entry {
    supervisor: Arc<Supervisor>,
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
        let core = self.supervisor.core();
        let keeper = core.keeper.as_ref()?;
        let enters = if self.entered { None } else { self.head(keeper.good_for).map(Box::new) };
        Some(Entry {
            supervisor: Arc::clone(&self.supervisor),
            port: Arc::clone(&self.port),
            enters,
            component: core.stored(id, one, Vec::new(), None),
            reply: None,
            received: self.replies.received_up_to(),
        })
    }

    /// Takes a component out of the store, and then out of the session. Without a store, at once.
    pub(super) fn remove(&mut self, id: &ComponentId, origin: Origin) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.over) else {
            return self.gone(id, origin);
        };
        self.drop_kept(keeper, id);
        let removal = self.removal(id, origin);
        let first = keeper.store.commit(removal.commit(keeper));
        let id = id.clone();
        self.start(Box::pin(async move {
            removal.settle(first).await;
            Done::Removed { id, origin, effects: Vec::new() }
        }));
    }

    /// The same together with what the component's last job commits. If that fails, the component is
    /// taken out without it, and nothing else happens that the job asked for.
    pub(super) fn remove_with(&mut self, id: &ComponentId, origin: Origin, effects: Vec<Effect>) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = &supervisor.core().keeper else { return self.gone(id, origin) };
        self.drop_kept(keeper, id);
        let LastWrites { work, updates, effects } = LastWrites::of(effects);
        let mut commit = self.removal(id, origin).commit(keeper);
        let remove = commit.write;
        let version = self.components.get(id).map_or(0, |component| component.version);
        let author = match origin {
            Origin::Page { reference, .. } => Some(Author { connection: self.connection.clone(), reference }),
            Origin::Unanswered { .. } | Origin::Server | Origin::End { .. } => None,
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
        // One that is over goes with its session.
        let without = (!self.over).then(|| self.removal(id, origin));
        let id = id.clone();
        self.start(Box::pin(async move {
            let Err(error) = committed.await else {
                return Done::Removed { id, origin, effects };
            };
            let error = Escaped(&error);
            tracing::error!(component = %id, %error, "what `unmount` writes is not kept; the component is removed without it");
            if let Some(without) = without {
                without.make().await;
            }
            Done::Removed { id, origin, effects: Vec::new() }
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

    fn removal(&self, id: &ComponentId, origin: Origin) -> Removal {
        let reply = match origin {
            Origin::Page { reference, .. } => Some(
                Kept::Done { component: id.clone(), result: None, topics: Box::default() }.store(reference),
            ),
            Origin::Unanswered { .. } | Origin::Server | Origin::End { .. } => None,
        };
        Removal {
            supervisor: Arc::clone(&self.supervisor),
            port: Arc::clone(&self.port),
            id: id.clone(),
            received: self.replies.received_up_to(),
            reply,
        }
    }

    /// A component is out of the store.
    pub(super) fn removed(&mut self, id: &ComponentId, origin: Origin, effects: Vec<Effect>) {
        self.perform(id, effects);
        self.gone(id, origin);
    }
}

/// A component that is taken out of the store.
struct Removal {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    id: ComponentId,
    received: u64,
    reply: Option<StoredReply>,
}

impl Removal {
    /// Returns the commit that does it. It can be made again.
    fn commit(&self, keeper: &Keeper) -> Commit {
        let change = ComponentChange::Removed { id: self.id.clone() };
        let (session, by) = (self.port.session().clone(), Arc::clone(&keeper.process));
        Commit::of(session, by, self.received, change, self.reply.clone())
    }

    /// Makes the commit, again and again while the store fails.
    async fn make(self) {
        if let Some(keeper) = &self.supervisor.core().keeper {
            let first = keeper.store.commit(self.commit(keeper));
            self.settle(first).await;
        }
    }

    /// Waits for the first commit, and makes it again while the store fails: a page that is told of the
    /// removal does not see the component again. Returns when the component is out of the store, or
    /// when its session has ended or is not this process's any more.
    async fn settle(&self, first: impl Future<Output = std::result::Result<(), CommitError>> + Send) {
        let Some(keeper) = &self.supervisor.core().keeper else { return };
        let mut outcome = first.await;
        loop {
            let error = match outcome {
                // What the store does not have need not be removed.
                Ok(()) | Err(CommitError::Absent(_)) => return,
                Err(CommitError::Store(error) | CommitError::Unknown(error)) => error,
                Err(CommitError::Work(error)) => StoreError::failed(error.to_string()),
                Err(CommitError::Refused(WriteRefusal::Ended)) => return self.port.revoke(),
                Err(CommitError::Refused(_)) => return self.port.lose(Loss::Taken),
                Err(CommitError::Conflict) => return self.port.lose(Loss::Outdated),
            };
            let (component, error) = (&self.id, Escaped(&error));
            tracing::error!(%component, %error, "a component is still in the store; it will be tried again");
            tokio::time::sleep(BETWEEN_REMOVALS).await;
            if keeper.has_ended(self.port.session()) {
                return;
            }
            outcome = keeper.store.commit(self.commit(keeper)).await;
        }
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

impl Entry {
    /// The same for the answer to a mount.
    pub(super) fn answering(mut self, reference: Ref) -> Self {
        self.component.settled = reference.get();
        self.reply = Some(reference);
        self
    }

    /// Enters the component as it was made. Without that it is not mounted.
    pub(super) async fn commit(self, made: Result<Box<dyn Instance>>) -> Result<Box<dyn Instance>> {
        let Self { supervisor, port, enters, mut component, reply, received } = self;
        let mut instance = made?;
        let core = supervisor.core();
        let Some(keeper) = core.keeper.as_ref().filter(|_| supervisor.sessions.has(port.session())) else {
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
        let change = ComponentChange::Mounted { component: Box::new(component) };
        let session = port.session().clone();
        let commit = Commit::of(session, Arc::clone(&keeper.process), received, change, reply);
        let committed = keeper.store.commit(Commit { enters, ..commit });
        settle(Arc::clone(&keeper.store), port, committed).await?;
        Ok(instance)
    }
}
