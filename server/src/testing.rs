//! A kit for tests of applications: pages without a browser, on a network that the test controls.
//!
//! A test runs the production code between a page and a component: sessions, order, exactly-once,
//! patches, and seals. The engine of the browser's client runs over a document in memory instead of
//! the browser's DOM. A pipe in memory replaces the socket. A test takes milliseconds, needs no
//! port, and may pause time.

pub(crate) mod app;
mod browser;
pub mod client;
mod cluster;
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
pub use client::{Answer, Ask, Breach, Client, Received, Refusal, Stream};
pub use cluster::{MemoryCluster, MemoryNode};
pub use conformance::{
    ClusterCase, ClusterTransaction, ClusterUnderTest, ManualClock, StoreCase, bus_cases, log_cases,
    log_transaction_cases, store_cases,
};
pub use faults::{Fault, Faults, FaultyStore};
pub use line::Moment;
pub use network::Network;
pub use page::{Call, Confirmation, Event, MountError, OpenError, Page, PageEffects};
pub use server::Server;
pub use view::View;
pub use vivaz_protocol::{ComponentId, Epoch, Ref, Rev, StreamId, TopicName};
