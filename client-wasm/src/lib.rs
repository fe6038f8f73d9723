//! The browser side of Vivaz: [`vivaz_engine`] over the browser's WebSocket and DOM.
//!
//! Path of an event: `js/events.js` (finds listeners) → [`engine`] → `vivaz_engine` → `transport`.
//! Path of a server's frame: `transport` → `vivaz_engine` → `dom` (`js/dom.js` runs operations).

mod dom;
pub mod engine;
#[cfg(target_arch = "wasm32")]
mod memory;
mod transport;
