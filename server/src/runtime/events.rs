//! Sends events from outside of components, to the sessions of all nodes. The bus between nodes may
//! lose an event.

use serde::Serialize;
use vivaz_components::{Result, ServerEvent};
use vivaz_protocol::SessionId;

use super::Runtime;
use crate::cluster::{NodeMessage, SessionTenant};

impl Runtime {
    /// Sends an event to the components in a room without a tenant: to their `#[event]` methods and
    /// to their pages.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn emit_to_room(&self, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.core().hub.rooms().emit(room, &event, None);
        Ok(())
    }

    /// Sends an event to the components in a room of a tenant, like
    /// [`emit_to_room`](Self::emit_to_room).
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn emit_to_room_of(&self, tenant: &str, room: &str, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.core().hub.of_tenant(Some(tenant)).rooms().emit(room, &event, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user without a tenant: to the `#[event]` methods of
    /// their components and to their pages.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn emit_to_user(&self, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.emit_to_user(None, user, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to all sessions of a user of a tenant, like
    /// [`emit_to_user`](Self::emit_to_user).
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn emit_to_user_of(&self, tenant: &str, user: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.emit_to_user(Some(tenant), user, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to a session of any tenant: to the `#[event]` methods of its components and
    /// to its page. Returns whether this process has the session; otherwise the other nodes of the
    /// cluster get the event.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn emit_to_session(&self, session: &SessionId, event: &str, data: &impl Serialize) -> Result<bool> {
        Ok(self.0.emit_to_session(SessionTenant::Any, session, ServerEvent::new(event, data)?))
    }

    /// Sends an event to every component of every session without a tenant.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn broadcast(&self, event: &str, data: &impl Serialize) -> Result {
        self.0.emit_to_tenant(None, &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session of a tenant.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn broadcast_of(&self, tenant: &str, event: &str, data: &impl Serialize) -> Result {
        self.0.emit_to_tenant(Some(tenant), &ServerEvent::new(event, data)?, None);
        Ok(())
    }

    /// Sends an event to every component of every session, with any tenant or none. For events that
    /// concern the server itself.
    ///
    /// # Errors
    /// Returns an error if `data` cannot be encoded as JSON.
    pub fn broadcast_to_all_tenants(&self, event: &str, data: &impl Serialize) -> Result {
        let event = ServerEvent::new(event, data)?;
        self.0.post_to_all(&event);
        self.0.send_to_nodes(|| NodeMessage::All { event });
        Ok(())
    }
}
