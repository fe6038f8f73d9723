//! The errors that a handler may return. Other types are refused at compile time, because a
//! `Result` that is treated as an ordinary value would count as success.

use crate::ActionError;

/// An error that handlers, hooks and `mount` may return. It becomes an [`ActionError`], which
/// refuses the message and undoes the changes of the handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that a component's method may return",
    label = "this method returns `Result<_, {Self}>`",
    note = "accepted are `ActionError` (for a text that the user reads: `ActionError::user(text)`), `Errors`, every type that \
            implements `std::error::Error + Send + Sync + 'static`, and every type with `impl From<{Self}> for ActionError`"
)]
pub trait HandlerError {
    /// Converts the error.
    fn into_action_error(self) -> ActionError;
}

// Otherwise rustc reports that `ActionError: From<E>` is missing, which does not name the accepted
// types.
#[diagnostic::do_not_recommend]
impl<E: Into<ActionError>> HandlerError for E {
    fn into_action_error(self) -> ActionError {
        self.into()
    }
}

/// A value that contains no `Result`. No type implements it: it is the bound of the checks that
/// refuse such values.
#[diagnostic::on_unimplemented(
    message = "a component's method cannot return `{Self}`: the error inside would count as success",
    label = "this method returns a `Result` inside another value",
    note = "return `Result<T, E>` itself: `Option<Result<T, E>>` becomes one with `transpose()`, a `Result` in a `Result` with `?`"
)]
pub trait Settled {}

/// A value that an action returns to the page.
#[diagnostic::on_unimplemented(
    message = "an action cannot return `{Self}`: the page gets the value as JSON, and the type is not `Serialize`",
    label = "this method returns the value",
    note = "add `#[derive(serde::Serialize)]` to the type, or return nothing"
)]
pub trait ActionValue: serde::Serialize {}

impl<T: serde::Serialize> ActionValue for T {}
