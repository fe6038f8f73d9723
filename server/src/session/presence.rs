//! Where the components of a session are present.

use std::time::Duration;

use vivaz_components::UnmountReason;
use vivaz_protocol::ComponentId;

use super::Session;
use super::component::Component;
use crate::telemetry::log::{Escaped, Quoted, client_event};

/// How long a user is still present whose page has left or has removed the component: the page may be
/// loaded anew, or another one of the application may follow. It also bounds what one page can make
/// all who look be told.
const LINGER: Duration = Duration::from_secs(2);

impl Session {
    /// Makes a component present at the topics that its fields are to be present at, and at no others.
    /// One that enters while its page is away is present when the page is back.
    pub(super) fn keep_presences(&mut self, id: &ComponentId) {
        let Some(component) = self.components.get_mut(id) else { return };
        let wanted = if component.is_shown() { component.wanted_presences() } else { Vec::new() };
        component.presences.retain(|claim| wanted.iter().any(|topic| topic.name() == claim.topic().name()));
        let Ok(user) = self.identity.user() else { return };
        if !self.port.is_connected() {
            return;
        }
        for topic in wanted {
            if component.presences.iter().any(|claim| claim.topic().name() == topic.name()) {
                continue;
            }
            match topic.enter(user) {
                Ok(claim) => component.presences.push(claim),
                Err(error) => {
                    let (log, topic, error) =
                        (&self.supervisor.core().log, Quoted(topic.name()), Escaped(&error));
                    client_event!(log, WARN, component = %id, %topic, %error, "a component cannot be present");
                }
            }
        }
    }

    /// The page is away: for a while its user is still present.
    pub(super) fn suspend_presences(&self) {
        let grace = self.supervisor.core().limits.presence_grace;
        let claims = self.components.values().flat_map(|component| &component.presences);
        claims.for_each(|claim| claim.suspend(grace));
    }

    /// The page is back: its user is present again, under the name as of now.
    pub(super) fn renew_presences(&mut self) {
        let Ok(user) = self.identity.user().cloned() else { return };
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in ids {
            if let Some(component) = self.components.get_mut(&id) {
                // One that cannot be renewed is dropped. A new one is made below, or it is logged why not.
                component.presences.retain(|claim| claim.renew(&user).is_ok());
            }
            self.keep_presences(&id);
        }
    }
}

impl Component {
    /// Ends its presences, because it goes away.
    pub(super) fn end_presences(&mut self, reason: UnmountReason) {
        let lingers = matches!(reason, UnmountReason::Left | UnmountReason::Removed);
        for claim in std::mem::take(&mut self.presences) {
            if lingers {
                claim.end_after(LINGER);
            }
        }
    }
}
