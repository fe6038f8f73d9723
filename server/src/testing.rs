//! A kit for tests of applications: pages without a browser, on a network that the test controls.
//!
//! Everything between a page and a component is the real thing: sessions, order, exactly-once,
//! patches, seals, and the engine of the browser's client. In place of the socket there is a pipe
//! in memory, and in place of the browser's DOM a document in memory, so a test takes milliseconds,
//! needs no port, and time in it may be paused.

pub(crate) mod app;
mod browser;
pub mod client;
mod conformance;
mod faults;
mod line;
mod network;
mod page;
mod process;
mod property;
mod server;
mod view;

pub use browser::Browser;
pub use client::{Answer, Ask, Breach, Client, Heard, Refusal, Stream};
pub use conformance::{ManualClock, StoreCase, store_cases};
pub use faults::{Fault, Faults, FaultyStore};
pub use line::Moment;
pub use network::Network;
pub use page::{Call, Event, MountError, OpenError, Page};
pub use server::Server;
pub use view::View;
pub use vivaz_protocol::{ComponentId, Epoch, Ref, Rev, StreamId, TopicName};
