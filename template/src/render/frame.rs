//! The names in scope while a block is rendered: one frame for each block instance, on the stack.

use crate::data::{Data, Name};
use crate::eval::Scope;
use crate::expr::{LocalRef, Special};
use crate::render::Fields;

/// What all frames share.
pub(crate) struct Root<'a, D> {
    pub(crate) state: &'a dyn Fields<D>,
    pub(crate) user: Option<&'a D>,
}

/// One block instance.
pub(crate) struct Frame<'a, D> {
    root: &'a Root<'a, D>,
    outer: Option<&'a Frame<'a, D>>,
    /// The item and its position, if the block is a row.
    row: Option<(&'a D, usize)>,
    /// The block's own state, as far as it has its first values.
    pub(crate) locals: Vec<D>,
}

impl<'a, D: Data> Frame<'a, D> {
    /// The component itself.
    pub(crate) fn top(root: &'a Root<'a, D>) -> Self {
        Self { root, outer: None, row: None, locals: Vec::new() }
    }

    /// A row of a `live:for` in this frame.
    pub(crate) fn row(&'a self, item: &'a D, index: usize) -> Self {
        Self { root: self.root, outer: Some(self), row: Some((item, index)), locals: Vec::new() }
    }

    /// A row of a `live:for` in this frame, for its key alone: that reads the pieces of state of the block around.
    pub(crate) fn keyed(&'a self, item: &'a D, index: usize) -> Self {
        Self { locals: self.locals.clone(), ..self.row(item, index) }
    }

    /// An arm of a `live:if` in this frame.
    pub(crate) fn arm(&'a self) -> Self {
        Self { root: self.root, outer: Some(self), row: None, locals: Vec::new() }
    }

    /// Where fields are looked up.
    pub(crate) fn root(&self) -> &'a dyn Fields<D> {
        self.root.state
    }

    /// This frame and those around it, innermost first.
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |frame| frame.outer)
    }

    fn nth_row(&self, depth: u16) -> Option<(&D, usize)> {
        self.outwards().filter_map(|frame| frame.row).nth(depth.into())
    }
}

impl<D: Data> Scope<D> for Frame<'_, D> {
    fn root(&self, name: &Name) -> Option<&D> {
        self.root.state.field(name)
    }

    fn item(&self, depth: u16) -> Option<&D> {
        self.nth_row(depth).map(|(item, _)| item)
    }

    fn index(&self, depth: u16) -> usize {
        self.nth_row(depth).map_or(0, |(_, index)| index)
    }

    fn local(&self, at: LocalRef) -> Option<&D> {
        self.outwards().nth(at.level.into())?.locals.get(usize::from(at.slot))
    }

    fn special(&self, which: Special) -> Option<&D> {
        match which {
            Special::User => self.root.user,
            Special::Value | Special::Checked | Special::Form | Special::Event | Special::Temp => None,
        }
    }
}
