//! Taking over what the server rendered.

use vivaz_template::compiled::HoleKind;

use super::apply::{Item, Painter, items, place};
use super::scope::Frame;
use super::view::{Instance, Part};
use crate::dom::{Dom, Op};
use crate::value::Val;

impl<D: Dom> Painter<'_, D> {
    /// Numbers the nodes of an instance that is in the page already. `shape` says how many rows each list has there
    /// and which arm each condition shows, in document order. Rows take their keys from the state as it is now, by
    /// position; the update that follows sets what differs.
    pub(super) fn adopt(
        &mut self,
        block: usize,
        node: u32,
        up: &Frame<'_>,
        item: Item<'_>,
        shape: &mut dyn Iterator<Item = u32>,
    ) -> Instance {
        let mut instance = self.instance(block, node, up, item);
        self.refer(&instance);
        let print = self.print;
        let (Some(plan), Some(of)) = (print.plans.get(block), print.template.blocks.get(block)) else {
            return instance;
        };
        let mut parts = std::mem::take(&mut instance.parts);
        let frame = up.inside(item, &instance.locals);
        for (hole, plan) in of.holes.iter().zip(&plan.holes) {
            let Some(at) = plan.part else { continue };
            let parent = place(&instance, at);
            match (&hole.kind, parts.get_mut(at)) {
                (HoleKind::For { list, key, block, .. }, Some(Part::Rows { rows, keys })) => {
                    let count = shape.next().unwrap_or(0);
                    let list = list.eval(&frame);
                    let items = items(&list);
                    let first = self.rows(parent, plan.start, count, *block);
                    for row in 0..count {
                        let item = items.get(row as usize);
                        let item = Some((item.unwrap_or(&Val::Null), row as usize));
                        let nodes = print.plans.get(*block).map_or(1, |plan| plan.nodes);
                        rows.push(self.adopt(*block, first + row * nodes, &frame, item, shape));
                        keys.push(super::list::key_of(key, &frame, item));
                    }
                }
                (HoleKind::If { arms, .. }, Some(Part::Arm(arm))) => {
                    let shown = (shape.next().unwrap_or(0) as usize).checked_sub(1);
                    if let Some((_, block)) = shown.and_then(|at| arms.get(at)) {
                        let first = self.rows(parent, plan.start, 1, *block);
                        *arm = Some(Box::new(self.adopt(*block, first, &frame, None, shape)));
                    }
                }
                _ => {}
            }
        }
        instance.parts = parts;
        instance
    }

    /// Numbers elements that stand one after the other.
    fn rows(&mut self, parent: u32, start: u32, count: u32, block: usize) -> u32 {
        let (nodes, template) =
            self.print.plans.get(block).map_or((1, 0), |plan| (plan.nodes, plan.template));
        // Each row is given back alone, so that its numbers are a range of their own.
        let first = self.stage.fresh(nodes * count);
        if count > 0 {
            self.stage.dom.put(Op::Rows, &[parent, start, first, count, nodes, template], &[]);
        }
        first
    }
}
