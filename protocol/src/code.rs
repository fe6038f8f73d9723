//! Why a message was refused, and why a connection was closed.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The `code` of an `ERROR`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every one, in the order in which they are published.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The code that a word names.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// Not a message: no JSON object, a field missing or of the wrong type, nested too deep.
    Malformed = "malformed",
    /// `v` is an integer, but not one that is spoken.
    UnsupportedVersion = "unsupported_version",
    /// `type` is a string, but none that a client may say.
    UnknownType = "unknown_type",
    /// No component is registered under that name, or it is not open and came without a seal.
    UnknownComponent = "unknown_component",
    /// The `componentId` is taken.
    DuplicateComponent = "duplicate_component",
    /// No component is mounted under that `componentId`.
    NotMounted = "not_mounted",
    /// The component has no such action.
    UnknownAction = "unknown_action",
    /// Too few, too many, or of the wrong type.
    BadArguments = "bad_arguments",
    /// The component has no such public field.
    UnknownProperty = "unknown_property",
    /// The field is public, but not the page's to write.
    ReadOnlyProperty = "read_only_property",
    /// The list has no item of that key: it was removed meanwhile, or was never there.
    UnknownItem = "unknown_item",
    /// The value is not of the field's type.
    BadValue = "bad_value",
    /// Failed validation; `details` is `{field: [message]}`.
    Invalid = "invalid",
    /// A prop is unknown, missing, or of the wrong type.
    BadProps = "bad_props",
    /// The seal is forged, expired, or was made for somebody or something else.
    BadSeal = "bad_seal",
    /// It takes a user, and there is none.
    Unauthenticated = "unauthenticated",
    /// The user may not.
    Forbidden = "forbidden",
    /// What the component, its topic or the action is about does not exist.
    NotFound = "not_found",
    /// Too many messages; `retryMs` says when to try again, with a new ref.
    RateLimited = "rate_limited",
    /// The server has no room for it now; `retryMs` says when to try again, with a new ref.
    Overloaded = "overloaded",
    /// A value past a declared limit.
    TooLarge = "too_large",
    /// The session has as many components as it may have.
    TooManyComponents = "too_many_components",
    /// The handler failed for a reason that is not the user's to know.
    ActionFailed = "action_failed",
    /// The handler panicked; what it did to its component is undone.
    Panicked = "panicked",
    /// The handler took longer than it may; what it did to its component is undone.
    Timeout = "timeout",
    /// The session is gone, and with it whether the action ran. Made by the client, never sent.
    SessionLost = "session_lost",
    /// The action ran, but its reply is no longer kept.
    ReplyLost = "reply_lost",
}

impl ErrorCode {
    /// Whether the client may try again by itself, with a new ref, after `retryMs`.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The close code with which a client says that it leaves for good: the session ends at once.
pub const CLOSE_LEFT: u16 = 4000;

macro_rules! close_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal => $then:ident,)*) => {
        /// Why a server closed a connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum CloseCode { $($(#[$doc])* $variant = $code,)* }

        impl CloseCode {
            /// Every one, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code that a number names.
            pub const fn from_u16(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// What a client does about it.
            pub const fn then(self) -> AfterClose {
                match self { $(Self::$variant => AfterClose::$then,)* }
            }
        }
    };
}

close_codes! {
    /// The server is going away, after `DRAIN`.
    GoingAway = 1001 => ReconnectAsTold,
    /// A message larger than `limits.messageBytes`.
    MessageTooBig = 1009 => Stop,
    /// Ten `malformed` answers in a row, or anything but `HELLO` first.
    ProtocolViolation = 4400 => Stop,
    /// Authentication refused or revoked.
    Unauthenticated = 4401 => Reload,
    /// No `HELLO` in time, or no sign of life for two heartbeats.
    TimedOut = 4408 => Reconnect,
    /// Another connection took this session.
    TakenOver = 4409 => WaitForUser,
    /// The session ended.
    SessionEnded = 4410 => StartAnew,
    /// The client does not read what it is sent.
    SlowConsumer = 4413 => Reconnect,
    /// `HELLO` in a version that is not spoken.
    UnsupportedVersion = 4426 => Reload,
    /// A thousand messages refused as `rate_limited` within ten seconds.
    RateLimited = 4429 => ReconnectSlowly,
    /// The server is at its connection limit.
    Full = 4503 => ReconnectSlowly,
}

impl CloseCode {
    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }
}

/// What a client does after its connection was closed. A close without one of the known codes is [`Self::Reconnect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterClose {
    /// Connects again, with jitter, and resumes its session.
    Reconnect,
    /// Connects again after the time that `DRAIN` told.
    ReconnectAsTold,
    /// Connects again, but starts from a long delay.
    ReconnectSlowly,
    /// Loads the page anew.
    Reload,
    /// Asks for a new session instead of the one it had.
    StartAnew,
    /// Stays closed, and reports.
    Stop,
    /// Stays closed until the user asks for the session back.
    WaitForUser,
}

#[cfg(test)]
mod tests {
    use super::{AfterClose, CloseCode, ErrorCode};

    #[test]
    fn codes_agree_both_ways() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        }
        for &code in CloseCode::ALL {
            assert_eq!(CloseCode::from_u16(code.as_u16()), Some(code));
        }
        assert_eq!(ErrorCode::parse("Malformed"), None);
        assert_eq!(CloseCode::from_u16(1000), None);
    }

    #[test]
    fn a_client_that_was_told_to_stop_does_not_come_back() {
        assert_eq!(CloseCode::ProtocolViolation.then(), AfterClose::Stop);
        assert_eq!(CloseCode::TakenOver.then(), AfterClose::WaitForUser);
        assert_eq!(CloseCode::SlowConsumer.then(), AfterClose::Reconnect);
    }
}
