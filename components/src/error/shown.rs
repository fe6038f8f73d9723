//! Errors at the start of a program.

use std::error::Error;
use std::fmt;

/// Writes an error and its sources as one text. The `Debug` of errors that end a program calls it:
/// Rust prints that for an error which `main` returns, and for `unwrap`.
///
/// # Errors
/// Returns the formatter's error.
pub fn show(error: &(dyn Error + 'static), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let text = next.to_string();
        // A message often contains that of its source.
        if !said.contains(&text) {
            write!(f, ": {text}")?;
        }
        said = text;
        source = next.source();
    }
    Ok(())
}

/// Implements `Debug` for an error as its message.
#[macro_export]
#[doc(hidden)]
macro_rules! debug_as_message {
    ($($error:ty),+ $(,)?) => {
        $(impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::show(self, f)
            }
        })+
    };
}
