//! Why a type did not read a value.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::node::PROBES;
use super::text;

/// An error of a `Deserialize`, with the place in the tree.
#[derive(Debug)]
pub(super) struct ReadError {
    /// The node that was read, if that is known.
    pub(super) node: Option<usize>,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// A struct misses this field.
    Missing(&'static str),
    /// A struct has these fields, and the names in the object are made of them (`tags[]`, `address.city`).
    Regroup(&'static [&'static str]),
    /// The value is of another type than this.
    Type(Got, String),
    Other(String),
}

/// What a type got instead of what it expects.
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
    /// Notes the node, if none further inside is noted.
    pub(super) fn at(mut self, node: usize) -> Self {
        self.node.get_or_insert(node);
        self
    }

    /// Whether it says that `None` is not what a type takes.
    pub(super) fn ends_try(&self) -> bool {
        matches!(self.cause, Cause::Type(Got::Nothing, _))
    }

    pub(super) fn other(message: impl Into<String>) -> Self {
        Cause::Other(message.into()).into()
    }

    /// The message for a user.
    pub(super) fn message(&self) -> String {
        match &self.cause {
            Cause::Missing(_) => text::MISSING.to_owned(),
            Cause::Regroup(_) => "has fields that cannot be told apart".to_owned(),
            Cause::Other(message) => message.clone(),
            Cause::Type(got, expected) => text::wanted(expected).unwrap_or_else(|| {
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

impl From<Cause> for ReadError {
    fn from(cause: Cause) -> Self {
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
        Cause::Type(got, expected.to_string()).into()
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let names: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        Self::other(format!("must be one of {}", names.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Cause::Missing(field).into()
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for ReadError {}
