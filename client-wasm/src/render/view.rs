//! One component's DOM: a tree of block instances.

use vivaz_template::compiled::WireState;

use super::Stage;
use super::apply::{Dirty, Painter, Taken};
use super::blueprint::{Blueprint, LOCAL};
use super::scope::{Frame, Surroundings};
use crate::client::{Origin, Slot};
use crate::dom::{Dom, Op};
use crate::patch::{Change, What};
use crate::value::{Key, Val};

/// A piece of DOM that was made from a block.
#[derive(Debug, Default)]
pub(super) struct Instance {
    pub(super) block: usize,
    /// The number of its root; those of its parts' places follow.
    pub(super) node: u32,
    pub(super) locals: Vec<Val>,
    pub(super) parts: Vec<Part>,
}

/// What grows and shrinks inside an instance.
#[derive(Debug)]
pub(super) enum Part {
    /// The rows of a list, and a hash of each one's key.
    Rows { rows: Vec<Instance>, keys: Vec<u64> },
    /// The arm of a condition that shows.
    Arm(Option<Box<Instance>>),
    /// The props that a child component was given last, as JSON, and its key.
    Child { props: String, key: u64 },
}

impl Instance {
    /// The instances inside it.
    fn inside(&self) -> impl Iterator<Item = &Instance> {
        self.parts.iter().flat_map(|part| match part {
            Part::Rows { rows, .. } => rows.as_slice(),
            Part::Arm(Some(arm)) => std::slice::from_ref(&**arm),
            Part::Arm(None) | Part::Child { .. } => &[],
        })
    }

    /// Visits it and all instances inside it.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Instance)) {
        visit(self);
        self.inside().for_each(|instance| instance.each(visit));
    }

    /// The numbers of the instances on the way to the one at `node`, innermost first.
    pub(super) fn path_to(&self, node: u32, nodes: &mut Vec<u32>) -> bool {
        let found = self.node == node || self.inside().any(|instance| instance.path_to(node, nodes));
        if found {
            nodes.push(self.node);
        }
        found
    }
}

/// The state of the wire, as far as a view shows it.
pub(crate) trait Wire {
    /// Something of the component is unanswered: called from this element, or of this name, or anything.
    fn is_loading(&self, from: Option<Origin>, action: Option<&str>) -> bool;
    /// An edit is unanswered: of that field, or any.
    fn is_dirty(&self, field: Option<&str>) -> bool;
    fn is_offline(&self) -> bool;
}

impl dyn Wire + '_ {
    pub(super) fn is_on(&self, state: WireState, from: Option<Origin>, target: Option<&str>) -> bool {
        match state {
            WireState::Loading => self.is_loading(if target.is_some() { None } else { from }, target),
            WireState::Dirty => self.is_dirty(target),
            WireState::Offline => self.is_offline(),
        }
    }
}

/// A component's DOM.
pub(crate) struct View {
    pub(super) blueprint: &'static Blueprint,
    pub(super) root: Instance,
}

impl View {
    /// Fills the element of the component at `slot` from nothing.
    pub(crate) fn build<D: Dom>(
        blueprint: &'static Blueprint,
        slot: Slot,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) -> Self {
        let mut painter = Painter::new(blueprint, stage, wire);
        let node = painter.root(slot, Op::Rebuild);
        let root = painter.fill(0, node, &Frame::outermost(around), None);
        Self { blueprint, root }
    }

    /// Takes over what the server rendered in the element of the component at `slot`. `shape` says what its renderer
    /// chose. Whether the nodes are as it says is known after the next flush.
    pub(crate) fn adopt<D: Dom>(
        blueprint: &'static Blueprint,
        slot: Slot,
        shape: &[u32],
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) -> Self {
        let mut painter = Painter::new(blueprint, stage, wire);
        let node = painter.root(slot, Op::Root);
        let frame = Frame::outermost(around);
        let mut root = painter.adopt(0, node, &frame, None, &mut shape.iter().copied());
        painter.update(&mut root, &frame, None, &Dirty::all());
        Self { blueprint, root }
    }

    /// Lets go of all its nodes. What is in the page stays there.
    pub(crate) fn drop<D: Dom>(mut self, wire: &dyn Wire, stage: &mut Stage<D>) {
        let blueprint = self.blueprint;
        Painter::new(blueprint, stage, wire).forget(&mut self.root);
    }

    /// Shows changes of the component's own fields, or of the topic under a field.
    pub(crate) fn show<D: Dom>(
        &mut self,
        shared: Option<Key>,
        changes: &[Change],
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        let blueprint = self.blueprint;
        let mut dirty = Dirty::none();
        let mut lists: Vec<Taken<'_>> = Vec::new();
        for change in changes {
            let place = match shared {
                Some(root) => (root, Some(change.field)),
                None => (change.field, None),
            };
            dirty.mask |= blueprint.mask(place.0, place.1);
            match &change.what {
                // Two runs of steps for one list, or steps after a new value: only the end counts then.
                What::List(steps)
                    if !changes.iter().any(|c| !std::ptr::eq(c, change) && c.field == change.field) =>
                {
                    lists.push((place, steps));
                }
                What::List(_) | What::Value => {}
            }
        }
        dirty.lists = &lists;
        let frame = Frame::outermost(around);
        Painter::new(blueprint, stage, wire).update(&mut self.root, &frame, None, &dirty);
    }

    /// Shows everything anew: after a snapshot.
    pub(crate) fn show_all<D: Dom>(
        &mut self,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        self.run(&Dirty::all(), around, wire, stage);
    }

    /// Shows what depends on these bits.
    pub(crate) fn show_wire<D: Dom>(
        &mut self,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        self.run(&Dirty::of(super::blueprint::WIRE), around, wire, stage);
    }

    fn run<D: Dom>(
        &mut self,
        dirty: &Dirty<'_>,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        let blueprint = self.blueprint;
        Painter::new(blueprint, stage, wire).update(&mut self.root, &Frame::outermost(around), None, dirty);
    }

    /// Sets again, in the instance whose root is `node`, what the user may have changed: a box that was ticked and
    /// whose action was refused shows what counts.
    pub(crate) fn reassert<D: Dom>(
        &mut self,
        node: u32,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        let blueprint = self.blueprint;
        let dirty = Dirty { force: true, ..Dirty::of(super::blueprint::CONTROL) };
        Painter::new(blueprint, stage, wire).find(
            &mut self.root,
            node,
            &Frame::outermost(around),
            None,
            &mut |painter, instance, frame, item| painter.update_own(instance, frame, item, &dirty),
        );
    }

    /// Sets a piece of the page's own state, `level` instances outwards from the one at `node`.
    pub(crate) fn set_local<D: Dom>(
        &mut self,
        (node, slot): (u32, usize),
        value: Val,
        around: &Surroundings<'_>,
        wire: &dyn Wire,
        stage: &mut Stage<D>,
    ) {
        let blueprint = self.blueprint;
        let mut value = Some(value);
        Painter::new(blueprint, stage, wire).find(
            &mut self.root,
            node,
            &Frame::outermost(around),
            None,
            &mut |painter, instance, frame, item| {
                if let (Some(local), Some(value)) = (instance.locals.get_mut(slot), value.take())
                    && *local != value
                {
                    *local = value;
                    painter.update(instance, frame, item, &Dirty::of(LOCAL));
                }
            },
        );
    }
}
