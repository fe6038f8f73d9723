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

/// The DOM nodes of one instance of a block.
#[derive(Debug, Default)]
pub(super) struct BlockInstance {
    pub(super) block: u32,
    /// The number of the root; two numbers follow for each part, its parent and its anchor. 0 for a
    /// row that has no DOM yet.
    pub(super) node: u32,
    /// Rows only: the hash of the key, and the mask of the pending updates.
    pub(super) key: u64,
    pub(super) touched: u64,
    pub(super) locals: Vec<Val>,
    /// The content of variable size: the rows of each list, and the shown arm of each condition.
    pub(super) parts: Vec<Vec<BlockInstance>>,
}

/// A component's DOM.
pub(crate) struct View {
    pub(crate) blueprint: Shared<Blueprint>,
    pub(super) root: BlockInstance,
}

impl View {
    /// Creates the view of the component at `slot`, with new nodes or with the nodes that the
    /// server rendered. `shape` contains the renderer's row counts and arms. A mismatch between the
    /// nodes and `shape` is detected at the next flush.
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

    /// Releases the numbers of all nodes. The nodes stay in the page.
    pub(crate) fn drop(mut self, stage: &mut Stage) {
        Painter::new(&self.blueprint, stage).forget(&mut self.root);
    }

    /// Renders changes: the holes that read a bit of the mask, and those that read a changed field
    /// of the component, or of the topic under the field `shared`.
    ///
    /// If `node` is not 0, only the instance with that root is updated. A given local is set there.
    /// Without a local, only the properties that the user may have changed are set again (a
    /// checkbox whose action was refused shows the state's value).
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
            // Steps are followed only if the field has no other change. Otherwise only its final
            // value counts.
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
