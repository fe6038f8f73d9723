//! Saves a session to the store.

use std::sync::Arc;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::Identity;
use vivaz_components::instance::Instance;
use vivaz_protocol::ComponentId;

use crate::core::Core;
use crate::persist::keeper::{Keeper, WholeWriteOutcome, WholeWriteRetry};
use crate::persist::store::{
    ComponentState, Owner, SessionState, Snapshot, SnapshotHead, StoreError, StoredComponent, WriteRefusal,
};
use crate::session::Session;
use crate::session::completion::{Completion, WholeWriteResult};
use crate::session::component::{ConnectedHook, InstanceSlot, SessionComponent};
use crate::session::persistence::SaveKind;
use crate::telemetry::log::Escaped;

impl Session {
    /// Notifies the keeper of a change, so that the session is saved with the next batch.
    pub(in crate::session) fn mark_changed(&mut self) {
        if let Some(keeper) = &self.supervisor.core().keeper
            && self.persistence.mark_changed()
        {
            keeper.changed(self.port.session());
        }
    }

    /// Gives the session's current state to the keeper, which saves it with the next batch.
    pub(crate) fn save(&mut self) {
        let supervisor = Arc::clone(&self.supervisor);
        if let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.persistence.is_ending()) {
            self.queue_save(keeper, keeper.good_for);
        }
    }

    /// Saves a session that is about to be suspended until `until`, if it has changed.
    pub(crate) fn save_if_changed(&mut self, until: Instant) {
        if self.persistence.is_marked_changed() {
            self.save_until(until);
        }
    }

    /// Saves a session that is suspended until `until`. The stored row expires then.
    pub(crate) fn save_until(&mut self, until: Instant) {
        let supervisor = Arc::clone(&self.supervisor);
        if let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.persistence.is_ending()) {
            self.queue_save(keeper, remaining_until(until));
        }
    }

    /// Schedules a save because the expiry of the stored row has changed. Does nothing if the store
    /// never had the session.
    pub(crate) fn mark_expiry_changed(&mut self) {
        if self.persistence.is_stored() {
            self.mark_changed();
        }
    }

    /// Checks whether the store may have the session: it has had it, or a write that inserts it has
    /// begun.
    pub(crate) fn may_be_stored(&self) -> bool {
        self.persistence.may_be_stored()
    }

    /// Writes the session whole, because the store has lost it. `until` is the end of its
    /// suspension, if it is suspended. `answer` receives the outcome.
    pub(crate) fn write_whole(
        &mut self,
        until: Option<Instant>,
        answer: Option<oneshot::Sender<WholeWriteResult>>,
    ) {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = supervisor.core().keeper.as_ref().filter(|_| !self.persistence.is_ending()) else {
            return;
        };
        let Some(whole) = self.session_state(until.map_or(keeper.good_for, remaining_until)) else { return };
        tracing::warn!(session = %self.id(), "the store has lost rows of the session; writing it again");
        // Later changes are not part of the written state.
        self.persistence.whole_state_taken();
        self.persistence.begin_insertion();
        let writing =
            keeper.write_whole(whole, WholeWriteRetry::Keeper, Arc::clone(&supervisor), &supervisor.tasks);
        self.await_future(Box::pin(
            async move { Completion::WholeWritten { outcome: writing.await, answer } },
        ));
    }

    /// Handles the outcome of [`write_whole`](Self::write_whole).
    pub(in crate::session) fn finish_whole_write(
        &mut self,
        outcome: Option<WholeWriteOutcome>,
        answer: Option<oneshot::Sender<WholeWriteResult>>,
    ) {
        let result = match outcome {
            // The dropped sender tells the waiting commit that the session has ended.
            None => return,
            Some(Ok(Some(refusal))) => return self.port.handle_refusal(refusal),
            Some(Ok(None)) => {
                self.set_stored();
                Ok(())
            }
            // The keeper holds the state and retries.
            Some(Err(error)) => Err(error),
        };
        if let Some(answer) = answer {
            // The receiver is gone if its commit was dropped.
            let _ = answer.send(result);
        }
    }

    /// Writes the session whole and waits. No job of the session may run meanwhile. `until` is the
    /// end of its suspension, if it is suspended. Returns the refusal, if the store refuses the
    /// session.
    ///
    /// # Errors
    /// Returns the store's error. The keeper does not write the state again.
    pub(crate) async fn write_whole_and_wait(
        &mut self,
        keeper: &Arc<Keeper>,
        until: Option<Instant>,
    ) -> Result<Option<WriteRefusal>, Arc<StoreError>> {
        let good_for = until.map_or(keeper.good_for, remaining_until);
        let Some(whole) = self.session_state(good_for) else { return Ok(None) };
        self.persistence.begin_insertion();
        let supervisor = Arc::clone(&self.supervisor);
        let writing =
            keeper.write_whole(whole, WholeWriteRetry::Caller, Arc::clone(&supervisor), &supervisor.tasks);
        // Only an ending session is dropped from the queue.
        let refusal = writing.await.unwrap_or(Ok(Some(WriteRefusal::Ended)))?;
        if refusal.is_none() {
            self.set_stored();
        }
        Ok(refusal)
    }

    /// Gives the session to the keeper: only its changed parts, or whole if the store needs it.
    fn queue_save(&mut self, keeper: &Keeper, good_for: Duration) {
        let kind = self.persistence.begin_save();
        // During shutdown the session may be gone before the store asks for lost rows.
        if kind == SaveKind::Snapshot && self.supervisor.core().is_ready() {
            let Some(head) = self.snapshot_head(good_for) else { return };
            let components = self.plain_states();
            let (session, fence) = (self.id().clone(), self.port.fence());
            if keeper.put(Snapshot { session, fence, head, components }) {
                return;
            }
        }
        if let Some(whole) = self.session_state(good_for) {
            self.persistence.whole_state_taken();
            self.persistence.begin_insertion();
            keeper.put_whole(whole);
        }
    }

    /// Returns the stored head: owner, secrets and progress. Returns `None` if the session has
    /// ended.
    pub(in crate::session) fn snapshot_head(&self, good_for: Duration) -> Option<SnapshotHead> {
        let secrets = self.supervisor.sessions.secrets(self.id())?;
        let progress = self.replies.progress();
        Some(SnapshotHead { owner: stored_owner(&self.identity), secrets, progress, good_for })
    }

    /// Returns the whole state of the session. Returns `None` if the session has ended.
    fn session_state(&mut self, good_for: Duration) -> Option<SessionState> {
        let head = self.snapshot_head(good_for)?;
        let supervisor = Arc::clone(&self.supervisor);
        let core = supervisor.core();
        let (mut components, mut moving) = (Vec::new(), Vec::new());
        for (id, component) in &mut self.components {
            let saved = component.instance().and_then(|instance| save_instance(id, instance.as_mut()));
            match saved {
                Some((state, shown)) => components.push(core.stored_component(id, component, state, shown)),
                None => moving.push(id.clone()),
            }
        }
        let aside = self.set_aside.rows().to_vec();
        let (session, fence) = (self.id().clone(), self.port.fence());
        Some(SessionState { session, fence, head, components, moving, aside })
    }

    /// Returns the states of the components whose changes are not committed one by one.
    fn plain_states(&mut self) -> Vec<ComponentState> {
        let core = self.supervisor.core();
        let mut states = Vec::new();
        for (id, component) in &mut self.components {
            if core.commit_keeper(component.spec).is_some() {
                continue;
            }
            let (InstanceSlot::Idle(instance) | InstanceSlot::Busy(instance)) = &mut component.slot else {
                continue;
            };
            let Some((state, shown)) = save_instance(id, instance.as_mut()) else { continue };
            let props = component.confirmed_props();
            states.push(ComponentState {
                id: id.clone(),
                state,
                shown,
                props,
                epoch: core.epochs.text(component.stream.epoch()).to_string(),
                rev: component.stream.rev().0,
                rooms: component.joined.to_stored(),
                connected: component.connected_hook == ConnectedHook::Finished,
            });
        }
        states
    }
}

/// Saves a component. Returns its state and the hash of its [public state](instance_state_hash).
/// Logs a failure.
pub(in crate::session) fn save_instance(
    id: &ComponentId,
    instance: &mut dyn Instance,
) -> Option<(Vec<u8>, Option<u64>)> {
    let saved = instance.save().inspect_err(|error| {
        tracing::error!(component = %id, error = %Escaped(error), "cannot save a component");
    });
    Some((saved.ok()?, instance_state_hash(instance)))
}

/// Returns the hash of a component's public state, without shared fields. Returns `None` if the
/// state cannot be encoded.
pub(in crate::session) fn instance_state_hash(instance: &mut dyn Instance) -> Option<u64> {
    instance.state().ok().map(|state| state_hash(&state))
}

/// Returns the first 8 bytes of the BLAKE3 hash of a public state.
pub(in crate::session) fn state_hash(state: &str) -> u64 {
    let hash = blake3::hash(state.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

impl Core {
    /// Returns the stored form of a component.
    pub(in crate::session) fn stored_component(
        &self,
        id: &ComponentId,
        one: &SessionComponent,
        state: Vec<u8>,
        shown: Option<u64>,
    ) -> StoredComponent {
        StoredComponent {
            id: id.to_string(),
            name: one.spec.name.into(),
            schema: one.spec.schema(),
            template: self.templates.hash_of(one.spec.name).into(),
            origin: one.mounted_by.to_stored(),
            props: one.confirmed_props(),
            state,
            epoch: self.epochs.text(one.stream.epoch()).to_string(),
            rev: one.stream.rev().0,
            version: one.version,
            settled: one.settled,
            durable: self.commit_keeper(one.spec).is_some(),
            anew: one.is_remounted,
            rooms: one.joined.to_stored(),
            connected: one.connected_hook == ConnectedHook::Finished,
            shown,
        }
    }
}

/// Returns the time until `until`, at least one second.
fn remaining_until(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1))
}

/// Returns the stored form of an identity.
pub(crate) fn stored_owner(identity: &Identity) -> Owner {
    Owner {
        user: identity.user_id().map(Into::into),
        tenant: identity.tenant().map(Into::into),
        login: identity.login().map(Into::into),
    }
}
