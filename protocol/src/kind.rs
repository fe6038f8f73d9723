//! The names of messages as closed enums, so that a receiver handles every one.

use crate::words::kind;

macro_rules! kinds {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:ident,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of the published tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => kind::$word,)* }
            }

            /// The type that a word names; `None` for one that is not known in this direction.
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
    /// What a client may say.
    ClientType {
        /// The first message of a connection: a new session or the one to resume.
        Hello = HELLO,
        /// Mounts a component under an id that the client chose.
        Mount = COMPONENT_MOUNT,
        /// Calls an action.
        Action = COMPONENT_ACTION,
        /// Writes one model field.
        Property = PROPERTY_UPDATE,
        /// Gives a child new props.
        Props = PROPS_UPDATE,
        /// Takes a component away.
        Unmount = COMPONENT_UNMOUNT,
        /// Asks for a stream's whole state.
        Resync = RESYNC,
        /// Asks for a template by its hash.
        Template = TEMPLATE,
        /// Asks for a `PONG` with the same payload.
        Ping = PING,
    }
}

impl ClientType {
    /// Whether a message of this type carries a `ref` (and a `componentId`) and gets exactly one reply by it.
    pub const fn has_ref(self) -> bool {
        match self {
            Self::Mount | Self::Action | Self::Property | Self::Props | Self::Unmount => true,
            Self::Hello | Self::Resync | Self::Template | Self::Ping => false,
        }
    }
}

kinds! {
    /// What a server may say.
    ServerType {
        /// The answer to `HELLO`.
        Welcome = WELCOME,
        /// A component is there, with its state.
        Mounted = COMPONENT_MOUNTED,
        /// A patch of one stream.
        Update = STATE_UPDATE,
        /// A stream's whole state.
        Snapshot = STATE_SNAPSHOT,
        /// A reply that changed nothing of the component's own state.
        Ack = ACK,
        /// A refusal.
        Error = ERROR,
        /// An application's event.
        Event = EVENT,
        /// A component is gone.
        Unmounted = COMPONENT_UNMOUNTED,
        /// This node is going away.
        Drain = DRAIN,
        /// A template, as asked.
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
