//! Events from outside of components, and those of components for others than their own session.

use serde::Serialize;
use vivaz_components::{Result, ServerEvent};
use vivaz_protocol::SessionId;

use super::Runtime;

impl Runtime {
    /// Sends an event to everybody in a room: the components' `#[event]` methods, and their pages. It is the room of
    /// those who have no tenant.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_room(&self, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.core().hub.rooms().emit(room, &event, None);
        Ok(())
    }

    /// The same in a tenant's room of that name.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_room_of(&self, tenant: &str, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.core().hub.of_tenant(Some(tenant)).rooms().emit(room, &event, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user who has no tenant in this process: to the components'
    /// `#[event]` methods, and to their pages.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_user(&self, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.post_to_user(None, user, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user of that tenant, as [`emit_to_user`](Self::emit_to_user)
    /// does.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit_to_user_of(&self, tenant: &str, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.post_to_user(Some(tenant), user, &ServerEvent::new(event, data)?, None);
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
        self.0.post_to_tenant(None, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session of that tenant.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn broadcast_of(&self, tenant: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.post_to_tenant(Some(tenant), &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session of all tenants, and of those that have
    /// none: for what concerns the server itself.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn broadcast_to_all_tenants(&self, event: &str, data: &impl Serialize) -> Result {
        self.0.post_to_all(&ServerEvent::new(event, data)?);
        Ok(())
    }
}
