//! Messages to all nodes: events for users, sessions and tenants, and the end of sessions.

use serde::{Deserialize, Serialize};
use vivaz_components::ServerEvent;
use vivaz_protocol::SessionId;

use super::{Address, Bus};
use crate::persist::store::Owner;

/// A message to all other nodes. A node that does not know a message, because it runs another
/// version of this crate, ignores it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeMessage {
    /// An event for the sessions of a user.
    User { tenant: Option<String>, user: String, event: ServerEvent },
    /// An event for a session, if it has the tenant.
    Session {
        tenant: SessionTenant,
        #[serde(with = "session_id")]
        session: SessionId,
        event: ServerEvent,
    },
    /// An event for the sessions of a tenant, or for those without one.
    Tenant { tenant: Option<String>, event: ServerEvent },
    /// An event for all sessions.
    All { event: ServerEvent },
    /// The access of an owner is revoked.
    Revoke { owner: Owner },
    /// A session ends.
    EndSession {
        #[serde(with = "session_id")]
        session: SessionId,
    },
}

/// The tenants whose session an event reaches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionTenant {
    /// Any tenant, and none.
    Any,
    /// This tenant; `None` is a session without a tenant.
    Only(Option<String>),
}

impl NodeMessage {
    /// Sends the message to all other nodes.
    pub(crate) fn send(&self, bus: &dyn Bus) {
        match serde_json::to_vec(self) {
            Ok(message) => bus.send(&Address::Everyone, message.into()),
            Err(error) => tracing::error!(%error, "cannot encode a message to other nodes"),
        }
    }

    /// Reads a message of another node.
    pub(crate) fn read(message: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(message)
    }
}

/// Writes the id of a session as text.
mod session_id {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use vivaz_protocol::SessionId;

    pub(super) fn serialize<S: Serializer>(session: &SessionId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(session.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SessionId, D::Error> {
        SessionId::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_read_as_it_was_sent() {
        let event = || ServerEvent::new("bell", &serde_json::json!({ "n": [1, 2.50] })).unwrap();
        let session = SessionId::new("s1").unwrap();
        let messages = [
            NodeMessage::User { tenant: Some("acme".to_owned()), user: "ann".to_owned(), event: event() },
            NodeMessage::Session { tenant: SessionTenant::Any, session: session.clone(), event: event() },
            NodeMessage::Session {
                tenant: SessionTenant::Only(None),
                session: session.clone(),
                event: event(),
            },
            NodeMessage::Tenant { tenant: None, event: event() },
            NodeMessage::All { event: event() },
            NodeMessage::Revoke { owner: Owner { login: Some("l".to_owned()), ..Owner::default() } },
            NodeMessage::EndSession { session },
        ];
        for message in messages {
            let text = serde_json::to_string(&message).unwrap();
            let read = NodeMessage::read(text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        assert!(NodeMessage::read(br#"{"later":{}}"#).is_err());
    }
}
