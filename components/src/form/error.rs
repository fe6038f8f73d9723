//! Errors of reading a value.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::node::PROBES;
use super::text;

/// An error of a `Deserialize`, with its position in the tree.
#[derive(Debug)]
pub(super) struct ReadError {
    /// The node that was read, if that is known.
    pub(super) node: Option<usize>,
    pub(super) cause: ReadErrorKind,
}

#[derive(Debug)]
pub(super) enum ReadErrorKind {
    /// A struct misses this field.
    Missing(&'static str),
    /// A struct has these fields, and the names in the object are composed of them (`tags[]`,
    /// `address.city`).
    Regroup(&'static [&'static str]),
    /// The value is of another type than the expected one.
    Type(Got, String),
    Other(String),
}

/// The value that a type got instead.
#[derive(Debug)]
pub(super) enum Got {
    /// The text at this address.
    Text(usize),
    /// The probe of this node.
    Probe(usize),
    /// `None`
    Nothing,
    Other(String),
}

impl ReadError {
    /// Sets the node, unless a nested one is set.
    pub(super) fn at(mut self, node: usize) -> Self {
        self.node.get_or_insert(node);
        self
    }

    /// Returns whether the error means that the type does not accept `None`.
    pub(super) fn ends_try(&self) -> bool {
        matches!(self.cause, ReadErrorKind::Type(Got::Nothing, _))
    }

    pub(super) fn other(message: impl Into<String>) -> Self {
        ReadErrorKind::Other(message.into()).into()
    }

    /// Returns the message for a user.
    pub(super) fn message(&self) -> String {
        match &self.cause {
            ReadErrorKind::Missing(_) => text::MISSING.to_owned(),
            ReadErrorKind::Regroup(_) => "has ambiguous fields".to_owned(),
            ReadErrorKind::Other(message) => message.clone(),
            ReadErrorKind::Type(got, expected) => text::wanted(expected).unwrap_or_else(|| {
                let got = match got {
                    Got::Text(_) | Got::Probe(_) => "a text",
                    Got::Nothing => "nothing",
                    Got::Other(got) => got,
                };
                format!("must be {expected}, not {got}")
            }),
        }
    }
}

impl From<ReadErrorKind> for ReadError {
    fn from(cause: ReadErrorKind) -> Self {
        Self { node: None, cause }
    }
}

impl Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::other(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let got = if let Unexpected::Str(text) = unexpected {
            Got::Text(text.as_ptr().addr())
        } else if let Unexpected::Char(c) = unexpected
            && let Some(node) = u32::from(c).checked_sub(PROBES)
        {
            Got::Probe(node as usize)
        } else if let Unexpected::Option = unexpected {
            Got::Nothing
        } else {
            Got::Other(unexpected.to_string())
        };
        ReadErrorKind::Type(got, expected.to_string()).into()
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        Self::other(format!("must be one of {}", names.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        ReadErrorKind::Missing(field).into()
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for ReadError {}
