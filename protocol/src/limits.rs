//! Limits of the decoders.

/// Maximum number of items in the place of a child. No template nests that deep.
pub const MAX_PLACE: usize = 256;

/// Maximum number of steps in the path of a property, not counting the field's name.
pub const MAX_STEPS: usize = 32;

/// Maximum number of streams in a `HELLO`. Each entry may be answered with a snapshot.
pub const MAX_STREAMS: usize = 4_096;

/// Bounds that are checked before anything is allocated for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of a message, in bytes.
    pub message_bytes: usize,
    /// Maximum nesting depth of objects and arrays, including the message's own object.
    pub depth: usize,
}

impl Limits {
    /// The depth that the protocol fixes. A recursive parser's stack holds it, and state never
    /// needs more.
    pub const DEPTH: usize = 64;
    /// Maximum nesting depth of a field's value. The remaining levels hold the message and, in a
    /// patch, the operations of the lists that contain the value.
    pub const VALUE_DEPTH: usize = 56;
    /// Default of the maximum message size that a server declares, in bytes.
    pub const MESSAGE_BYTES: usize = 64 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes: Self::MESSAGE_BYTES, depth: Self::DEPTH }
    }
}
