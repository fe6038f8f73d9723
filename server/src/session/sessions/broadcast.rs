//! Posts events to the sessions of a user, of a tenant, or to all.

use vivaz_components::{Identity, ServerEvent, Target, User};
use vivaz_protocol::SessionId;

use crate::session::sessions::supervisor::Supervisor;

impl Supervisor {
    /// Posts an event to every component of every session.
    pub(crate) fn post_to_all(&self, event: &ServerEvent) {
        for port in self.sessions.ports() {
            port.post_event(None, event.clone());
        }
    }

    /// Posts an event to the sessions of a tenant, or to those without a tenant.
    pub(crate) fn post_to_tenant(
        &self,
        tenant: Option<&str>,
        event: &ServerEvent,
        except: Option<&SessionId>,
    ) {
        for port in self.sessions.ports_of(|identity| identity.tenant() == tenant) {
            if except.is_none_or(|except| except != port.session()) {
                port.post_event(None, event.clone());
            }
        }
    }

    /// Emits an event of a client, except to the session `except`. `Own` and `Components` are
    /// receivers in the client's own session, which emits to them itself.
    pub(crate) fn emit(
        &self,
        identity: &Identity,
        to: Target,
        event: ServerEvent,
        except: Option<&SessionId>,
    ) {
        let (hub, tenant) = (self.core().hub_of(identity), identity.tenant());
        match to {
            Target::Own | Target::Components => {}
            Target::Topic(name) => {
                if let Some(topic) = hub.get(&name) {
                    topic.emit(&event, except);
                }
            }
            Target::Room(room) => {
                hub.rooms().emit(&room, &event, except);
            }
            Target::Session(session) => {
                if except != Some(&session) {
                    self.post_to_session(tenant, &session, event);
                }
            }
            Target::User(user) => self.post_to_user(tenant, &user, &event, except),
            Target::Everyone => self.post_to_tenant(tenant, &event, except),
        }
    }

    /// Posts an event to one session, if it has this tenant.
    pub(crate) fn post_to_session(&self, tenant: Option<&str>, session: &SessionId, event: ServerEvent) {
        if let Some(port) = self.sessions.port_of(session, |identity| identity.tenant() == tenant) {
            port.post_event(None, event);
        }
    }

    /// Posts an event to the sessions of a user.
    pub(crate) fn post_to_user(
        &self,
        tenant: Option<&str>,
        user: &str,
        event: &ServerEvent,
        except: Option<&SessionId>,
    ) {
        let identity = Identity::of(User::new(user, user));
        let identity = match tenant {
            Some(tenant) => identity.with_tenant(tenant),
            None => identity,
        };
        for session in self.core().users.sessions_of(&identity) {
            if except != Some(&session)
                && let Some(port) = self.sessions.port(&session)
            {
                port.post_event(None, event.clone());
            }
        }
    }
}
