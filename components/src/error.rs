//! Errors of components, and the part of them that pages see.

mod accepted;
mod field_errors;
mod serialized;
mod shown;
mod standard;
mod unwritable;

use std::error::Error as StdError;
use std::fmt;

use serde_json::value::RawValue;
use vivaz_protocol::ErrorCode;

pub use accepted::{ActionValue, HandlerError, Settled};
pub use field_errors::Errors;
pub(crate) use field_errors::{RefusedInput, RefusedValue, SAVED_REFUSALS};
pub use shown::show;
pub(crate) use unwritable::NotRestored;
pub(crate) use unwritable::NotSerializable;

/// The result of a handler.
pub type Result<T = (), E = ActionError> = std::result::Result<T, E>;

/// The reason why a handler, a mount or a topic refused.
///
/// `?` converts any [`std::error::Error`]: the page gets `action_failed` and a message without
/// details, and the error with its sources is logged. [`ActionError::user`] and
/// [`ActionError::invalid`] create errors with messages for the user.
///
/// ```
/// use vivaz_components::{ActionError, Result};
///
/// fn parse(text: &str) -> Result<u32> {
///     let n = text.trim().parse()?; // the page reads "the action failed", the log the reason
///     if n > 100 {
///         return Err(ActionError::user("at most a hundred, please"));
///     }
///     Ok(n)
/// }
/// assert_eq!(parse("7").unwrap(), 7);
/// assert_eq!(parse("700").unwrap_err().message(), "at most a hundred, please");
/// ```
///
/// # As a standard error
/// `ActionError` does not implement [`std::error::Error`] itself, like `anyhow::Error`: the
/// conversion above would overlap with the conversion of a type into itself, and `?` on the errors
/// of an application is more useful. It can still be used as an error:
/// - `?` converts it into a `Box<dyn Error>` and a `Box<dyn Error + Send + Sync>`;
/// - `thiserror` takes it as `#[from]` and `#[source]`;
/// - `&*error` and [`as_ref`](AsRef::as_ref) are a `&dyn Error` with its sources;
/// - [`into_error`](Self::into_error) returns a type that implements the trait, for `anyhow` and
///   others. `?` in a handler converts it back with its code, message and details.
pub struct ActionError(Box<ErrorParts>);

struct ErrorParts {
    code: ErrorCode,
    message: String,
    details: Option<Details>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

enum Details {
    Errors(Errors),
    Raw(Box<RawValue>),
}

impl ActionError {
    /// Creates an error with a code, and a message that the page may show.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorParts { code, message: message.into(), details: None, source: None }))
    }

    /// Creates `action_failed` with a message for the user.
    #[must_use]
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ActionFailed, message)
    }

    /// Creates `invalid` with the errors of fields. The component's errors field takes them,
    /// although the other changes of the action are undone.
    #[must_use]
    pub fn invalid(errors: Errors) -> Self {
        let mut error = Self::new(ErrorCode::Invalid, "some fields are not valid");
        error.0.details = Some(Details::Errors(errors));
        error
    }

    /// Adds the errors of fields.
    pub(crate) fn with_errors(mut self, errors: Errors) -> Self {
        self.0.details = Some(Details::Errors(errors));
        self
    }

    /// Creates `unauthenticated`: there is no user, and one is required.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(ErrorCode::Unauthenticated, "authentication required")
    }

    /// Creates `forbidden`: the user lacks the permission.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Creates `not_found`: the requested object does not exist, or must not be disclosed. A page
    /// whose component or topic returns it while it is rendered is answered with 404.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// Creates `action_failed` from an error that is logged and not shown.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::new(ErrorCode::ActionFailed, "the action failed");
        error.0.source = Some(source.into());
        error
    }

    /// Adds machine-readable details.
    #[must_use]
    pub fn with_details(mut self, details: Box<RawValue>) -> Self {
        self.0.details = Some(Details::Raw(details));
        self
    }

    /// Returns the code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Returns the message for the page.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the `details` for the page, in JSON.
    #[must_use]
    pub fn details(&self) -> Option<Box<RawValue>> {
        match self.0.details.as_ref()? {
            Details::Errors(errors) => serde_json::value::to_raw_value(errors).ok(),
            Details::Raw(raw) => Some(raw.clone()),
        }
    }

    /// Returns the field errors of an [`invalid`](Self::invalid) error, or of a value that does not
    /// fit its type.
    #[must_use]
    pub fn errors(&self) -> Option<&Errors> {
        match self.0.details.as_ref()? {
            Details::Errors(errors) => Some(errors),
            Details::Raw(_) => None,
        }
    }

    /// Returns the source: for the log, never for the page.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ActionError {
    fn from(error: E) -> Self {
        standard::from_standard(error)
    }
}

impl From<Errors> for ActionError {
    fn from(errors: Errors) -> Self {
        Self::invalid(errors)
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        let mut next = self.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

impl fmt::Debug for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A text in JSON with half of a surrogate pair, as `"\ud800"`.
const UNPAIRED: &str = "has a character that is not complete (half of a surrogate pair)";

/// Returns serde_json's message about a value of one line, in words for a user: without its line
/// and column. Half of a surrogate pair is the only possible error of an escape in valid JSON.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some(("lone leading surrogate in hex escape" | "unexpected end of hex escape", _)) => {
            UNPAIRED.to_owned()
        }
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}
