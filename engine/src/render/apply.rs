//! Updates block instances and their DOM nodes.

use vivaz_template::code::hole;

use super::Stage;
use super::blueprint::{Blueprint, BlueprintReader};
use super::scope::{Frame, Item};
use super::value::shown;
use super::view::BlockInstance;
use crate::dom::{Op, value};
use crate::patch::Step;

/// A list, identified by its field and the part of that field, and the steps applied to it.
pub(super) type Taken<'a> = ((i64, i64), &'a [Step]);

/// The changes that an update renders.
#[derive(Clone, Copy)]
pub(super) struct Dirty<'a> {
    /// Holes whose mask shares a bit with this one are updated.
    pub(super) mask: u64,
    /// Sets properties even if their value is unchanged, and only in this instance.
    pub(super) force: bool,
    /// Lists whose steps are known.
    pub(super) lists: &'a [Taken<'a>],
}

impl Dirty<'_> {
    pub(super) fn of(mask: u64) -> Self {
        Self { mask, force: false, lists: &[] }
    }

    pub(super) fn all() -> Self {
        Self::of(u64::MAX)
    }
}

/// Writes the operations that update instances.
pub(super) struct Painter<'a> {
    pub(super) print: &'a Blueprint,
    pub(super) stage: &'a mut Stage,
    text: String,
}

impl<'a> Painter<'a> {
    pub(super) fn new(print: &'a Blueprint, stage: &'a mut Stage) -> Self {
        Self { print, stage, text: String::new() }
    }

    /// Creates an instance of a block and renders its content. The instance is not in the page yet.
    pub(super) fn make(&mut self, block: u32, frame: &Frame<'_>, item: Item<'_>) -> BlockInstance {
        let node = self.stage.range(self.print.block(block).nodes);
        self.stage.dom.put(Op::Make, &[node, self.print.base + block], &[]);
        self.fill(block, node, frame, item)
    }

    /// Creates an instance whose skeleton is at `node` and renders its content.
    pub(super) fn fill(&mut self, block: u32, node: u32, frame: &Frame<'_>, item: Item<'_>) -> BlockInstance {
        let mut instance = self.instance(block, node, frame, item);
        self.update(&mut instance, frame, item, &Dirty::all());
        instance
    }

    /// Creates an instance with its locals and with empty parts.
    pub(super) fn instance(&self, block: u32, node: u32, frame: &Frame<'_>, item: Item<'_>) -> BlockInstance {
        let of = self.print.block(block);
        let mut instance = BlockInstance { block, node, ..BlockInstance::default() };
        let mut code = self.print.at(of.locals as usize);
        for _ in 0..code.word() {
            let value = code.eval(&frame.inside(item, node, &instance.locals)).into_owned();
            instance.locals.push(value);
        }
        for _ in 0..of.nodes / 2 {
            instance.parts.push(Vec::new());
        }
        instance
    }

    /// Updates an instance and its content.
    pub(super) fn update(
        &mut self,
        instance: &mut BlockInstance,
        up: &Frame<'_>,
        item: Item<'_>,
        dirty: &Dirty<'_>,
    ) {
        let block = self.print.block(instance.block);
        if block.mask & dirty.mask == 0 {
            return;
        }
        let BlockInstance { node, locals, parts, .. } = instance;
        let frame = up.inside(item, *node, locals);
        let (mut code, mut place, mut parts) = (block.code, *node + 1, parts.iter_mut());
        for _ in 0..block.holes {
            let of = code.hole();
            let hit = of.mask & dirty.mask != 0;
            if of.kind == hole::VALUE {
                if hit {
                    self.text.clear();
                    let mut kind = shown(&code.eval(&frame), &mut self.text);
                    if dirty.force {
                        kind |= value::FORCED;
                    }
                    self.stage.dom.put(Op::Set, &[*node, of.at, kind], &[&self.text]);
                }
            } else if let Some(part) = parts.next() {
                if dirty.force {
                } else if of.kind == hole::ROWS {
                    self.list(code, place, part, &frame, hit, dirty);
                } else {
                    self.arm(code, place, part, &frame, hit, dirty);
                }
                place += 2;
            }
            code.at = of.end;
        }
    }

    /// Updates a condition: a list that contains at most the arm whose condition is true.
    fn arm(
        &mut self,
        mut code: BlueprintReader<'_>,
        place: u32,
        part: &mut Vec<BlockInstance>,
        frame: &Frame<'_>,
        hit: bool,
        dirty: &Dirty<'_>,
    ) {
        let anchor = if code.int() == 0 { 0 } else { place + 1 };
        // Block 0 is never an arm.
        let shown = part.first().map_or(0, |arm| arm.block);
        let mut wanted = if hit { 0 } else { shown };
        if hit {
            for _ in 0..code.word() {
                let block = code.word();
                if code.holds(frame) {
                    wanted = block;
                    break;
                }
            }
        }
        if wanted == shown {
            if let Some(arm) = part.first_mut() {
                self.update(arm, frame, None, dirty);
            }
            return;
        }
        while let Some(mut old) = part.pop() {
            self.remove(&mut old);
        }
        if wanted != 0 {
            let new = self.make(wanted, frame, None);
            self.stage.dom.put(Op::Insert, &[place, new.node, anchor], &[]);
            part.push(new);
        }
    }

    /// Removes an instance from the page.
    pub(super) fn remove(&mut self, instance: &mut BlockInstance) {
        self.stage.dom.put(Op::Remove, &[instance.node], &[]);
        self.forget(instance);
    }

    /// Releases the numbers of an instance and of its content.
    pub(super) fn forget(&mut self, instance: &mut BlockInstance) {
        for part in &mut instance.parts {
            for inner in part {
                self.forget(inner);
            }
        }
        self.stage.release(instance.node, 1 + 2 * instance.parts.len() as u32);
    }

    /// Calls `act` with the instance whose root is `node`. Returns `false` if there is no such
    /// instance.
    pub(super) fn find(
        &mut self,
        instance: &mut BlockInstance,
        node: u32,
        up: &Frame<'_>,
        item: Item<'_>,
        act: &mut dyn FnMut(&mut Self, &mut BlockInstance, &Frame<'_>, Item<'_>),
    ) -> bool {
        if instance.node == node {
            act(self, instance, up, item);
            return true;
        }
        let block = self.print.block(instance.block);
        let BlockInstance { node: own, locals, parts, .. } = instance;
        let frame = up.inside(item, *own, locals);
        let (mut code, mut parts) = (block.code, parts.iter_mut());
        for _ in 0..block.holes {
            let of = code.hole();
            if of.kind != hole::VALUE
                && let Some(part) = parts.next()
            {
                let list = if of.kind == hole::ROWS {
                    super::list::Plan::read(&mut code, 0).list(&frame)
                } else {
                    Default::default()
                };
                let items = list.list().unwrap_or_default();
                for (at, row) in part.iter_mut().enumerate() {
                    let item = items.get(at).map(|item| (item, at));
                    if self.find(row, node, &frame, item, act) {
                        return true;
                    }
                }
            }
            code.at = of.end;
        }
        false
    }
}
