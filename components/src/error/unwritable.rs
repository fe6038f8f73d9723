//! Errors of values that cannot be written or stored.

/// A value has no JSON form: its type does not serialise, a number is not finite, or a list's key
/// is invalid.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be written as JSON")]
pub struct NotSerializable {
    /// Names the value, for the log.
    what: String,
    source: serde_json::Error,
}

impl NotSerializable {
    pub(crate) fn of(what: String, source: serde_json::Error) -> Self {
        Self { what, source }
    }

    pub(crate) fn field(name: &str, source: serde_json::Error) -> Self {
        Self::of(format!("the field `{name}`"), source)
    }
}

/// A field changes when it is saved and restored, or cannot be restored. Checked in debug builds
/// only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRestored {
    #[error(
        "the field `{field}` is saved as {saved} and cannot be read back: its type's serde does not round-trip"
    )]
    Unreadable { field: &'static str, saved: String, source: serde_json::Error },
    #[error(
        "the field `{field}` is saved as {saved} and comes back as {back}: its type's serde does not round-trip"
    )]
    Different { field: &'static str, saved: String, back: String },
}
