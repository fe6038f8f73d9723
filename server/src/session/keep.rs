//! A session as it is kept.

use std::sync::Arc;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::Identity;
use vivaz_components::instance::Instance;
use vivaz_protocol::ComponentId;

use super::Session;
use super::component::{Component, Connecting, Slot};
use super::done::Done;
use super::done::Entered;
use crate::core::Core;
use crate::persist::keeper::Keeper;
use crate::persist::store::{
    ComponentState, Owner, SessionState, Snapshot, SnapshotHead, StoreError, StoredComponent, WriteRefusal,
};
use crate::telemetry::log::Escaped;

impl Session {
    /// Something that is kept has changed.
    pub(super) fn touch(&mut self) {
        if !self.unsaved
            && !self.over
            && let Some(keeper) = &self.supervisor.core().keeper
        {
            keeper.changed(self.port.session());
            self.unsaved = true;
        }
    }

    /// Hands the session as it is now to the store, to be saved with the next ones.
    pub(crate) fn save(&mut self) {
        let supervisor = Arc::clone(&self.supervisor);
        if let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.over) {
            self.put(keeper, keeper.good_for);
        }
    }

    /// The same for one that is about to wait for its page, if it has changed.
    pub(crate) fn save_if_changed(&mut self, until: Instant) {
        if self.unsaved {
            self.save_until(until);
        }
    }

    /// The same for one that waits for its page: it is good for as long as it may wait.
    pub(crate) fn save_until(&mut self, until: Instant) {
        let supervisor = Arc::clone(&self.supervisor);
        if let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.over) {
            self.put(keeper, left_until(until));
        }
    }

    /// Notes that what the store has of the session is to be written anew: how long it is good has
    /// changed.
    pub(crate) fn mark_unsaved(&mut self) {
        if self.entered {
            self.touch();
        }
    }

    /// Whether the store has had the session.
    pub(crate) fn is_entered(&self) -> bool {
        self.entered
    }

    /// Writes the session whole, because the store has lost it; `until` is the end of its time if
    /// it waits for its page.
    pub(crate) fn enter(&mut self, until: Option<Instant>, answer: Option<oneshot::Sender<Entered>>) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.over) else { return };
        let Some(whole) = self.whole(until.map_or(keeper.good_for, left_until)) else { return };
        // What becomes stale from now on is not in it.
        self.stale = false;
        tracing::warn!(session = %self.id(), "the store does not have all of the session: it is written again");
        let entering = keeper.store.enter(&keeper.process, vec![whole]);
        self.start(Box::pin(async move { Done::Entered { outcome: entering.await, answer } }));
    }

    /// Takes in what came of that.
    pub(super) fn was_entered(
        &mut self,
        outcome: Result<Vec<(vivaz_protocol::SessionId, WriteRefusal)>, StoreError>,
        answer: Option<oneshot::Sender<Entered>>,
    ) {
        match outcome {
            Ok(all) => match all.first() {
                // To the commit that waits, a dropped answer means that the session has ended.
                Some((_, refusal)) => self.port.refused(*refusal),
                None => {
                    self.entered = true;
                    if let Some(answer) = answer {
                        // The commit that asked for it may have been dropped.
                        let _ = answer.send(Ok(()));
                    }
                }
            },
            Err(error) => {
                tracing::error!(%error, "a session could not be written; it will be tried again");
                self.stale = true;
                self.touch();
                if let Some(answer) = answer {
                    let _ = answer.send(Err(error.into()));
                }
            }
        }
    }

    /// Writes the session whole and waits for it; nothing else may run in the session.
    pub(crate) async fn enter_now(&mut self, keeper: &Keeper) -> Result<Option<WriteRefusal>, StoreError> {
        let Some(whole) = self.whole(keeper.good_for) else { return Ok(None) };
        let refused = keeper.store.enter(&keeper.process, vec![whole]).await?;
        Ok(refused.first().map(|(_, refusal)| *refusal))
    }

    fn put(&mut self, keeper: &Keeper, good_for: Duration) {
        self.unsaved = false;
        // At the end of the process the session cannot be asked again for what the store has lost.
        let is_whole = self.stale || !self.supervisor.core().is_ready();
        if !is_whole {
            let Some(head) = self.head(good_for) else { return };
            let components = self.states();
            if keeper.put(Snapshot { session: self.id().clone(), head, components }) {
                return;
            }
        }
        if let Some(whole) = self.whole(good_for) {
            // The keeper has it until it is written.
            self.stale = false;
            keeper.put_complete(whole);
        }
    }

    /// Whose the session is and how far; `None` if it has ended.
    pub(super) fn head(&self, good_for: Duration) -> Option<SnapshotHead> {
        let secrets = self.supervisor.sessions.secrets(self.id())?;
        let progress = self.replies.progress();
        Some(SnapshotHead { owner: owner(&self.identity), secrets, progress, good_for })
    }

    /// The whole session as it is in memory.
    fn whole(&mut self, good_for: Duration) -> Option<SessionState> {
        let head = self.head(good_for)?;
        let supervisor = Arc::clone(&self.supervisor);
        let core = supervisor.core();
        let (mut components, mut moving) = (Vec::new(), Vec::new());
        for (id, component) in &mut self.components {
            let saved = component.instance().and_then(|instance| save(id, instance.as_mut()));
            match saved {
                Some((state, shown)) => components.push(core.stored(id, component, state, shown)),
                None => moving.push(id.clone()),
            }
        }
        let aside = self.aside.rows().to_vec();
        Some(SessionState { session: self.id().clone(), head, components, moving, aside })
    }

    /// The states of the components whose changes are not committed one by one.
    fn states(&mut self) -> Vec<ComponentState> {
        let core = self.supervisor.core();
        let mut states = Vec::new();
        for (id, component) in &mut self.components {
            if core.commits(component.spec).is_some() {
                continue;
            }
            let (Slot::Idle(instance) | Slot::Busy(instance)) = &mut component.slot else { continue };
            let Some((state, shown)) = save(id, instance.as_mut()) else { continue };
            let props = component.kept_props();
            states.push(ComponentState {
                id: id.clone(),
                state,
                shown,
                props,
                epoch: core.epochs.text(&component.epoch).to_string(),
                rev: component.rev.0,
                rooms: component.joined.store(),
                connected: component.connecting == Connecting::Done,
            });
        }
        states
    }
}

/// Saves a component: its state, and the hash of what is [`shown`]. A failure is logged.
pub(super) fn save(id: &ComponentId, instance: &mut dyn Instance) -> Option<(Vec<u8>, Option<u64>)> {
    let saved = instance.save().inspect_err(|error| {
        tracing::error!(component = %id, error = %Escaped(error), "a component cannot be saved");
    });
    Some((saved.ok()?, shown(instance)))
}

/// Returns the hash of what the page is shown of a component, shared fields left out. `None` if its
/// state cannot be written.
pub(super) fn shown(instance: &mut dyn Instance) -> Option<u64> {
    instance.state().ok().map(|state| shown_as(&state))
}

/// Returns the hash of a public state.
pub(super) fn shown_as(state: &str) -> u64 {
    let hash = blake3::hash(state.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

impl Core {
    /// A component as it is kept.
    pub(super) fn stored(
        &self,
        id: &ComponentId,
        one: &Component,
        state: Vec<u8>,
        shown: Option<u64>,
    ) -> StoredComponent {
        StoredComponent {
            id: id.to_string(),
            name: one.spec.name.into(),
            schema: one.spec.schema(),
            template: self.templates.hash_of(one.spec.name).into(),
            origin: one.mounted_by.store(),
            props: one.kept_props(),
            state,
            epoch: self.epochs.text(&one.epoch).to_string(),
            rev: one.rev.0,
            version: one.version,
            settled: one.settled,
            durable: self.commits(one.spec).is_some(),
            anew: one.anew,
            rooms: one.joined.store(),
            connected: one.connecting == Connecting::Done,
            shown,
        }
    }
}

/// How long a session is good that waits for its page until then.
fn left_until(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1))
}

/// Whose a session is, as it is kept.
pub(crate) fn owner(identity: &Identity) -> Owner {
    Owner {
        user: identity.user_id().map(Into::into),
        tenant: identity.tenant().map(Into::into),
        login: identity.login().map(Into::into),
    }
}
