//! Events for the members of rooms and the subscribers of topics on other nodes.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use vivaz_protocol::log::Escaped;

use crate::cluster::{Address, Bus, BusListener};
use crate::event::ServerEvent;

/// Listens to the bus until it is dropped. Not dropped while a lock is held that a listener takes.
pub(super) type ListenGuard = Box<dyn Any + Send + Sync>;

/// Sends an event to the nodes that listen to an address.
pub(super) fn send(bus: &dyn Bus, to: &Address, event: &ServerEvent) {
    match serde_json::to_vec(event) {
        Ok(message) => bus.send(to, message.into()),
        Err(error) => {
            tracing::error!(event = %Escaped(&event.name), %error, "an event was not sent to other nodes");
        }
    }
}

/// Calls `deliver` for each event that another node sends to an address.
pub(super) fn listen(
    bus: &dyn Bus,
    to: &Address,
    deliver: impl Fn(&ServerEvent) + Send + Sync + 'static,
) -> ListenGuard {
    let listener: BusListener =
        Arc::new(move |node, message: Bytes| match serde_json::from_slice(&message) {
            Ok(event) => deliver(&event),
            Err(error) => tracing::warn!(%node, %error, "cannot read an event of another node"),
        });
    bus.listen(to, listener)
}
