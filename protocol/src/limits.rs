//! What a decoder accepts at most.

/// How many items the place of a child has at most: more than any template nests.
pub const MAX_PLACE: usize = 256;

/// How many steps the path of a property has at most behind the field's name.
pub const MAX_STEPS: usize = 32;

/// Bounds that hold before anything is allocated for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes.
    pub message_bytes: usize,
    /// How deep objects and arrays may nest, the message's own object included.
    pub depth: usize,
}

impl Limits {
    /// The depth that the protocol fixes: below what a recursive parser's stack holds, above what state needs.
    pub const DEPTH: usize = 64;
    /// How deep the value of a field may nest. Around it are the message and, in a patch, the
    /// operations of the lists that it is in.
    pub const VALUE_DEPTH: usize = 56;
    /// The size that a server declares unless it is configured otherwise.
    pub const MESSAGE_BYTES: usize = 64 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes: Self::MESSAGE_BYTES, depth: Self::DEPTH }
    }
}
