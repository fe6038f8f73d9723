//! The types of messages as closed enums, so that receivers handle every type.

use crate::words::kind;

macro_rules! kinds {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:ident,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All types, in the order of the published tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => kind::$word,)* }
            }

            /// Parses a word; `None` if it is not a type of this direction.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $(kind::$word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

kinds! {
    /// The type of a client's message.
    ClientType {
        /// The first message of a connection: requests a new session or resumes one.
        Hello = HELLO,
        /// Mounts a component under an id chosen by the client.
        Mount = COMPONENT_MOUNT,
        /// Calls an action.
        Action = COMPONENT_ACTION,
        /// Writes a field that the page may edit.
        Property = PROPERTY_UPDATE,
        /// Changes the props of a component.
        Props = PROPS_UPDATE,
        /// Unmounts a component.
        Unmount = COMPONENT_UNMOUNT,
        /// Requests a stream's whole state.
        Resync = RESYNC,
        /// Requests a template by its hash.
        Template = TEMPLATE,
        /// Requests a `PONG` with the same payload.
        Ping = PING,
    }
}

impl ClientType {
    /// Returns whether messages of this type have a `ref` and a `componentId` and get exactly one
    /// reply.
    pub const fn has_ref(self) -> bool {
        match self {
            Self::Mount | Self::Action | Self::Property | Self::Props | Self::Unmount => true,
            Self::Hello | Self::Resync | Self::Template | Self::Ping => false,
        }
    }
}

kinds! {
    /// The type of a server's message.
    ServerType {
        /// The answer to `HELLO`.
        Welcome = WELCOME,
        /// A component was mounted; contains its state.
        Mounted = COMPONENT_MOUNTED,
        /// A patch of one stream.
        Update = STATE_UPDATE,
        /// A stream's whole state.
        Snapshot = STATE_SNAPSHOT,
        /// A reply without a patch of the component's own state.
        Ack = ACK,
        /// A refusal of a message.
        Error = ERROR,
        /// An event of the application.
        Event = EVENT,
        /// A component was unmounted.
        Unmounted = COMPONENT_UNMOUNTED,
        /// The server is shutting down.
        Drain = DRAIN,
        /// A requested template.
        Template = TEMPLATE,
        /// The answer to `PING`.
        Pong = PONG,
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientType, ServerType};

    #[test]
    fn words_and_types_agree_both_ways() {
        for &t in ClientType::ALL {
            assert_eq!(ClientType::parse(t.as_str()), Some(t));
        }
        for &t in ServerType::ALL {
            assert_eq!(ServerType::parse(t.as_str()), Some(t));
        }
        assert_eq!(ClientType::parse("WELCOME"), None);
        assert_eq!(ServerType::parse("HELLO"), None);
        assert_eq!(ClientType::parse("hello"), None);
    }
}
