//! The template language from source to HTML, and what it refuses.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at what it is about")]

mod checks;
mod corpus;
mod docs;
mod dom;
mod engine;
mod escaping;
mod expressions;
mod golden;
mod hostile;
mod places;
mod raw_html;
mod walk;
