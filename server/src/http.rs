//! HTTP: the routes, the upgrade to a WebSocket, the first paint, and the accept loop.

mod caching;
#[cfg(feature = "compression")]
pub(crate) mod compression;
pub(crate) mod cross_origin;
pub(crate) mod forms;
pub(crate) mod listen;
#[cfg(feature = "prometheus")]
mod metrics;
pub(crate) mod render;
mod router;
pub(crate) mod routes;
pub(crate) mod serve;
mod tickets;
pub(crate) mod upgrade;
