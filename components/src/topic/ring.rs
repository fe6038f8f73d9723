//! The patches that a topic sent lately.

use std::collections::VecDeque;

use vivaz_protocol::Rev;

use super::Frame;

/// At most so many patches are kept.
const PATCHES: usize = 256;
/// At most so many bytes of them.
const BYTES: usize = 256 * 1024;

/// Recent patches, so that somebody who was away for a moment need not be sent everything.
#[derive(Default)]
pub(super) struct Ring {
    frames: VecDeque<(Rev, Frame)>,
    bytes: usize,
}

impl Ring {
    /// Adds the patch that led to that revision.
    pub(super) fn push(&mut self, rev: Rev, frame: Frame) {
        self.bytes += frame.bytes().len();
        self.frames.push_back((rev, frame));
        while self.frames.len() > PATCHES || self.bytes > BYTES {
            let Some((_, dropped)) = self.frames.pop_front() else { break };
            self.bytes -= dropped.bytes().len();
        }
    }

    /// Returns the patches after that revision with the revision of each, if all of them are still
    /// there.
    pub(super) fn since(&self, rev: Rev) -> Option<Vec<(Rev, Frame)>> {
        let next = Rev(rev.0.checked_add(1)?);
        let first = self.frames.iter().position(|(at, _)| *at == next)?;
        Some(self.frames.iter().skip(first).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fell_out_is_not_half_given() {
        let mut ring = Ring::default();
        for rev in 1..=300 {
            ring.push(Rev(rev), Frame::new(rev.to_string()));
        }
        assert_eq!(ring.since(Rev(298)).unwrap().len(), 2);
        assert_eq!(ring.since(Rev(44)).unwrap().len(), 256);
        assert!(ring.since(Rev(43)).is_none());
        assert!(ring.since(Rev(301)).is_none());
        ring.push(Rev(301), Frame::new("x".repeat(BYTES + 1)));
        assert!(ring.since(Rev(300)).is_none());
    }

    #[test]
    fn patches_are_kept_as_far_as_their_bytes_allow() {
        let mut ring = Ring::default();
        for rev in 1..=10 {
            ring.push(Rev(rev), Frame::new("x".repeat(BYTES / 4)));
        }
        assert_eq!(ring.since(Rev(6)).unwrap().len(), 4);
        assert!(ring.since(Rev(5)).is_none());
    }

    #[test]
    fn hundreds_of_patches_of_the_usual_size_are_kept() {
        let mut ring = Ring::default();
        for rev in 1..=PATCHES as u64 {
            ring.push(Rev(rev), Frame::new("x".repeat(500)));
        }
        assert_eq!(ring.since(Rev(0)).unwrap().len(), PATCHES);
    }
}
