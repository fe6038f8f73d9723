//! The Vivaz template language.
//!
//! The way of a template: source text → [`parse`] → [`compile`](compiled) → on the server [`render`] to HTML for
//! the first paint, in the page the same compiled form drives the engine that keeps the DOM in step. Both sides
//! evaluate the same [`expr`]essions over whatever implements [`Data`].
//!
//! This crate does no I/O and knows neither sockets nor the DOM.

pub mod compiled;
pub mod data;
mod decode;
#[cfg(feature = "parse")]
mod encode;
mod eval;
pub mod expr;
#[cfg(feature = "serde_json")]
mod json;
mod reads;
pub mod url;

pub use compiled::{Block, Hole, HoleKind, Template};
pub use data::{Data, Kind, Name};
pub use decode::DecodeError;
pub use eval::{Scope, Value};
pub use expr::Expr;
pub use reads::Read;
