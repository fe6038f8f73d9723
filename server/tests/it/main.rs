//! The server as programs see it: over real sockets, to the letter of the protocol.

mod app;
mod client;

mod actions;
mod exactly_once;
mod greeting;
mod hostile;
mod http;
mod limits;
mod mounting;
mod order;
mod paint;
mod resume;
mod rooms;
mod shutdown;
mod topics;
