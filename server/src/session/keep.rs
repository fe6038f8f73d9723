//! A session as it is kept.

use tokio::time::Instant;
use vivaz_components::Identity;
use vivaz_protocol::ComponentId;

use super::Session;
use super::component::Slot;
use crate::keeper::Keeper;
use crate::seal::now;
use crate::store::{Owner, Progress, Snapshot, State};

impl Session {
    /// Something that is kept has changed.
    pub(super) fn touch(&mut self) {
        if !self.unsaved
            && !self.over
            && let Some(keeper) = &self.runtime.core().keeper
        {
            keeper.changed(&self.port);
            self.unsaved = true;
        }
    }

    /// Hands the session as it is now to the store, to be saved with the next ones.
    pub(crate) fn save(&mut self) {
        let runtime = self.runtime.clone();
        if let Some(keeper) = runtime.core().keeper.as_ref().filter(|_| !self.over) {
            self.put(keeper, keeper.expires());
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
        let runtime = self.runtime.clone();
        if let Some(keeper) = runtime.core().keeper.as_ref().filter(|_| !self.over) {
            let left = until.saturating_duration_since(Instant::now());
            self.put(keeper, now() + left.as_secs().max(1));
        }
    }

    fn put(&mut self, keeper: &Keeper, expires: u64) {
        self.unsaved = false;
        let Some(secrets) = self.runtime.core().sessions.secrets(self.id()) else { return };
        let components = self.states();
        let hub = self.hub();
        let rooms = hub.rooms();
        let in_rooms = |id: &ComponentId| rooms.rooms_of(self.id(), id);
        let progress = Progress {
            rooms: self
                .components
                .iter()
                .filter(|(_, component)| component.joined)
                .map(|(id, _)| (id.to_string(), in_rooms(id).iter().map(ToString::to_string).collect()))
                .collect(),
            ..self.replies.progress()
        };
        keeper.put(Snapshot {
            session: self.id().clone(),
            owner: owner(&self.identity),
            secrets,
            progress,
            expires,
            process: keeper.process.to_string(),
            received: self.replies.received_up_to(),
            components,
        });
    }

    /// The states of the components whose changes are not committed one by one.
    fn states(&mut self) -> Vec<State> {
        let core = self.runtime.core();
        let mut states = Vec::new();
        for (id, component) in &mut self.components {
            if core.commits(component.spec).is_some() {
                continue;
            }
            let (Slot::Idle(instance) | Slot::Busy(instance)) = &mut component.slot else { continue };
            match instance.save() {
                Ok(state) => states.push(State {
                    id: id.clone(),
                    state,
                    epoch: core.epoch(&component.history).to_string(),
                    rev: component.rev.0,
                }),
                Err(error) => tracing::error!(component = %id, %error, "a component cannot be saved"),
            }
        }
        states
    }
}

/// Whose a session is, as it is kept.
pub(super) fn owner(identity: &Identity) -> Owner {
    Owner { user: identity.user_id().map(Into::into), tenant: identity.tenant().map(Into::into) }
}
