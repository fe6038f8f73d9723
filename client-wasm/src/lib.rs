//! The browser side of Vivaz.
//!
//! The way of a click: `js/events.js` finds what listens → [`engine`] → `page` → `client` (a `ref`, a guess laid
//! over the state) → `transport`. The way back: transport → client → `store` (patch applied, guess dropped) →
//! `render` (only what reads a changed field) → `dom` (operations, run by `js/dom.js`).

mod client;
mod dom;
pub mod engine;
// In tests too, so that it does not fall behind.
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod list;
#[cfg(target_arch = "wasm32")]
mod memory;
mod page;
mod patch;
mod render;
mod slots;
mod store;
mod transport;
mod value;
