//! A page without a browser: a document in memory and the actions of its user.
//!
//! This module reimplements `client-wasm/js/dom.js`, `events.js` and some of the modules, in at
//! most 1,250 lines of code without `html/`, which is the part that a browser has itself. The cases
//! in `client-wasm/cases.json` run here and in Chromium, and keep both implementations equal.

mod activation;
mod attributes;
mod block;
mod children;
mod controls;
mod document;
mod effect;
mod events;
mod html;
mod instances;
mod parts;

pub use activation::Activation;
pub use children::{ChildChange, Mount};
pub use document::Document;
pub use effect::EventEffect;
pub use events::{Event, Fire, Handler};
pub use html::tree::{Node, NodeTree};

#[cfg(test)]
mod tests;
