//! Name resolution for expressions.

use crate::client::Origin;
use crate::value::{Key, Val};

/// Read access to the state of the component, including shared fields, and to the status of its
/// requests and of the connection.
pub(crate) trait Of {
    fn root(&self, field: Key) -> Option<&Val>;
    /// Checks a status. 0: an action is unanswered. 1: an edit is unanswered. 2: the connection is
    /// lost. `target` limits 0 and 1 to one action or field. Without a target, `from` limits 0 to
    /// the calls from there; if its hole is 0, to those that are no polls.
    fn wire(&self, state: i64, target: Option<&str>, from: Origin) -> bool;
}

/// The context shared by all expressions of a view.
pub(crate) struct Surroundings<'a> {
    pub(crate) of: &'a dyn Of,
    /// The user that the page was created for.
    pub(crate) user: &'a Val,
    /// The event in progress: an object with the values that expressions read.
    pub(crate) event: &'a Val,
}

/// The item of a row and its position.
pub(super) type Item<'a> = Option<(&'a Val, usize)>;

/// One block instance on the path from an expression to the root.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) up: Option<&'a Frame<'a>>,
    /// The item, if the block is the body of a `live:for`.
    item: Item<'a>,
    pub(super) node: u32,
    pub(super) locals: &'a [Val],
    pub(super) around: &'a Surroundings<'a>,
}

impl<'a> Frame<'a> {
    /// Creates the frame outside of block 0. Only its surroundings are read.
    pub(super) fn outermost(around: &'a Surroundings<'a>) -> Self {
        Frame { up: None, item: None, node: 0, locals: &[], around }
    }

    /// Creates a frame inside this one.
    pub(super) fn inside(&'a self, item: Item<'a>, node: u32, locals: &'a [Val]) -> Self {
        Frame { up: Some(self), item, node, locals, around: self.around }
    }

    /// Returns the item of the loop that is `depth` loops outwards.
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

    /// Returns the frame that is `level` frames outwards.
    pub(super) fn outwards(&self, level: u32) -> Option<&Frame<'a>> {
        let mut frame = self;
        for _ in 0..level {
            frame = frame.up?;
        }
        Some(frame)
    }
}
