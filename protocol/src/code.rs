//! Codes of refused messages and of closed connections.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The `code` of an `ERROR`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// All codes, in the order of the published table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Parses a word; `None` if it is unknown.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// The message is invalid: not a JSON object, a field missing or of the wrong type, or nested
    /// too deep.
    Malformed = "malformed",
    /// `v` is an integer, but not a supported version.
    UnsupportedVersion = "unsupported_version",
    /// `type` is a string, but not the type of a client message.
    UnknownType = "unknown_type",
    /// No component is registered under the name, or it is not open and came without a seal.
    UnknownComponent = "unknown_component",
    /// The `componentId` is in use.
    DuplicateComponent = "duplicate_component",
    /// No component is mounted under the `componentId`.
    NotMounted = "not_mounted",
    /// The component has no such action.
    UnknownAction = "unknown_action",
    /// Too few arguments, too many, or one of the wrong type.
    BadArguments = "bad_arguments",
    /// The component has no such public field.
    UnknownProperty = "unknown_property",
    /// The field is public, but the page may not write it.
    ReadOnlyProperty = "read_only_property",
    /// The list has no item with the key: it was removed meanwhile or never existed.
    UnknownItem = "unknown_item",
    /// The value does not have the field's type.
    BadValue = "bad_value",
    /// Validation failed; `details` is `{field: [message]}`.
    Invalid = "invalid",
    /// A prop is unknown, missing, or of the wrong type.
    BadProps = "bad_props",
    /// The seal is forged, expired, or was made for another user or another component.
    BadSeal = "bad_seal",
    /// The operation requires a signed-in user.
    Unauthenticated = "unauthenticated",
    /// The user is not allowed to do this.
    Forbidden = "forbidden",
    /// The subject of the component, topic or action does not exist.
    NotFound = "not_found",
    /// Too many messages. The client retries after `retryMs`, with a new ref.
    RateLimited = "rate_limited",
    /// The server has no capacity now. The client retries after `retryMs`, with a new ref.
    Overloaded = "overloaded",
    /// A value exceeds a declared limit.
    TooLarge = "too_large",
    /// The session has the maximum number of components.
    TooManyComponents = "too_many_components",
    /// The handler failed. The message is for the user: the application's own, or a general one if
    /// the reason is only logged.
    ActionFailed = "action_failed",
    /// The handler panicked; its changes to the component are undone.
    Panicked = "panicked",
    /// The handler exceeded its time limit; its changes to the component are undone.
    Timeout = "timeout",
    /// The session is lost, and it is unknown whether the action ran. Created by the client, never
    /// sent.
    SessionLost = "session_lost",
    /// The action ran, but its reply is no longer stored.
    ReplyLost = "reply_lost",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The close code with which a client ends its session: the server deletes the session at once.
pub const CLOSE_LEFT: u16 = 4000;

macro_rules! close_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal => $then:ident,)*) => {
        /// The reason for which a server closed a connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum CloseCode { $($(#[$doc])* $variant = $code,)* }

        impl CloseCode {
            /// All codes, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Converts a number into a code; `None` if it is unknown.
            pub const fn from_u16(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// Returns what a client does after a close with this code.
            pub const fn after_close(self) -> AfterClose {
                match self { $(Self::$variant => AfterClose::$then,)* }
            }
        }
    };
}

close_codes! {
    /// The server is shutting down, after `DRAIN`.
    GoingAway = 1001 => ReconnectAfterDrain,
    /// A message exceeded `limits.messageBytes`.
    MessageTooBig = 1009 => Stop,
    /// Ten `malformed` answers in a row, or a first message other than `HELLO`.
    ProtocolViolation = 4400 => Stop,
    /// Authentication was refused or revoked.
    Unauthenticated = 4401 => Reload,
    /// No `HELLO` in time, or no message for two heartbeats.
    TimedOut = 4408 => Reconnect,
    /// Another connection took over the session.
    TakenOver = 4409 => WaitForUser,
    /// The session has ended.
    SessionEnded = 4410 => NewSession,
    /// The client does not read its messages.
    SlowConsumer = 4413 => Reconnect,
    /// `HELLO` in an unsupported version.
    UnsupportedVersion = 4426 => Reload,
    /// A thousand messages refused as `rate_limited` within ten seconds.
    RateLimited = 4429 => ReconnectSlowly,
    /// The server has reached its connection limit.
    Full = 4503 => ReconnectSlowly,
}

impl CloseCode {
    /// Returns the number on the wire.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }
}

/// What a client does after its connection was closed. A close without a known code means
/// [`Self::Reconnect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterClose {
    /// Reconnects with jitter and resumes the session.
    Reconnect,
    /// Reconnects after the delay given in `DRAIN`.
    ReconnectAfterDrain,
    /// Reconnects, starting from a long delay.
    ReconnectSlowly,
    /// Reloads the page.
    Reload,
    /// Requests a new session instead of the previous one.
    NewSession,
    /// Stays closed and reports the error.
    Stop,
    /// Stays closed until the user requests the session again.
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
    fn stop_codes_do_not_reconnect() {
        assert_eq!(CloseCode::ProtocolViolation.after_close(), AfterClose::Stop);
        assert_eq!(CloseCode::TakenOver.after_close(), AfterClose::WaitForUser);
        assert_eq!(CloseCode::SlowConsumer.after_close(), AfterClose::Reconnect);
    }
}
