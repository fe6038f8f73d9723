//! Typed identifiers. Each constructor checks its input.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// The reason why a text or a number is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text is longer than this many bytes.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// The text contains a character that the id does not allow.
    #[error("contains a character that is not allowed")]
    Character,
    /// The number is outside 1 to 2^53 - 1.
    #[error("must be from 1 to 2^53 - 1")]
    Range,
    /// The text does not have the form of the id.
    #[error("has an invalid form")]
    Form,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        ///
        /// Cloning is cheap: the text is shared.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Maximum length, in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Creates an id from a text.
            ///
            /// # Errors
            /// Returns an error if the text is empty, too long, or contains a character that is not
            /// allowed.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if text.is_empty() {
                    return Err(IdError::Empty);
                }
                if text.len() > Self::MAX_BYTES {
                    return Err(IdError::TooLong(Self::MAX_BYTES));
                }
                let allowed: fn(char) -> bool = $allowed;
                if !text.chars().all(allowed) {
                    return Err(IdError::Character);
                }
                Ok(Self(text.into()))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

text_id! {
    /// The id of a component, chosen by the page: 1 to 64 characters of `A-Za-z0-9_-`, unique
    /// within the page's session.
    ComponentId, 64, is_name_character
}

text_id! {
    /// The name of a topic, chosen by the application, for example `chat/lobby`.
    TopicName, 256, |c| !c.is_control()
}

text_id! {
    /// The id of a session. The server creates it; clients treat it as opaque.
    SessionId, 64, |c| !c.is_control()
}

text_id! {
    /// The id of one connection of a session. The server creates it; clients treat it as opaque. It
    /// contains no colon, because `by` separates the connection from the ref with a colon.
    ConnectionId, 64, |c| !c.is_control() && c != ':'
}

text_id! {
    /// The epoch of a stream: revisions are comparable only within one epoch. The server creates
    /// it; clients treat it as opaque.
    Epoch, 64, |c| !c.is_control()
}

/// The number of a client's message: 1 to 2^53 - 1, strictly increasing within the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref(NonZeroU64);

impl Ref {
    /// The first number.
    pub const FIRST: Self = Self(NonZeroU64::MIN);
    /// The last number that a JavaScript number represents exactly.
    pub const MAX: u64 = (1 << 53) - 1;

    /// Creates a ref.
    ///
    /// # Errors
    /// Returns [`IdError::Range`] for 0 and for numbers from 2^53.
    pub const fn new(number: u64) -> Result<Self, IdError> {
        match NonZeroU64::new(number) {
            Some(n) if number <= Self::MAX => Ok(Self(n)),
            Some(_) | None => Err(IdError::Range),
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Returns the next number; `None` at the end of the range.
    pub const fn next(self) -> Option<Self> {
        match Self::new(self.get() + 1) {
            Ok(next) => Some(next),
            Err(_) => None,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The revision of a stream within its epoch: 0 when created, one more with every patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rev(pub u64);

impl Rev {
    /// The revision of a stream without a patch.
    pub const ZERO: Self = Self(0);

    /// Returns the next revision.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A unit of synchronisation: the state of one component or of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// A component's own state.
    Component(ComponentId),
    /// The state of a topic.
    Topic(TopicName),
}

impl StreamId {
    /// Parses `c:ID` or `t:TOPIC`, the form used in `HELLO`.
    ///
    /// # Errors
    /// Returns an error if the prefix is unknown or the rest is not a valid id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        use crate::words::stream;
        if let Some(id) = text.strip_prefix(stream::COMPONENT) {
            ComponentId::new(id).map(Self::Component)
        } else if let Some(name) = text.strip_prefix(stream::TOPIC) {
            TopicName::new(name).map(Self::Topic)
        } else {
            Err(IdError::Form)
        }
    }
}

impl From<ComponentId> for StreamId {
    fn from(id: ComponentId) -> Self {
        Self::Component(id)
    }
}

impl From<TopicName> for StreamId {
    fn from(name: TopicName) -> Self {
        Self::Topic(name)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::words::stream;
        match self {
            Self::Component(id) => write!(f, "{}{id}", stream::COMPONENT),
            Self::Topic(name) => write!(f, "{}{name}", stream::TOPIC),
        }
    }
}

/// The message whose action caused a topic's patch: `CONNECTION:REF`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Author {
    /// The connection that received the action.
    pub connection: ConnectionId,
    /// The number of the action's message.
    pub reference: Ref,
}

impl Author {
    /// Parses `CONNECTION:REF`.
    ///
    /// # Errors
    /// Returns an error if the text has another form.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (connection, number) = text.split_once(':').ok_or(IdError::Form)?;
        let number: u64 = number.parse().map_err(|_| IdError::Form)?;
        Ok(Self { connection: ConnectionId::new(connection)?, reference: Ref::new(number)? })
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.connection, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::{Author, ComponentId, ConnectionId, IdError, Ref, StreamId, TopicName};

    #[test]
    fn component_ids_have_the_permitted_characters() {
        assert!(ComponentId::new("Counter_1-a").is_ok());
        assert!(ComponentId::new(&"x".repeat(64)).is_ok());
        assert_eq!(ComponentId::new(&"x".repeat(65)), Err(IdError::TooLong(64)));
        assert_eq!(ComponentId::new(""), Err(IdError::Empty));
        for bad in ["a b", "a.b", "a/b", "ä", "a\0"] {
            assert_eq!(ComponentId::new(bad), Err(IdError::Character), "{bad:?}");
        }
    }

    #[test]
    fn refs_fit_into_a_javascript_number() {
        assert_eq!(Ref::new(0), Err(IdError::Range));
        assert_eq!(Ref::new(1 << 53), Err(IdError::Range));
        let last = Ref::new((1 << 53) - 1).unwrap();
        assert_eq!(last.next(), None);
        assert_eq!(Ref::FIRST.next().map(Ref::get), Some(2));
    }

    #[test]
    fn streams_and_authors_are_read_as_they_are_written() {
        for text in ["c:counter-1", "t:chat/lobby"] {
            assert_eq!(StreamId::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "c:", "x:a", "counter", "c:a b"] {
            assert!(StreamId::parse(bad).is_err(), "{bad:?}");
        }
        let author = Author { connection: ConnectionId::new("k3").unwrap(), reference: Ref::FIRST };
        assert_eq!(Author::parse(&author.to_string()), Ok(author));
        assert!(Author::parse("k3").is_err());
        assert!(Author::parse("k3:0").is_err());
        assert!(TopicName::new("chat/lob\nby").is_err());
    }
}
