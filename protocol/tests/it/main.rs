//! Tests of the public API.

#![expect(clippy::unwrap_used, reason = "a test fails at an unexpected error")]

mod compact;
mod documentation;
mod golden;
mod hostile;
mod properties;
