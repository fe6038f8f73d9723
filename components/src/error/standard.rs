//! Using an [`ActionError`] as a [`std::error::Error`].

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

use super::{ActionError, ErrorParts};

impl ActionError {
    /// Converts the error into one that implements [`std::error::Error`], for the error types of
    /// other crates. `?` converts it back: code, message and details are kept.
    ///
    /// ```
    /// use vivaz_components::{ActionError, ErrorCode};
    ///
    /// let standard = ActionError::forbidden("not yours").into_error();
    /// assert_eq!(standard.to_string(), "forbidden: not yours");
    /// assert_eq!(ActionError::from(standard).code(), ErrorCode::Forbidden);
    /// ```
    #[must_use]
    pub fn into_error(self) -> impl StdError + Send + Sync + 'static {
        self.0
    }
}

impl Deref for ActionError {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl AsRef<dyn StdError + Send + Sync> for ActionError {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &**self
    }
}

impl AsRef<dyn StdError> for ActionError {
    fn as_ref(&self) -> &(dyn StdError + 'static) {
        &*self.0
    }
}

impl From<ActionError> for Box<dyn StdError + Send + Sync> {
    fn from(error: ActionError) -> Self {
        error.0
    }
}

impl From<ActionError> for Box<dyn StdError> {
    fn from(error: ActionError) -> Self {
        error.0
    }
}

/// Converts an error of another type. Restores the [`ActionError`] from which it was made, if there
/// is one.
pub(super) fn from_standard<E: StdError + Send + Sync + 'static>(error: E) -> ActionError {
    let error: Box<dyn StdError + Send + Sync> = Box::new(error);
    match error.downcast::<Box<ErrorParts>>() {
        Ok(inner) => ActionError(*inner),
        Err(other) => ActionError::internal(other),
    }
}

impl StdError for ErrorParts {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Without the sources: reports of errors follow them.
impl fmt::Display for ErrorParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl fmt::Debug for ErrorParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionError")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, Errors};

    type Boxed = Box<dyn StdError + Send + Sync>;

    #[derive(Debug, thiserror::Error)]
    enum Wrapped {
        #[error("wrapped")]
        Action(#[from] ActionError),
    }

    fn failed() -> Result<(), ActionError> {
        Err(ActionError::internal("the disk is full"))
    }

    #[test]
    fn an_action_error_goes_wherever_an_error_goes() {
        let boxed = || -> Result<(), Boxed> { Ok(failed()?) };
        let plain = || -> Result<(), Box<dyn StdError>> { Ok(failed()?) };
        let wrapped = || -> Result<(), Wrapped> { Ok(failed()?) };
        let boxed = boxed().unwrap_err();
        assert_eq!(boxed.to_string(), "action_failed: the action failed");
        assert_eq!(boxed.source().unwrap().to_string(), "the disk is full");
        assert_eq!(plain().unwrap_err().to_string(), boxed.to_string());
        let wrapped = wrapped().unwrap_err();
        let action = wrapped.source().unwrap();
        assert_eq!(action.to_string(), boxed.to_string());
        assert_eq!(action.source().unwrap().to_string(), "the disk is full");
        let error = failed().unwrap_err();
        let shown: &(dyn StdError + 'static) = error.as_ref();
        assert_eq!(shown.to_string(), boxed.to_string());
        assert_eq!(format!("{:?}", error.into_error()), format!("{boxed:?}"));
    }

    #[test]
    fn a_question_mark_keeps_code_message_and_details() {
        fn standard(error: ActionError) -> Result<(), impl StdError + Send + Sync + 'static> {
            Err(error.into_error())
        }
        let back = |error: ActionError| -> Result<(), ActionError> { Ok(standard(error)?) };
        let error = back(ActionError::invalid(Errors::of("seat", "is taken"))).unwrap_err();
        assert_eq!((error.code(), error.message()), (ErrorCode::Invalid, "some fields are not valid"));
        assert_eq!(error.errors().unwrap().get("seat"), ["is taken"]);
        let error = back(ActionError::internal("the disk is full")).unwrap_err();
        assert_eq!(ActionError::source(&error).unwrap().to_string(), "the disk is full");
    }
}
