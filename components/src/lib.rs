//! The component model of Vivaz.
//!
//! What the session in `vivaz` (the server crate) knows of a component is the object-safe [`instance::Instance`];
//! everything typed happens on this side of it.

pub mod instance;
