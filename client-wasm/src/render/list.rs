//! Keyed lists: rows follow the steps that a list took, or, where only its new value is known, are matched by key
//! and moved as little as possible.

use vivaz_template::Expr;

use super::apply::{Dirty, Item, Painter, hash};
use super::blueprint::{HolePlan, INDEX};
use super::scope::Frame;
use super::view::Instance;
use crate::dom::{Dom, Op};
use crate::patch::Step;
use crate::value::Val;

/// More steps than this, in an order that makes it costly to see where they end, and the list is matched by key.
const STEPS: usize = 2_000;

/// A list in the page.
pub(super) struct Target<'a> {
    pub(super) parent: u32,
    /// What stands behind the rows; 0 if nothing does.
    pub(super) anchor: u32,
    /// The parent has nothing but the rows.
    pub(super) alone: bool,
    pub(super) rows: &'a mut Vec<Instance>,
    pub(super) keys: &'a mut Vec<u64>,
    pub(super) block: usize,
    pub(super) key: &'a Expr,
}

/// The hash of a row's key. It stands in the block of the list, whose own pieces of state it may read.
pub(super) fn key_of(key: &Expr, frame: &Frame<'_>, item: Item<'_>) -> u64 {
    hash(&key.eval(&frame.inside(item, frame.locals)))
}

impl<D: Dom> Painter<'_, D> {
    /// Brings a list up to date.
    pub(super) fn list(
        &mut self,
        target: &mut Target<'_>,
        items: &[Val],
        frame: &Frame<'_>,
        plan: &HolePlan,
        dirty: &Dirty<'_>,
    ) {
        let Some(body) = self.print.plans.get(target.block) else { return };
        let mut inner = Dirty { lists: &[], ..*dirty };
        if dirty.hits(&plan.reads) {
            let steps = plan.list.and_then(|list| dirty.lists.iter().find(|(of, _)| *of == list));
            let only = !dirty.all && dirty.item.is_none();
            match steps {
                Some((_, steps)) if only && self.follow(target, items, frame, steps, body.depth) => {}
                _ => {
                    self.reconcile(target, items, frame);
                    // Whatever an item is now: its row is brought up to date, and the new ones see no difference. Where
                    // an item further out changed too, the rows may read both.
                    inner.all |= inner.item.is_some();
                    inner.item = Some((body.depth, &[]));
                }
            }
            inner.mask |= INDEX;
        }
        // The rows read more than their items: other fields, positions, the wire.
        if inner.all || inner.item.is_some() || body.reads.mask & inner.mask != 0 {
            for (at, (row, item)) in target.rows.iter_mut().zip(items).enumerate() {
                self.update(row, frame, Some((item, at)), &inner);
            }
        }
    }

    /// Follows the steps of the list. `false` if that is not worth it; then nothing has been done.
    fn follow(
        &mut self,
        target: &mut Target<'_>,
        items: &[Val],
        frame: &Frame<'_>,
        steps: &[Step],
        depth: u16,
    ) -> bool {
        let Some(ends) = ends(steps) else { return false };
        for (step, end) in steps.iter().zip(ends) {
            match step {
                Step::Insert(at) => {
                    let Some(item) = items.get(end) else { continue };
                    let row = self.make(target.block, frame, Some((item, end)));
                    let before = target.rows.get(*at).map_or(target.anchor, |row| row.node);
                    self.stage.dom.put(Op::Insert, &[target.parent, row.node, before], &[]);
                    target.rows.insert((*at).min(target.rows.len()), row);
                    let key = key_of(target.key, frame, Some((item, end)));
                    target.keys.insert((*at).min(target.keys.len()), key);
                }
                Step::Remove(at) => {
                    if *at < target.rows.len() {
                        let mut row = target.rows.remove(*at);
                        target.keys.remove(*at);
                        self.remove(&mut row);
                    }
                }
                Step::Move { from, to } => {
                    if *from < target.rows.len() && *to < target.rows.len() {
                        let row = target.rows.remove(*from);
                        let key = target.keys.remove(*from);
                        let before = target.rows.get(*to).map_or(target.anchor, |row| row.node);
                        self.stage.dom.put(Op::Insert, &[target.parent, row.node, before], &[]);
                        target.rows.insert(*to, row);
                        target.keys.insert(*to, key);
                    }
                }
                Step::Item { at, fields } => {
                    if let (Some(row), Some(item)) = (target.rows.get_mut(*at), items.get(end)) {
                        let dirty = Dirty { item: Some((depth, fields)), ..Dirty::none() };
                        self.update(row, frame, Some((item, end)), &dirty);
                    }
                }
                Step::Order(places) => {
                    let mut old = std::mem::take(target.rows);
                    let keys = std::mem::take(target.keys);
                    for place in places {
                        if let (Some(row), Some(key)) = (old.get_mut(*place), keys.get(*place)) {
                            target.rows.push(std::mem::take(row));
                            target.keys.push(*key);
                        }
                    }
                    self.arrange(target, places);
                }
            }
        }
        true
    }

    /// Matches rows to items by key.
    fn reconcile(&mut self, target: &mut Target<'_>, items: &[Val], frame: &Frame<'_>) {
        let mut wanted = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            wanted.push(key_of(target.key, frame, Some((item, at))));
        }
        if wanted == *target.keys {
            return;
        }
        let mut old = std::mem::take(target.rows);
        if items.is_empty() && target.alone {
            self.stage.dom.put(Op::Clear, &[target.parent], &[]);
            for row in &mut old {
                self.forget(row);
            }
            target.keys.clear();
            return;
        }
        // Where each key was: open addressing, never more than half full; a position plus one, 0 for nothing.
        let mask = (old.len() * 2).next_power_of_two() - 1;
        let mut table = vec![0_usize; mask + 1];
        for (at, key) in target.keys.iter().enumerate() {
            let mut place = (*key >> 32) as usize & mask;
            while table.get(place).is_some_and(|entry| *entry != 0) {
                place = (place + 1) & mask;
            }
            if let Some(entry) = table.get_mut(place) {
                *entry = at + 1;
            }
        }
        // A key that is there twice finds the first that is not taken yet. A row without a node is none.
        let mut order = Vec::with_capacity(items.len());
        for key in &wanted {
            let (mut from, mut found) = (usize::MAX, Instance::default());
            let mut place = (*key >> 32) as usize & mask;
            while let Some(at) = table.get(place).and_then(|entry| entry.checked_sub(1)) {
                if target.keys.get(at) == Some(key)
                    && let Some(row) = old.get_mut(at)
                    && row.node != 0
                {
                    (from, found) = (at, std::mem::take(row));
                    break;
                }
                place = (place + 1) & mask;
            }
            order.push(from);
            target.rows.push(found);
        }
        // A row that stood for what only the server could name goes on as the row of an item that is new.
        let mut named = 0;
        for (from, row) in order.iter_mut().zip(&mut *target.rows) {
            while *from == usize::MAX
                && let (Some(old), Some(key)) = (old.get_mut(named), target.keys.get(named))
            {
                if key & 1 == 0 && old.node != 0 {
                    (*from, *row) = (named, std::mem::take(old));
                }
                named += 1;
            }
        }
        for row in &mut old {
            if row.node != 0 {
                self.remove(row);
            }
        }
        for (at, (row, item)) in target.rows.iter_mut().zip(items).enumerate() {
            if row.node == 0 {
                *row = self.make(target.block, frame, Some((item, at)));
            }
        }
        *target.keys = wanted;
        self.arrange(target, &order);
    }

    /// Puts rows into the order in which they are in `rows`, moving as few as possible. `before` says where each was;
    /// `usize::MAX` is one that is not in the page yet.
    fn arrange(&mut self, target: &Target<'_>, before: &[usize]) {
        let stay = longest_increasing(before);
        let mut next = target.anchor;
        for (row, stays) in target.rows.iter().zip(stay).rev() {
            if !stays {
                self.stage.dom.put(Op::Insert, &[target.parent, row.node, next], &[]);
            }
            next = row.node;
        }
    }
}

/// For each step, the position that its item has when all steps are done. `None` if one is gone by then, or if it
/// would take too long to say.
fn ends(steps: &[Step]) -> Option<Vec<usize>> {
    // The lowest position that any later step touches: what is below it stays where it is.
    let mut lowest = usize::MAX;
    let mut ends = vec![0; steps.len()];
    for (number, step) in steps.iter().enumerate().rev() {
        if let Step::Insert(at) | Step::Item { at, .. } = step {
            *ends.get_mut(number)? = if *at < lowest {
                *at
            } else if steps.len() > STEPS {
                return None;
            } else {
                end(*at, steps.get(number + 1..)?)?
            };
        }
        lowest = lowest.min(match step {
            Step::Insert(at) | Step::Remove(at) => *at,
            Step::Move { from, to } => *from.min(to),
            Step::Order(_) => 0,
            Step::Item { .. } => usize::MAX,
        });
    }
    Some(ends)
}

fn end(mut at: usize, steps: &[Step]) -> Option<usize> {
    for step in steps {
        match step {
            Step::Insert(place) => at += usize::from(*place <= at),
            Step::Remove(place) if *place == at => return None,
            Step::Remove(place) => at -= usize::from(*place < at),
            Step::Move { from, to } if *from == at => at = *to,
            Step::Move { from, to } => {
                at -= usize::from(*from < at);
                at += usize::from(*to <= at);
            }
            Step::Order(places) => at = places.iter().position(|place| *place == at)?,
            Step::Item { .. } => {}
        }
    }
    Some(at)
}

/// Which elements belong to a longest increasing subsequence; `usize::MAX` never does.
fn longest_increasing(values: &[usize]) -> Vec<bool> {
    let value = |at: usize| values.get(at).copied().unwrap_or(usize::MAX);
    // For each length, the place where the run of that length with the smallest end ends.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = vec![usize::MAX; values.len()];
    for (at, v) in values.iter().enumerate().filter(|(_, v)| **v != usize::MAX) {
        let length = tails.partition_point(|tail| value(*tail) < *v);
        if let (Some(before), Some(link)) =
            (length.checked_sub(1).and_then(|l| tails.get(l)), previous.get_mut(at))
        {
            *link = *before;
        }
        match tails.get_mut(length) {
            Some(tail) => *tail = at,
            None => tails.push(at),
        }
    }
    let mut stays = vec![false; values.len()];
    let mut at = tails.last().copied();
    while let Some(place) = at {
        if let Some(stay) = stays.get_mut(place) {
            *stay = true;
        }
        at = previous.get(place).copied().filter(|place| *place != usize::MAX);
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_as_long_as_can_be() {
        assert_eq!(longest_increasing(&[2, 0, 1, usize::MAX, 3]), [false, true, true, false, true]);
        assert_eq!(longest_increasing(&[]), Vec::<bool>::new());
        assert_eq!(longest_increasing(&[3, 2, 1]).iter().filter(|stays| **stays).count(), 1);
    }

    #[test]
    fn steps_know_where_their_items_end() {
        let steps = [Step::Insert(3), Step::Insert(0), Step::Move { from: 4, to: 1 }];
        assert_eq!(ends(&steps), Some(vec![1, 0, 0]));
        assert_eq!(ends(&[Step::Insert(0), Step::Remove(0)]), None);
        assert_eq!(ends(&[Step::Insert(1), Step::Order(vec![1, 0])]), Some(vec![0, 0]));
    }

    #[test]
    fn thousands_of_appends_are_cheap_to_place() {
        let steps: Vec<Step> = (0..20_000).map(Step::Insert).collect();
        assert_eq!(ends(&steps).unwrap().last(), Some(&19_999));
        assert_eq!(ends(&vec![Step::Insert(0); 20_000]), None);
    }
}
