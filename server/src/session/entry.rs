//! Components that come into the store when they are mounted, and leave it when they are removed.

use std::sync::Arc;

use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Result};
use vivaz_protocol::{ComponentId, Ref};

use super::Session;
use super::committed::settle;
use super::component::{Component, Origin};
use super::replies::Kept;
use super::work::Done;
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
            component: StoredComponent { version: 0, ..core.stored(id, one, Vec::new()) },
            reply: None,
            received: self.replies.received_up_to(),
        })
    }

    /// Takes a component out of the store, and then out of the session. Without a store, at once.
    pub(super) fn remove(&mut self, id: &ComponentId, origin: Origin) {
        let core = self.runtime.core();
        let Some(keeper) = core.keeper.as_ref().filter(|_| !self.over) else {
            return self.gone(id, origin);
        };
        let reply = match origin {
            Origin::Page { reference, .. } => {
                Some(Kept::Done { component: id.clone(), result: None }.store(reference))
            }
            Origin::Server | Origin::End { .. } => None,
        };
        if let Some(component) = self.components.get(id) {
            self.aside.forget(id, component.spec.name, &self.budget);
        }
        keeper.drop_component(self.id(), id);
        let removed = keeper.store.commit(Commit::of(
            self.id().clone(),
            Arc::clone(&keeper.process),
            self.replies.received_up_to(),
            Change::Removed { id: id.clone() },
            reply,
        ));
        let (id, port) = (id.clone(), Arc::clone(&self.port));
        self.start(Box::pin(async move {
            let result = match removed.await {
                // What the store does not have need not be removed.
                Ok(()) | Err(CommitError::Absent(_)) => Ok(()),
                Err(CommitError::Store(error)) => Err(error),
                Err(CommitError::Work(error)) => Err(StoreError::failed(error.to_string())),
                Err(CommitError::Refused(refusal)) => {
                    port.lose(if refusal == Refusal::Ended { Loss::Ended } else { Loss::Taken });
                    Ok(())
                }
                Err(CommitError::Conflict) => {
                    port.lose(Loss::Outdated);
                    Ok(())
                }
            };
            Done::Removed { id, origin, result }
        }));
    }

    /// A component is out of the store, or could not be taken out: then the session is written
    /// whole before long.
    pub(super) fn removed(
        &mut self,
        id: &ComponentId,
        origin: Origin,
        result: std::result::Result<(), StoreError>,
    ) {
        if let Err(error) = result {
            let error = Escaped(&error);
            tracing::error!(component = %id, %error, "a component is still in the store; it will be tried again");
            self.stale = true;
            self.touch();
        }
        self.gone(id, origin);
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
        let reply = match reply {
            Some(reference) => {
                let id = ComponentId::new(&component.id)?;
                Some(Kept::Mounted(id).store(reference))
            }
            None => None,
        };
        let change = Change::Mounted { component: Box::new(component) };
        let session = port.session().clone();
        let commit = Commit::of(session, Arc::clone(&keeper.process), received, change, reply);
        let committed = keeper.store.commit(Commit { enters, ..commit });
        settle(Arc::clone(&keeper.store), port, committed).await?;
        Ok(instance)
    }
}
