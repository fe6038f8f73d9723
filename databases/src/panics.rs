//! Contains the panics of application code.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that calls the application or drops its values. Returns `None` if it panics.
///
/// The payload of the panic is a value of the application too, and is dropped in the same way.
pub(crate) fn contain<T>(code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            if let Err(nested) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                // Dropping a payload may panic again without an end.
                std::mem::forget(nested);
            }
            None
        }
    }
}
