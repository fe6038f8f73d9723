//! The browser side of Vivaz: [`vivaz_engine`] over the browser's WebSocket and DOM.
//!
//! An event: `js/events.js` finds what listens → [`engine`] → `vivaz_engine` → `transport`. A frame
//! of the server: `transport` → `vivaz_engine` → `dom` (operations, run by `js/dom.js`).

mod dom;
pub mod engine;
#[cfg(target_arch = "wasm32")]
mod memory;
mod transport;
