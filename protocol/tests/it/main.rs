//! The protocol as its users see it.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod documentation;
mod golden;
mod hostile;
mod properties;
