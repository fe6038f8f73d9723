//! Adopts DOM nodes that the server rendered.

use vivaz_template::code::hole;

use super::apply::Painter;
use super::list::Plan;
use super::scope::{Frame, Item};
use super::view::BlockInstance;
use crate::dom::Op;
use crate::value::Val;

impl Painter<'_> {
    /// Assigns numbers to the nodes of an instance that is already in the page. `shape` contains
    /// the row count of each list and the shown arm of each condition, in document order. Rows take
    /// their keys from the current state, by position; the update that follows sets the
    /// differences.
    pub(super) fn adopt(
        &mut self,
        block: u32,
        node: u32,
        up: &Frame<'_>,
        item: Item<'_>,
        shape: &mut std::slice::Iter<'_, Val>,
    ) -> BlockInstance {
        let mut instance = self.instance(block, node, up, item);
        let of = self.print.block(block);
        let BlockInstance { locals, parts, .. } = &mut instance;
        let frame = up.inside(item, node, locals);
        let (mut code, mut parts) = (of.code, parts.iter_mut());
        for _ in 0..of.holes {
            let of = code.hole();
            if of.kind != hole::VALUE
                && let Some(part) = parts.next()
            {
                let mut count = shape.next().and_then(Val::int).unwrap_or(0) as u32;
                let (mut plan, mut block) = (None, 0);
                let mut list = std::borrow::Cow::Owned(Val::Null);
                if of.kind == hole::ROWS {
                    let plan = plan.insert(Plan::read(&mut code, 0));
                    list = plan.list(&frame);
                    block = plan.block;
                } else {
                    code.int();
                    for arm in 1..=code.word() {
                        let of = code.word();
                        code.eval(&frame);
                        if arm == count {
                            block = of;
                        }
                    }
                    count = u32::from(block != 0);
                }
                let items = list.list().unwrap_or_default();
                // Each row is released separately, so its numbers are a range of their own.
                let nodes = self.print.block(block).nodes;
                let first = self.stage.fresh(nodes * count);
                let words = [node, of.at, first, count, nodes, self.print.base + block];
                if count > 0 {
                    self.stage.dom.put(Op::Rows, &words, &[]);
                }
                for at in 0..count {
                    let item =
                        plan.is_some().then(|| (items.get(at as usize).unwrap_or(&Val::Null), at as usize));
                    let mut row = self.adopt(block, first + at * nodes, &frame, item, shape);
                    row.key = plan.as_ref().map_or(0, |plan| plan.key(&frame, item));
                    part.push(row);
                }
            }
            code.at = of.end;
        }
        instance
    }
}
