//! The HTTP side: the routes, the upgrade to a socket, the first paint, and the server loop.

pub(crate) mod cross_origin;
pub(crate) mod listen;
pub(crate) mod render;
mod router;
pub(crate) mod serve;
pub(crate) mod upgrade;
