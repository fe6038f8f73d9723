//! The page's engine: what a page does with the messages of its server and the events of its user.
//!
//! An event goes through [`Page`] → `client` (a `ref`, a guess laid over the state) → a
//! [`SocketCommand`]. A frame of the server goes through `client` → `store` (patch applied, guess
//! dropped) → `render` (only what reads a changed field) → [`Ops`]. The engine knows neither
//! sockets nor clocks nor nodes: the caller has those. `client-wasm` is the caller in the browser,
//! `vivaz::testing` the one in tests.

mod client;
mod dom;
// In tests too, so that it does not fall behind.
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod list;
mod page;
mod patch;
mod render;
mod shared;
mod slots;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod value;

pub use client::SocketCommand;
pub use dom::{Op, Ops};
pub use page::Page;
pub use slots::Slot;
pub use store::Tag;
#[cfg(target_arch = "wasm32")]
pub use value::Numbers;
pub use value::{Key, Val, parse};
