//! Changes of a stream's state: written straight to text where they are made, read and applied by those who follow.

mod key;
mod write;

#[cfg(feature = "serde")]
mod apply;
#[cfg(feature = "serde")]
mod diff;
#[cfg(feature = "serde")]
mod model;

#[cfg(feature = "serde")]
pub use apply::ApplyError;
#[cfg(feature = "serde")]
pub use diff::DiffError;
pub use key::{Key, KeyRef};
#[cfg(feature = "serde")]
pub use model::{Change, ListOp, Patch, PatchError};
pub(crate) use write::write_key;
pub use write::{ListWriter, PatchWriter};
