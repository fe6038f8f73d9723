//! The names in scope while a block is rendered: one frame for each block instance, on the stack.

use crate::data::{Data, Name};
use crate::eval::Scope;
use crate::expr::{LocalRef, Special};
use crate::render::StateFields;

/// The facts about a request that the template of a page can read.
#[derive(Debug)]
pub struct PageRequest<'a, D> {
    /// The path of the page, which `live:current` compares with links.
    pub path: &'a str,
    /// The value of `$user`.
    pub user: Option<&'a D>,
    /// The value of `$flash`.
    pub flash: Option<&'a D>,
}

/// Data that all frames share.
pub(crate) struct RenderRoot<'a, D> {
    pub(crate) state: &'a dyn StateFields<D>,
    pub(crate) user: Option<&'a D>,
    /// The fields of a submitted form.
    pub(crate) form: Option<&'a D>,
    pub(crate) flash: Option<&'a D>,
}

/// The frame of one block instance.
pub(crate) struct RenderFrame<'a, D> {
    root: &'a RenderRoot<'a, D>,
    outer: Option<&'a RenderFrame<'a, D>>,
    /// The item and its position, if the block is a row.
    row: Option<(&'a D, usize)>,
    /// The block's own locals that are already initialised.
    pub(crate) locals: Vec<D>,
}

impl<'a, D: Data> RenderFrame<'a, D> {
    /// Creates the frame of the component itself.
    pub(crate) fn top(root: &'a RenderRoot<'a, D>) -> Self {
        Self { root, outer: None, row: None, locals: Vec::new() }
    }

    /// Creates the frame of a row of a `live:for` in this frame.
    pub(crate) fn row(&'a self, item: &'a D, index: usize) -> Self {
        Self { root: self.root, outer: Some(self), row: Some((item, index)), locals: Vec::new() }
    }

    /// Creates the frame for the key of a row of a `live:for` in this frame: a key reads the locals
    /// of the enclosing block.
    pub(crate) fn keyed(&'a self, item: &'a D, index: usize) -> Self {
        Self { locals: self.locals.clone(), ..self.row(item, index) }
    }

    /// Creates the frame of an arm of a `live:if` in this frame.
    pub(crate) fn arm(&'a self) -> Self {
        Self { root: self.root, outer: Some(self), row: None, locals: Vec::new() }
    }

    /// Returns the source of fields.
    pub(crate) fn root(&self) -> &'a dyn StateFields<D> {
        self.root.state
    }

    /// Iterates over this frame and the enclosing ones, innermost first.
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |frame| frame.outer)
    }

    fn nth_row(&self, depth: u16) -> Option<(&D, usize)> {
        if depth == 0 && self.row.is_some() {
            return self.row;
        }
        self.outwards().filter_map(|frame| frame.row).nth(depth.into())
    }
}

impl<D: Data> Scope<D> for RenderFrame<'_, D> {
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
            Special::Flash => self.root.flash,
            Special::Form => self.root.form,
            Special::Value | Special::Checked | Special::Event | Special::Temp => None,
        }
    }
}
