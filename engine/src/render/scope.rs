//! Where the names of an expression lead.

use crate::client::Origin;
use crate::value::{Key, Val};

/// What a view shows besides itself: the state of its component, shared fields included, and that
/// of the wire.
pub(crate) trait Of {
    fn root(&self, field: Key) -> Option<&Val>;
    /// Whether the wire is in that state (0 something is unanswered, 1 an edit is, 2 offline): of
    /// the action or field `target`, where there is one, else for actions what was called from
    /// there, where that is an event's address.
    fn wire(&self, state: i64, target: Option<&str>, from: Origin) -> bool;
}

/// What is the same for all of a view.
pub(crate) struct Surroundings<'a> {
    pub(crate) of: &'a dyn Of,
    /// Whom the page was made for.
    pub(crate) user: &'a Val,
    /// The event that is being handled: an object of what expressions ask for.
    pub(crate) event: &'a Val,
}

/// The item of a row and its position.
pub(super) type Item<'a> = Option<(&'a Val, usize)>;

/// One block instance in the way from an expression outwards.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) up: Option<&'a Frame<'a>>,
    /// The item, where the block is the body of a `live:for`.
    item: Item<'a>,
    pub(super) node: u32,
    pub(super) locals: &'a [Val],
    pub(super) around: &'a Surroundings<'a>,
}

impl<'a> Frame<'a> {
    /// The frame outside of block 0, of which only the surroundings are looked at.
    pub(super) fn outermost(around: &'a Surroundings<'a>) -> Self {
        Frame { up: None, item: None, node: 0, locals: &[], around }
    }

    /// A frame inside this one.
    pub(super) fn inside(&'a self, item: Item<'a>, node: u32, locals: &'a [Val]) -> Self {
        Frame { up: Some(self), item, node, locals, around: self.around }
    }

    /// The item of the loop that is so many outwards.
    pub(super) fn row(&self, mut depth: u32) -> Item<'a> {
        let mut frame = self;
        loop {
            if frame.item.is_some() {
                if depth == 0 {
                    return frame.item;
                }
                depth -= 1;
            }
            frame = frame.up?;
        }
    }

    /// The instance that is so many outwards.
    pub(super) fn outwards(&self, level: u32) -> Option<&Frame<'a>> {
        let mut frame = self;
        for _ in 0..level {
            frame = frame.up?;
        }
        Some(frame)
    }
}
