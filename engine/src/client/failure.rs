//! Failures of requests, and the error codes that the client handles or creates.

use vivaz_protocol::{ErrorCode, words};

use crate::value::{Key, Val};

/// The payload of an `ERROR`, or an object of the same form made by the client.
pub(crate) type Failure = Val;

// Constants, so that the client contains these words and not the whole table of `ErrorCode`.
pub(super) const BAD_SEAL: &str = ErrorCode::BadSeal.as_str();
pub(super) const BAD_VALUE: &str = ErrorCode::BadValue.as_str();
pub(super) const NOT_MOUNTED: &str = ErrorCode::NotMounted.as_str();
pub(super) const OVERLOADED: &str = ErrorCode::Overloaded.as_str();
pub(super) const RATE_LIMITED: &str = ErrorCode::RateLimited.as_str();
pub(super) const READ_ONLY_PROPERTY: &str = ErrorCode::ReadOnlyProperty.as_str();
pub(super) const SESSION_LOST: &str = ErrorCode::SessionLost.as_str();
pub(super) const TOO_LARGE: &str = ErrorCode::TooLarge.as_str();
pub(super) const UNKNOWN_ITEM: &str = ErrorCode::UnknownItem.as_str();
pub(super) const UNKNOWN_PROPERTY: &str = ErrorCode::UnknownProperty.as_str();

/// Creates a failure. `code` is one of the constants above.
pub(super) fn failure(code: &str, message: &str) -> Failure {
    Val::Obj(vec![
        (Key::of(words::payload::CODE), Val::text(code)),
        (Key::of(words::payload::MESSAGE), Val::text(message)),
    ])
}
