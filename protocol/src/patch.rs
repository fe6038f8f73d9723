//! Patches of a stream's state: written directly as text by the server, parsed and applied by
//! followers.

mod apply;
mod diff;
mod key;
mod model;
mod write;

pub use apply::ApplyError;
pub use diff::DiffError;
pub use key::{Key, KeyRef};
pub use model::{FieldChange, ListOp, Patch, PatchError};
pub(crate) use write::write_key;
pub use write::{ListWriter, PatchWriter};
