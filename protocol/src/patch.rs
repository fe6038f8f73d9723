//! Changes of a stream's state: written straight to text where they are made, read and applied by those who follow.

mod write;

pub use write::{KeyRef, ListWriter, PatchWriter};
