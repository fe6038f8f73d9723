//! One component's DOM: a tree of block instances.

use vivaz_template::code::{CONTROL, LOCAL, WIRE};

use super::Stage;
use super::apply::{Dirty, Painter, Taken};
use super::blueprint::Blueprint;
use super::scope::{Frame, Surroundings};
use crate::client::Slot;
use crate::dom::{Dom, Op};
use crate::patch::{Change, What};
use crate::value::{Key, Val};

/// A piece of DOM that was made from a block.
#[derive(Debug, Default)]
pub(super) struct Instance {
    pub(super) block: u32,
    /// The number of its root; those of its parts' places follow. 0 for a row that has to be made.
    pub(super) node: u32,
    /// A row's: a hash of its key, and what of it is to be brought up to date.
    pub(super) key: u64,
    pub(super) touched: u64,
    pub(super) locals: Vec<Val>,
    /// What grows and shrinks inside it: the rows of each list, and of each condition the arm that holds.
    pub(super) parts: Vec<Vec<Instance>>,
}

/// A component's DOM.
pub(crate) struct View {
    pub(super) blueprint: &'static Blueprint,
    pub(super) root: Instance,
}

impl View {
    /// Fills the element of the component at `slot`: from nothing, or out of what the server rendered there. `shape` says
    /// what its renderer chose. Whether the nodes are as it says is known after the next flush.
    pub(crate) fn new<D: Dom>(
        blueprint: &'static Blueprint,
        slot: Slot,
        shape: Option<Vec<u32>>,
        around: &Surroundings<'_>,
        stage: &mut Stage<D>,
    ) -> Self {
        let node = stage.range(blueprint.block(0).nodes);
        stage.dom.put(Op::Root, &[node, slot, blueprint.base, u32::from(shape.is_none())], &[]);
        let mut painter = Painter::new(blueprint, stage);
        let frame = Frame::outermost(around);
        let root = match shape {
            Some(shape) => painter.adopt(0, node, &frame, None, &mut shape.into_iter()),
            None => painter.instance(0, node, &frame, None),
        };
        let mut view = Self { blueprint, root };
        view.show_all(around, stage);
        view
    }

    /// Lets go of all its nodes. What is in the page stays there.
    pub(crate) fn drop<D: Dom>(mut self, stage: &mut Stage<D>) {
        Painter::new(self.blueprint, stage).forget(&mut self.root);
    }

    /// Shows changes of the component's own fields, or of the topic under a field.
    pub(crate) fn show<D: Dom>(
        &mut self,
        shared: Option<Key>,
        changes: &[Change],
        around: &Surroundings<'_>,
        stage: &mut Stage<D>,
    ) {
        let mut mask = 0;
        let mut lists: Vec<Taken<'_>> = Vec::new();
        for change in changes {
            let field = i64::from(change.field.id());
            let place = shared.map_or((field, -1), |root| (i64::from(root.id()), field));
            mask |= self.blueprint.mask(place.0, place.1);
            // Two runs of steps for one list, or steps after a new value: only the end counts then.
            if let What::List(steps) = &change.what
                && !changes.iter().any(|c| !std::ptr::eq(c, change) && c.field == change.field)
            {
                lists.push((place, steps));
            }
        }
        self.run(&Dirty { lists: &lists, ..Dirty::of(mask) }, around, stage);
    }

    /// Shows everything anew: after a snapshot.
    pub(crate) fn show_all<D: Dom>(&mut self, around: &Surroundings<'_>, stage: &mut Stage<D>) {
        self.run(&Dirty::all(), around, stage);
    }

    /// Shows the state of the wire.
    pub(crate) fn show_wire<D: Dom>(&mut self, around: &Surroundings<'_>, stage: &mut Stage<D>) {
        self.run(&Dirty::of(WIRE), around, stage);
    }

    fn run<D: Dom>(&mut self, dirty: &Dirty<'_>, around: &Surroundings<'_>, stage: &mut Stage<D>) {
        Painter::new(self.blueprint, stage).update(&mut self.root, &Frame::outermost(around), None, dirty);
    }

    /// Sets again, in the instance whose root is `node`, what the user may have changed (a box that was ticked and
    /// whose action was refused shows what counts); or a piece of the page's own state there, where one is given.
    pub(crate) fn touch<D: Dom>(
        &mut self,
        node: u32,
        mut local: Option<(usize, Val)>,
        around: &Surroundings<'_>,
        stage: &mut Stage<D>,
    ) {
        let outermost = Frame::outermost(around);
        let mut dirty = Dirty { force: true, ..Dirty::of(CONTROL) };
        Painter::new(self.blueprint, stage).find(
            &mut self.root,
            node,
            &outermost,
            None,
            &mut |painter, instance, frame, item| {
                if let Some((slot, value)) = local.take() {
                    let Some(local) = instance.locals.get_mut(slot) else { return };
                    if *local == value {
                        return;
                    }
                    *local = value;
                    dirty = Dirty::of(LOCAL);
                }
                painter.update(instance, frame, item, &dirty);
            },
        );
    }
}
