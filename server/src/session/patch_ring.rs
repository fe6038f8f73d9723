//! The last patches of a component. A page that was briefly away receives them instead of a
//! snapshot.

use std::collections::VecDeque;

use vivaz_protocol::Rev;

/// The maximum number of patches.
const PATCHES: usize = 32;
/// The maximum bytes of patches. If more has changed, a snapshot is as cheap.
const BYTES: usize = 4 * 1024;

/// Consecutive patches of a stream, up to its current revision.
#[derive(Debug, Default)]
pub(crate) struct PatchRing {
    patches: VecDeque<Box<str>>,
    bytes: usize,
}

impl PatchRing {
    /// Appends a patch and drops the oldest ones beyond the bounds.
    pub(crate) fn push(&mut self, patch: &str) {
        self.bytes += patch.len();
        self.patches.push_back(patch.into());
        while self.patches.len() > PATCHES || self.bytes > BYTES {
            self.drop_oldest();
        }
    }

    /// Returns the patches from revision `known` to `now`, each with the revision that it leads to.
    /// Returns `None` if one of them was dropped, or if `known` is not a revision of this stream.
    pub(crate) fn since(&self, known: Rev, now: Rev) -> Option<impl Iterator<Item = (Rev, &str)>> {
        let missing = usize::try_from(now.0.checked_sub(known.0)?).ok()?;
        let skipped = self.patches.len().checked_sub(missing)?;
        let patches = self.patches.iter().skip(skipped);
        Some(patches.enumerate().map(move |(at, patch)| (Rev(known.0 + 1 + at as u64), &**patch)))
    }

    /// Drops the patches up to revision `known`, because the page has them.
    pub(crate) fn drop_through(&mut self, known: Rev, now: Rev) {
        let Some(after) = now.0.checked_sub(known.0) else { return };
        while self.patches.len() as u64 > after {
            self.drop_oldest();
        }
        if self.patches.is_empty() {
            self.patches = VecDeque::new();
        }
    }

    /// Drops all patches, because none of them leads to the current revision.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.patches.pop_front() {
            self.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(ring: &PatchRing, known: u64, now: u64) -> Option<Vec<(u64, String)>> {
        Some(ring.since(Rev(known), Rev(now))?.map(|(rev, patch)| (rev.0, patch.to_owned())).collect())
    }

    #[test]
    fn a_page_gets_what_it_missed_or_nothing_at_all() {
        let mut ring = PatchRing::default();
        for rev in 1..=40 {
            ring.push(&rev.to_string());
        }
        assert_eq!(since(&ring, 40, 40), Some(vec![]));
        assert_eq!(since(&ring, 38, 40), Some(vec![(39, "39".into()), (40, "40".into())]));
        assert_eq!(since(&ring, 8, 40).map(|patches| patches.len()), Some(32));
        assert_eq!(since(&ring, 7, 40), None);
        assert_eq!(since(&ring, 41, 40), None);
    }

    #[test]
    fn a_patch_too_large_is_not_kept() {
        let mut ring = PatchRing::default();
        ring.push("1");
        ring.push(&"x".repeat(BYTES + 1));
        assert_eq!(since(&ring, 1, 2), None);
        assert_eq!(since(&ring, 2, 2), Some(vec![]));
        assert_eq!(ring.bytes, 0);
        ring.push(&"x".repeat(BYTES));
        assert_eq!(since(&ring, 2, 3).map(|patches| patches.len()), Some(1));
    }

    #[test]
    fn what_the_page_has_is_forgotten() {
        let mut ring = PatchRing::default();
        for rev in 1..=5 {
            ring.push(&rev.to_string());
        }
        ring.drop_through(Rev(3), Rev(5));
        assert_eq!(since(&ring, 2, 5), None);
        assert_eq!(since(&ring, 3, 5).map(|patches| patches.len()), Some(2));
        ring.drop_through(Rev(5), Rev(5));
        assert_eq!(ring.bytes, 0);
    }
}
