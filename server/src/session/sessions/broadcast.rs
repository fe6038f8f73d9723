//! Posts events to the sessions of a user, of a tenant, or to all.

use std::sync::atomic::Ordering;

use vivaz_components::{Identity, ServerEvent, Target, UnmountReason, User};
use vivaz_protocol::{CloseCode, SessionId};

use crate::cluster::{NodeMessage, SessionTenant};
use crate::persist::store::Owner;
use crate::session::sessions::supervisor::Supervisor;

impl Supervisor {
    /// Sends a message to the other nodes, if there are any.
    pub(crate) fn send_to_nodes(&self, message: impl FnOnce() -> NodeMessage) {
        if let Some(bus) = &self.core().bus {
            message().send(&**bus);
        }
    }

    /// Does what another node has sent.
    pub(crate) fn receive_from_node(&self, message: NodeMessage) {
        match message {
            NodeMessage::User { tenant, user, event } => {
                self.post_to_user(tenant.as_deref(), &user, &event, None);
            }
            NodeMessage::Session { tenant, session, event } => {
                self.post_to_session(&tenant, &session, event);
            }
            NodeMessage::Tenant { tenant, event } => {
                self.post_to_tenant(tenant.as_deref(), &event, None);
            }
            NodeMessage::All { event } => self.post_to_all(&event),
            NodeMessage::Revoke { owner } => {
                self.revoke_owner(&owner);
            }
            NodeMessage::EndSession { session } => {
                self.end_session(&session);
            }
        }
    }

    /// Ends a session of this node. Returns whether this node has it.
    pub(crate) fn end_session(&self, session: &SessionId) -> bool {
        let port = self.sessions.port(session);
        if let Some(port) = &port {
            port.end(CloseCode::SessionEnded, UnmountReason::Closed);
        }
        port.is_some()
    }

    /// Revokes the sessions of this node that belong to an owner. Returns their number.
    pub(crate) fn revoke_owner(&self, owner: &Owner) -> usize {
        self.revoke_where(|identity| {
            owner.includes_parts(identity.user_id(), identity.tenant(), identity.login())
        })
    }

    /// Revokes the sessions of this node whose identity matches. Returns their number.
    pub(crate) fn revoke_where(&self, is_revoked: impl FnMut(&Identity) -> bool) -> usize {
        // Incremented first: a session inserted after the loop has an identity from before this
        // revocation.
        self.core().revocations.fetch_add(1, Ordering::SeqCst);
        let ports = self.sessions.ports_of(is_revoked);
        for port in &ports {
            port.revoke();
        }
        ports.len()
    }

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
            Target::Topic(name) => hub.emit_to_topic(&name, &event, except),
            Target::Room(room) => {
                hub.rooms().emit(&room, &event, except);
            }
            Target::Session(session) => {
                if except != Some(&session) {
                    self.emit_to_session(SessionTenant::Only(tenant.map(str::to_owned)), &session, event);
                }
            }
            Target::User(user) => self.emit_to_user(tenant, &user, &event, except),
            Target::Everyone => self.emit_to_tenant(tenant, &event, except),
        }
    }

    /// Sends an event to the sessions of a user on all nodes, except `except`.
    pub(crate) fn emit_to_user(
        &self,
        tenant: Option<&str>,
        user: &str,
        event: &ServerEvent,
        except: Option<&SessionId>,
    ) {
        self.post_to_user(tenant, user, event, except);
        self.send_to_nodes(|| NodeMessage::User {
            tenant: tenant.map(str::to_owned),
            user: user.to_owned(),
            event: event.clone(),
        });
    }

    /// Sends an event to the sessions of a tenant, or to those without one, on all nodes, except
    /// `except`.
    pub(crate) fn emit_to_tenant(
        &self,
        tenant: Option<&str>,
        event: &ServerEvent,
        except: Option<&SessionId>,
    ) {
        self.post_to_tenant(tenant, event, except);
        self.send_to_nodes(|| NodeMessage::Tenant {
            tenant: tenant.map(str::to_owned),
            event: event.clone(),
        });
    }

    /// Sends an event to a session, on the node that has it. Returns whether that is this node.
    pub(crate) fn emit_to_session(
        &self,
        tenant: SessionTenant,
        session: &SessionId,
        event: ServerEvent,
    ) -> bool {
        if self.sessions.contains(session) {
            return self.post_to_session(&tenant, session, event);
        }
        self.send_to_nodes(|| NodeMessage::Session { tenant, session: session.clone(), event });
        false
    }

    /// Posts an event to one session, if it has this tenant. Returns whether it has.
    fn post_to_session(&self, tenant: &SessionTenant, session: &SessionId, event: ServerEvent) -> bool {
        let port = self.sessions.port_of(session, |identity| match tenant {
            SessionTenant::Any => true,
            SessionTenant::Only(tenant) => identity.tenant() == tenant.as_deref(),
        });
        if let Some(port) = &port {
            port.post_event(None, event);
        }
        port.is_some()
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
