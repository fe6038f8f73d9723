//! Components that come into the store when they are mounted, and leave it when they are removed.

use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Result};
use vivaz_protocol::{ComponentId, Ref};

use super::Session;
use super::component::{Component, Origin};
use super::journal::failed;
use super::keep::owner;
use super::replies::Kept;
use super::work::Done;
use crate::runtime::Runtime;
use crate::store::{Change, Commit, Owner, StoredComponent};

/// A component that is being mounted and then entered.
pub(super) struct Entry {
    runtime: Runtime,
    session: vivaz_protocol::SessionId,
    owner: Owner,
    component: StoredComponent,
    reply: Option<Ref>,
    received: u64,
}

impl Session {
    /// What is to be entered for a component, if there is a store.
    pub(super) fn entry(&self, id: &ComponentId, one: &Component, props: &str) -> Option<Entry> {
        let core = self.runtime.core();
        core.keeper.as_ref()?;
        Some(Entry {
            runtime: self.runtime.clone(),
            session: self.id().clone(),
            owner: owner(&self.identity),
            component: StoredComponent {
                id: id.to_string(),
                name: one.spec.name.into(),
                schema: one.spec.schema,
                template: core.templates.hash_of(one.spec.name).into(),
                props: props.into(),
                state: Vec::new(),
                epoch: core.epoch(&one.history).to_string(),
                rev: one.rev.0,
                version: 0,
                settled: one.settled,
                durable: core.commits(one.spec).is_some(),
            },
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
        let removed = keeper.store.commit(Commit::of(
            self.id().clone(),
            self.replies.received_up_to(),
            Change::Removed { id: id.clone() },
            reply,
        ));
        let id = id.clone();
        self.start(Box::pin(async move {
            if let Err(error) = removed.await {
                tracing::error!(component = %id, error = %failed(error), "a component is still in the store");
            }
            Done::Removed { id, origin }
        }));
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
        let Self { runtime, session, owner, mut component, reply, received } = self;
        let mut instance = made?;
        let core = runtime.core();
        let (Some(keeper), Some(secrets)) = (&core.keeper, core.sessions.secrets(&session)) else {
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
        let change = Change::Mounted {
            component: Box::new(component),
            owner,
            secrets,
            expires: keeper.expires(),
            process: keeper.process.to_string(),
        };
        keeper.store.commit(Commit::of(session, received, change, reply)).await.map_err(failed)?;
        Ok(instance)
    }
}
