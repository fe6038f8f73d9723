//! Iteration over a tree.

use std::ops::Range;
use std::slice;

use super::{Subtree, Tree};

/// The entries of a [`Tree`] in order.
pub(in crate::list) struct Iter<'a, E> {
    root: &'a Subtree<E>,
    /// The rest of the leaf that is read from the front.
    front: slice::Iter<'a, E>,
    /// The positions of the entries between the two leaves.
    middle: Range<usize>,
    /// The rest of the leaf that is read from the back.
    back: slice::Iter<'a, E>,
}

impl<'a, E> Iter<'a, E> {
    pub(super) fn new(tree: &'a Tree<E>) -> Self {
        Self { root: &tree.root, front: [].iter(), middle: 0..tree.len(), back: [].iter() }
    }
}

impl<'a, E> Iterator for Iter<'a, E> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        if self.front.as_slice().is_empty() && !self.middle.is_empty() {
            let (leaf, at) = self.root.leaf(self.middle.start);
            let rest = leaf.get(at..).unwrap_or_default();
            let rest = rest.get(..self.middle.len()).unwrap_or(rest);
            self.middle.start += rest.len();
            self.front = rest.iter();
        }
        self.front.next().or_else(|| self.back.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.front.len() + self.middle.len() + self.back.len();
        (len, Some(len))
    }
}

impl<E> DoubleEndedIterator for Iter<'_, E> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.as_slice().is_empty() && !self.middle.is_empty() {
            let (leaf, at) = self.root.leaf(self.middle.end - 1);
            let rest = leaf.get(..=at).unwrap_or_default();
            let rest = rest.get(rest.len().saturating_sub(self.middle.len())..).unwrap_or(rest);
            self.middle.end -= rest.len();
            self.back = rest.iter();
        }
        self.back.next_back().or_else(|| self.front.next_back())
    }
}

impl<E> ExactSizeIterator for Iter<'_, E> {}

impl<E> Clone for Iter<'_, E> {
    fn clone(&self) -> Self {
        Self {
            root: self.root,
            front: self.front.clone(),
            middle: self.middle.clone(),
            back: self.back.clone(),
        }
    }
}
