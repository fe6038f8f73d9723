//! A page without a browser: a document in memory, and what its user does.
//!
//! This is what a browser does, once more: `client-wasm/js/dom.js`, `events.js` and some of the
//! modules. Both are held together by the cases in `client-wasm/cases.json`, which run here and in
//! Chromium.

mod block;
mod children;
mod controls;
mod document;
mod edits;
mod events;
mod look;
mod tree;

pub use children::{ChildChange, Mount};
pub use document::{Document, EventEffect};
pub use events::{Event, Fire, Handler};
pub use tree::Node;

#[cfg(test)]
mod tests;
