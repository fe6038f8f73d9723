//! The Vivaz template language.
//!
//! The way of a template: source text → [`parse`] → [`compile`](compiled) → on the server [`render`] to HTML for
//! the first paint, in the page the same compiled form drives the engine that keeps the DOM in step. Both sides
//! evaluate the same [`expr`]essions over whatever implements [`Data`].
//!
//! This crate does no I/O and knows neither sockets nor the DOM.

#[cfg(feature = "parse")]
pub mod check;
#[cfg(feature = "parse")]
mod compile;
pub mod compiled;
pub mod data;
mod decode;
#[cfg(feature = "parse")]
mod encode;
#[cfg(feature = "parse")]
mod error;
mod eval;
pub mod expr;
#[cfg(feature = "serde_json")]
mod json;
#[cfg(feature = "parse")]
mod program;
mod reads;
#[cfg(feature = "parse")]
mod render;
#[cfg(feature = "parse")]
mod source;
#[cfg(feature = "parse")]
mod syntax;
pub mod url;

#[cfg(feature = "parse")]
pub use compile::{Compiled, compile};
pub use compiled::{Block, Hole, HoleKind, Template};
pub use data::{Data, Kind, Name};
pub use decode::DecodeError;
#[cfg(feature = "parse")]
pub use error::{Position, TemplateError, nearest};
pub use eval::{Scope, Value};
pub use expr::Expr;
pub use reads::Read;
#[cfg(feature = "parse")]
pub use render::{ChildSlot, Fields, Rendered, render};
