//! A sequence of states that pages follow: the state of a component, or of a topic.

use std::collections::VecDeque;
use std::sync::Arc;

use vivaz_protocol::Rev;

use crate::broadcast::Broadcast;
use crate::shown::ShownValue;

/// A patch that a [`Stream`] keeps for pages that miss it.
pub trait StreamPatch {
    /// The most patches that a stream keeps.
    const MOST: usize;
    /// The most bytes of patches that a stream keeps. A page that misses more gets a snapshot.
    const MOST_BYTES: usize;

    /// Returns the size in bytes, which never changes.
    fn bytes(&self) -> usize;
}

/// The revision of a state, with the last patches for pages that missed them.
///
/// A patch leads from one revision to the next. Revisions count within an epoch; a page that knows
/// the state of another epoch gets a snapshot. `E` names the epoch.
#[derive(Debug)]
pub struct Stream<E, P> {
    epoch: E,
    rev: Rev,
    /// The last patches in the order of their revisions, without a gap. The last one leads to
    /// `rev`.
    patches: VecDeque<P>,
    /// The size of `patches`.
    bytes: usize,
    /// The state at `rev`, once it was written.
    kept: Option<Box<KeptState>>,
}

/// A state that was written, in each form that was asked for.
#[derive(Debug, Default)]
struct KeptState {
    /// In JSON.
    snapshot: Option<Arc<Broadcast<Box<str>>>>,
    /// As templates read it.
    shown: Option<Arc<ShownValue>>,
}

impl<E, P: StreamPatch> Stream<E, P> {
    /// Creates a stream that is at revision `rev` of an epoch and keeps no patches.
    #[must_use]
    pub fn new(epoch: E, rev: Rev) -> Self {
        Self { epoch, rev, patches: VecDeque::new(), bytes: 0, kept: None }
    }

    /// Returns the epoch in which the revisions count.
    #[must_use]
    pub fn epoch(&self) -> &E {
        &self.epoch
    }

    /// Returns the current revision.
    #[must_use]
    pub fn rev(&self) -> Rev {
        self.rev
    }

    /// Advances to the next revision, to which `patch` leads, and keeps the patch as far as its
    /// type allows.
    pub fn advance(&mut self, patch: P) {
        self.rev = self.rev.next();
        self.kept = None;
        self.bytes += patch.bytes();
        self.patches.push_back(patch);
        while self.patches.len() > P::MOST || self.bytes > P::MOST_BYTES {
            self.drop_oldest();
        }
    }

    /// Advances to the next revision, to which no patch alone leads. A page that misses it gets a
    /// snapshot.
    pub fn advance_without_patch(&mut self) {
        self.rev = self.rev.next();
        self.kept = None;
        self.patches = VecDeque::new();
        self.bytes = 0;
    }

    /// Returns the patches that lead from `known` to the current revision, each with the revision
    /// to which it leads. Returns `None` if one of them is not kept any more, or `known` is not a
    /// revision of this stream.
    #[must_use]
    pub fn since(&self, known: Rev) -> Option<impl Iterator<Item = (Rev, &P)>> {
        let missing = usize::try_from(self.rev.0.checked_sub(known.0)?).ok()?;
        let skipped = self.patches.len().checked_sub(missing)?;
        let patches = self.patches.iter().skip(skipped);
        Some(patches.zip(known.0 + 1..).map(|(patch, rev)| (Rev(rev), patch)))
    }

    /// Drops the patches up to the revision `known`, which the only page has acknowledged.
    pub fn forget(&mut self, known: Rev) {
        let Some(after) = self.rev.0.checked_sub(known.0) else { return };
        while self.patches.len() as u64 > after {
            self.drop_oldest();
        }
        if self.patches.is_empty() {
            self.patches = VecDeque::new();
        }
    }

    /// Returns the state at the current revision, in JSON. Calls `write` if it is not kept yet.
    ///
    /// # Errors
    /// Returns the error of `write`.
    pub fn snapshot<X>(
        &mut self,
        write: impl FnOnce() -> Result<String, X>,
    ) -> Result<Arc<Broadcast<Box<str>>>, X> {
        let kept = self.kept.get_or_insert_default();
        if let Some(snapshot) = &kept.snapshot {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Broadcast::new(write()?.into_boxed_str()));
        kept.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Returns the state at the current revision, as templates read it. Calls `convert` if it is not
    /// kept yet.
    ///
    /// # Errors
    /// Returns the error of `convert`.
    pub fn shown<X>(
        &mut self,
        convert: impl FnOnce() -> Result<ShownValue, X>,
    ) -> Result<Arc<ShownValue>, X> {
        let kept = self.kept.get_or_insert_default();
        if let Some(shown) = &kept.shown {
            return Ok(Arc::clone(shown));
        }
        let shown = Arc::new(convert()?);
        kept.shown = Some(Arc::clone(&shown));
        Ok(shown)
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.patches.pop_front() {
            self.bytes -= oldest.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(String);

    impl StreamPatch for Text {
        const MOST: usize = 32;
        const MOST_BYTES: usize = 4 * 1024;

        fn bytes(&self) -> usize {
            self.0.len()
        }
    }

    fn stream() -> Stream<(), Text> {
        Stream::new((), Rev::ZERO)
    }

    fn since(stream: &Stream<(), Text>, known: u64) -> Option<Vec<(u64, &str)>> {
        Some(stream.since(Rev(known))?.map(|(rev, patch)| (rev.0, &*patch.0)).collect())
    }

    #[test]
    fn a_page_gets_all_patches_that_it_misses_or_none() {
        let mut stream = stream();
        for rev in 1..=40 {
            stream.advance(Text(rev.to_string()));
        }
        assert_eq!(since(&stream, 40), Some(vec![]));
        assert_eq!(since(&stream, 38), Some(vec![(39, "39"), (40, "40")]));
        assert_eq!(since(&stream, 8).map(|patches| patches.len()), Some(32));
        assert_eq!(since(&stream, 7), None);
        assert_eq!(since(&stream, 41), None);
    }

    #[test]
    fn patches_are_kept_as_far_as_their_bytes_allow() {
        let mut stream = stream();
        for _ in 1..=10 {
            stream.advance(Text("x".repeat(Text::MOST_BYTES / 4)));
        }
        assert_eq!(since(&stream, 6).map(|patches| patches.len()), Some(4));
        assert_eq!(since(&stream, 5), None);
    }

    #[test]
    fn a_patch_that_is_too_large_is_not_kept() {
        let mut stream = stream();
        stream.advance(Text("1".to_owned()));
        stream.advance(Text("x".repeat(Text::MOST_BYTES + 1)));
        assert_eq!(since(&stream, 1), None);
        assert_eq!(since(&stream, 2), Some(vec![]));
        assert_eq!(stream.bytes, 0);
        stream.advance(Text("x".repeat(Text::MOST_BYTES)));
        assert_eq!(since(&stream, 2).map(|patches| patches.len()), Some(1));
    }

    #[test]
    fn acknowledged_patches_are_dropped() {
        let mut stream = stream();
        for rev in 1..=5 {
            stream.advance(Text(rev.to_string()));
        }
        stream.forget(Rev(3));
        assert_eq!(since(&stream, 2), None);
        assert_eq!(since(&stream, 3).map(|patches| patches.len()), Some(2));
        stream.forget(Rev(5));
        assert_eq!(stream.bytes, 0);
    }

    #[test]
    fn a_revision_without_a_patch_is_a_gap() {
        let mut stream = stream();
        stream.advance(Text("1".to_owned()));
        stream.advance_without_patch();
        stream.advance(Text("3".to_owned()));
        assert_eq!(since(&stream, 1), None);
        assert_eq!(since(&stream, 2), Some(vec![(3, "3")]));
    }

    #[test]
    fn a_snapshot_is_written_once_for_each_revision() {
        let mut stream = stream();
        let mut written = 0;
        for rev in 0..3 {
            for _ in 0..2 {
                let snapshot = stream.snapshot(|| {
                    written += 1;
                    Ok::<_, ()>(rev.to_string())
                });
                assert_eq!(**snapshot.unwrap().content(), *rev.to_string());
            }
            stream.advance(Text(String::new()));
        }
        assert_eq!(written, 3);
    }
}
