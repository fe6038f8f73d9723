//! Presence of the components of a session.

use std::time::Duration;

use vivaz_components::UnmountReason;
use vivaz_protocol::ComponentId;

use crate::session::Session;
use crate::session::component::SessionComponent;
use crate::telemetry::log::{Escaped, Quoted, client_event};

/// How long a user stays present after the page has left or has removed the component. The page may
/// reload, or another page of the application may open. It also bounds how many messages one page
/// can cause for all observers.
const LINGER: Duration = Duration::from_secs(2);

impl Session {
    /// Makes a component present at the topics that its fields request, and at no others. Without a
    /// connection nothing is added; the resume adds it.
    pub(in crate::session) fn update_presences(&mut self, id: &ComponentId) {
        let Some(component) = self.components.get_mut(id) else { return };
        let wanted = if component.is_shown() { component.requested_presences() } else { Vec::new() };
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
                    client_event!(log, WARN, session = %self.port.session(), component = %id, %topic, %error, "cannot enter a component's user at a topic");
                }
            }
        }
    }

    /// Suspends all presences for `Limits::presence_grace`, because the connection is gone.
    pub(in crate::session) fn suspend_presences(&self) {
        let grace = self.supervisor.core().limits.presence_grace;
        let claims = self.components.values().flat_map(|component| &component.presences);
        claims.for_each(|claim| claim.suspend(grace));
    }

    /// Renews all presences with the current name of the user, because the page has resumed.
    pub(in crate::session) fn renew_presences(&mut self) {
        let Ok(user) = self.identity.user().cloned() else { return };
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in ids {
            if let Some(component) = self.components.get_mut(&id) {
                // A claim that cannot be renewed is dropped. `update_presences` creates it again,
                // or logs why not.
                component.presences.retain(|claim| claim.renew(&user).is_ok());
            }
            self.update_presences(&id);
        }
    }
}

impl SessionComponent {
    /// Ends the component's presences, because it is unmounted.
    pub(in crate::session) fn end_presences(&mut self, reason: UnmountReason) {
        let lingers = matches!(reason, UnmountReason::Left | UnmountReason::Removed);
        for claim in std::mem::take(&mut self.presences) {
            if lingers {
                claim.end_after(LINGER);
            }
        }
    }
}
