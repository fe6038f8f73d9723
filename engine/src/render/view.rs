//! One component's DOM: a tree of block instances.

use super::Stage;
use super::apply::{Dirty, Painter, Taken};
use super::blueprint::Blueprint;
use super::scope::{Frame, Surroundings};
use crate::client::Slot;
use crate::dom::Op;
use crate::patch::{Change, What};
use crate::shared::Shared;
use crate::value::{Key, Val};

/// A piece of DOM that was made from a block.
#[derive(Debug, Default)]
pub(super) struct BlockInstance {
    pub(super) block: u32,
    /// The number of its root; those of its parts' places follow. 0 for a row that has to be made.
    pub(super) node: u32,
    /// A row's: a hash of its key, and what of it is to be brought up to date.
    pub(super) key: u64,
    pub(super) touched: u64,
    pub(super) locals: Vec<Val>,
    /// What grows and shrinks inside it: the rows of each list, and of each condition the arm that
    /// holds.
    pub(super) parts: Vec<Vec<BlockInstance>>,
}

/// A component's DOM.
pub(crate) struct View {
    pub(crate) blueprint: Shared<Blueprint>,
    pub(super) root: BlockInstance,
}

impl View {
    /// Fills the element of the component at `slot`: from nothing, or out of what the server
    /// rendered there. `shape` says what its renderer chose. Whether the nodes are as it says is
    /// known after the next flush.
    pub(crate) fn new(
        blueprint: Shared<Blueprint>,
        slot: Slot,
        shape: Option<&[Val]>,
        around: &Surroundings<'_>,
        stage: &mut Stage,
    ) -> Self {
        let node = stage.range(blueprint.block(0).nodes);
        stage.dom.put(Op::Root, &[node, slot, blueprint.base, u32::from(shape.is_none())], &[]);
        let mut painter = Painter::new(&blueprint, stage);
        let frame = Frame::outermost(around);
        let root = match shape {
            Some(shape) => painter.adopt(0, node, &frame, None, &mut shape.iter()),
            None => painter.instance(0, node, &frame, None),
        };
        let mut view = Self { blueprint, root };
        view.show((0, super::ALL, None), (Key::NONE, &[]), around, stage);
        view
    }

    /// Lets go of all its nodes. What is in the page stays there.
    pub(crate) fn drop(mut self, stage: &mut Stage) {
        Painter::new(&self.blueprint, stage).forget(&mut self.root);
    }

    /// Shows what changed: what reads one of the mask, fields of the component, those of the topic
    /// under the field `shared`.
    ///
    /// Only in the instance whose root is `node`, unless that is 0: a piece of the page's own
    /// state, which is set; or without one what the user may have changed there, and that alone (a
    /// box that was ticked and whose action was refused shows what counts).
    pub(crate) fn show(
        &mut self,
        (node, mut mask, mut local): (u32, u64, Option<(usize, Val)>),
        (shared, changes): (Key, &[Change]),
        around: &Surroundings<'_>,
        stage: &mut Stage,
    ) {
        let mut lists: Vec<Taken<'_>> = Vec::new();
        for change in changes {
            let field = i64::from(change.field.id());
            let place = if shared == Key::NONE { (field, -1) } else { (i64::from(shared.id()), field) };
            mask |= self.blueprint.mask(place.0, place.1);
            // Two runs of steps for one list, or steps after a new value: only the end counts then.
            if let What::List(steps) = &change.what
                && !changes.iter().any(|c| !std::ptr::eq(c, change) && c.field == change.field)
            {
                lists.push((place, steps));
            }
        }
        let dirty = Dirty { mask, force: node != 0 && local.is_none(), lists: &lists };
        let (node, outermost) = (if node == 0 { self.root.node } else { node }, Frame::outermost(around));
        Painter::new(&self.blueprint, stage).find(
            &mut self.root,
            node,
            &outermost,
            None,
            &mut |painter, instance, frame, item| {
                if let Some((slot, value)) = local.take()
                    && let Some(local) = instance.locals.get_mut(slot)
                {
                    *local = value;
                }
                painter.update(instance, frame, item, &dirty);
            },
        );
    }
}
