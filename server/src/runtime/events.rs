//! Events from outside of components, and those of components for others than their own session.

use serde::Serialize;
use vivaz_components::{Identity, Result, ServerEvent, User};
use vivaz_protocol::SessionId;

use super::{Core, Runtime};

impl Runtime {
    /// Sends an event to everybody in a room: the components' `#[event]` methods, and their pages. It is the room of
    /// those who have no tenant.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_room(&self, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.0.hub.rooms().emit(room, &event, None);
        Ok(())
    }

    /// The same in a tenant's room of that name.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_room_of(&self, tenant: &str, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.0.hub.of_tenant(Some(tenant)).rooms().emit(room, &event, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user who has no tenant in this process: to the components'
    /// `#[event]` methods, and to their pages.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_user(&self, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.tell_user(None, user, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user of that tenant, as [`emit_to_user`](Self::emit_to_user)
    /// does.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_user_of(&self, tenant: &str, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.tell_user(Some(tenant), user, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to a session in this process, of whatever tenant: to its components' `#[event]`
    /// methods, and to its page. Returns whether there is such a session.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_session(&self, session: &SessionId, event: &str, data: &impl Serialize) -> Result<bool> {
        let event = ServerEvent::new(event, data)?;
        let port = self.0.sessions.port(session);
        if let Some(port) = &port {
            port.post_event(None, event);
        }
        Ok(port.is_some())
    }

    /// Sends an event to every component of every session that has no tenant.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn broadcast(&self, event: &str, data: &impl Serialize) -> Result {
        self.0.tell_tenant(None, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session of that tenant.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn broadcast_of(&self, tenant: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.tell_tenant(Some(tenant), &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session of all tenants, and of those that have
    /// none: for what concerns the server itself.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn broadcast_to_all_tenants(&self, event: &str, data: &impl Serialize) -> Result {
        self.0.tell_everyone(&ServerEvent::new(event, data)?);
        Ok(())
    }
}

impl Core {
    /// An event for every component of every session.
    pub(crate) fn tell_everyone(&self, event: &ServerEvent) {
        for port in self.sessions.ports() {
            port.post_event(None, event.clone());
        }
    }

    /// The same for the sessions of a tenant, or of those who have none.
    pub(crate) fn tell_tenant(&self, tenant: Option<&str>, event: &ServerEvent, except: Option<&SessionId>) {
        for port in self.sessions.ports_of(|identity| identity.tenant() == tenant) {
            if except.is_none_or(|except| except != port.session()) {
                port.post_event(None, event.clone());
            }
        }
    }

    /// The same for one session of a tenant, or of those who have none.
    pub(crate) fn tell_session(&self, tenant: Option<&str>, session: &SessionId, event: ServerEvent) {
        if let Some(port) = self.sessions.port_of(session, |identity| identity.tenant() == tenant) {
            port.post_event(None, event);
        }
    }

    /// The same for the sessions of a user.
    pub(crate) fn tell_user(
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
        for session in self.users.sessions_of(&identity) {
            if except != Some(&session)
                && let Some(port) = self.sessions.port(&session)
            {
                port.post_event(None, event.clone());
            }
        }
    }
}
