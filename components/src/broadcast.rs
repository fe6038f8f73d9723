//! What a topic sends to all of its subscribers, encoded once.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

/// Content for any number of subscribers. The server encodes it when the first of them asks for the
/// frame; all others share those bytes.
pub struct Broadcast<T> {
    /// The default value once the frame is made and [`release`](Self::release) was called.
    content: T,
    frame: OnceLock<Bytes>,
}

impl<T> Broadcast<T> {
    /// Creates a broadcast that is not encoded yet.
    #[must_use]
    pub const fn new(content: T) -> Self {
        Self { content, frame: OnceLock::new() }
    }

    /// Returns the frame. Encodes it with `encode` if no subscriber has asked for it before, so
    /// every caller passes the same function.
    pub fn frame(&self, encode: impl FnOnce(&T) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| encode(&self.content)).clone()
    }

    /// Returns the content. It is empty once [`release`](Self::release) has dropped it.
    pub(crate) fn content(&self) -> &T {
        &self.content
    }
}

impl<T: Default> Broadcast<T> {
    /// Drops the content if the frame is encoded, so that the memory is not held twice.
    pub(crate) fn release(&mut self) {
        if self.frame.get().is_some() {
            self.content = T::default();
        }
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("encoded", &self.frame.get().is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_encoded_once() {
        let mut broadcast = Broadcast::new("a".to_owned());
        broadcast.release();
        for _ in 0..3 {
            assert_eq!(broadcast.frame(|content| content.clone().into()), "a");
            broadcast.release();
        }
        assert_eq!(broadcast.content(), "");
    }
}
