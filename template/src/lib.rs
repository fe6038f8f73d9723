//! The Vivaz template language.
//!
//! The path of a template: source text → [`compile`](compile()) → on the server
//! [`render`](render()) writes HTML for the first paint; in the page the same [compiled
//! form](compiled) drives the engine that updates the DOM. Both sides evaluate the same
//! [expressions](expr) over any type that implements [`Data`]. The [checks](check) of a template
//! are its conditions for the component's types.
//!
//! This crate does no I/O and depends on neither sockets nor the DOM. The page uses it without the
//! feature `parse`.
//!
//! ```
//! use serde_json::json;
//! use vivaz_template::{compile, render};
//!
//! let compiled = compile("<ul><li live:for='t in todos' live:key='t.id'>{{ t.text }}</li></ul>").expect("a valid template");
//! let rendered = render(&compiled, &json!({ "todos": [{ "id": 1, "text": "Water the plants" }] }), None);
//! assert_eq!(rendered.html, "<ul><li>Water the plants</li></ul>");
//!
//! // The page receives the compiled form as JSON: HTML, the positions of holes, and code.
//! let json: serde_json::Value = serde_json::from_str(&compiled.to_json(&|_| false)).expect("valid JSON");
//! assert_eq!(json[1], serde_json::json!(["todos", "text", "id"]));
//! ```

#[cfg(feature = "parse")]
pub mod check;
pub mod code;
#[cfg(feature = "parse")]
mod compile;
pub mod compiled;
#[cfg(feature = "parse")]
pub mod containment;
pub mod data;
#[cfg(feature = "parse")]
mod elements;
#[cfg(feature = "parse")]
mod encode;
#[cfg(feature = "parse")]
mod error;
#[cfg(feature = "parse")]
pub mod escape;
pub mod eval;
#[cfg(feature = "parse")]
mod expand;
pub mod expr;
#[cfg(feature = "parse")]
mod outline;
#[cfg(feature = "render")]
mod place;
#[cfg(feature = "parse")]
mod program;
#[cfg(feature = "parse")]
mod reads;
#[cfg(feature = "render")]
mod render;
pub mod route;
#[cfg(feature = "parse")]
mod source;
#[cfg(feature = "parse")]
mod sources;
#[cfg(all(feature = "render", feature = "serde_json"))]
mod submit;
#[cfg(feature = "parse")]
mod syntax;
pub mod url;

#[cfg(feature = "parse")]
pub use compile::{Compiled, TemplateKind, compile, compile_page, compile_with};
pub use compiled::{Block, Hole, HoleKind, Template};
pub use data::{Data, Kind, Name};
#[cfg(feature = "parse")]
pub use error::{Position, SourceText, TemplateError, nearest};
pub use eval::{Scope, Value, write_digits, write_int};
#[cfg(feature = "parse")]
pub use expand::TemplateLibrary;
pub use expr::Expr;
#[cfg(feature = "render")]
pub use place::{ChildAt, NoChild, RowIndex, child_at, push_key};
#[cfg(feature = "parse")]
pub use reads::Dependency;
#[cfg(feature = "render")]
pub use render::{
    ChildSlot, FormSlot, PageRequest, Rendered, StateFields, TypedForm, render, render_page, render_typed,
    render_within,
};
#[cfg(feature = "parse")]
pub use sources::PartialFile;
#[cfg(all(feature = "render", feature = "serde_json"))]
pub use submit::{FormEdit, FormField, SubmittedCall, SubmittedForm, submit_form};
