//! The page's engine: handles messages from the server and events from the user.
//!
//! An event goes through [`Page`] → `client` (a `ref`, an optimistic update of the state) → a
//! [`SocketCommand`]. A frame of the server goes through `client` → `store` (applies the patch,
//! drops the optimistic update) → `render` (only readers of a changed field) → [`Ops`]. The engine
//! has no sockets, clocks or nodes; the caller owns them. The caller is `client-wasm` in the
//! browser and `vivaz::testing` in tests.

mod client;
mod dom;
// Compiled in tests too, so that it stays up to date.
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

pub use client::{Departure, SocketCommand};
pub use dom::{Op, Ops, phase};
pub use page::{Page, Presentation};
pub use slots::Slot;
pub use store::Tag;
#[cfg(target_arch = "wasm32")]
pub use value::Numbers;
pub use value::{Key, Val, parse};
