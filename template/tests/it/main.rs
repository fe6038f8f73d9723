//! The template language from source to HTML, and its errors.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test matches only its own cases")]

mod checks;
mod corpus;
mod docs;
mod dom;
mod engine;
mod escaping;
mod expressions;
mod forms;
mod golden;
mod hostile;
mod pages;
mod partials;
mod places;
mod raw_html;
mod walk;
