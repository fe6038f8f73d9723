//! Keyed lists: rows follow the steps applied to the list. If only the new value is known, or the
//! key of a row has changed, rows are matched by key, and as few rows as possible are moved.

use vivaz_template::code::INDEX;

use super::apply::{Dirty, Painter};
use super::blueprint::BlueprintReader;
use super::scope::{Frame, Item};
use super::value::{Value, hash};
use super::view::BlockInstance;
use crate::dom::Op;
use crate::patch::Step;
use crate::value::Val;

/// In [`BlockInstance::touched`]: the row is not at its position in the page.
const MOVED: u64 = 1 << 63;

/// The decoded header of a list.
pub(super) struct Plan<'p> {
    pub(super) block: u32,
    /// Whether the parent contains only the rows.
    alone: bool,
    /// The anchor node that follows the rows; 0 if there is none.
    anchor: u32,
    /// The depth of the loop, counted from the outermost.
    depth: i64,
    /// The field whose steps can be followed.
    of: (i64, i64),
    /// The code of the list expression, followed by that of the key.
    code: BlueprintReader<'p>,
}

impl<'p> Plan<'p> {
    /// Decodes the header; `place` is the number of the list's parent.
    pub(super) fn read(code: &mut BlueprintReader<'p>, place: u32) -> Self {
        let (block, flags) = (code.word(), code.int());
        let anchor = if flags & 2 == 0 { 0 } else { place + 1 };
        let depth = code.int();
        Self { block, alone: flags & 1 != 0, anchor, depth, of: (code.name(), code.name()), code: *code }
    }

    /// Evaluates the list. The expression that follows in the code is the key.
    pub(super) fn list<'a>(&mut self, frame: &'a Frame<'a>) -> Value<'a>
    where
        'p: 'a,
    {
        self.code.eval(frame)
    }

    /// Returns the hash of a row's key. The key is evaluated in the block of the list, because it
    /// may read that block's local state.
    pub(super) fn key(&self, frame: &Frame<'_>, item: Item<'_>) -> u64 {
        let mut code = self.code;
        hash(&code.eval(&frame.inside(item, frame.node, frame.locals)))
    }
}

impl Painter<'_> {
    /// Updates a list; `place` is the number of its parent.
    pub(super) fn list(
        &mut self,
        mut code: BlueprintReader<'_>,
        place: u32,
        rows: &mut Vec<BlockInstance>,
        frame: &Frame<'_>,
        hit: bool,
        dirty: &Dirty<'_>,
    ) {
        let mut plan = Plan::read(&mut code, place);
        // Rows also read other fields, positions and the connection state.
        let (reads, mut mask) = (self.print.block(plan.block).mask, dirty.mask);
        if !hit && reads & mask == 0 {
            return;
        }
        let list = plan.list(frame);
        let items = list.list().unwrap_or_default();
        let mut follows = !hit;
        if hit {
            mask |= INDEX;
            for (of, steps) in dirty.lists {
                follows |= *of == plan.of && self.follow(rows, steps, plan.depth);
            }
        }
        // A row with another key is another row. The block's reads include those of its key.
        if !follows
            || rows.len() != items.len()
            || rows.iter().zip(items).enumerate().any(|(at, (row, item))| {
                row.node != 0
                    && reads & (mask | row.touched) != 0
                    && row.key != plan.key(frame, Some((item, at)))
            })
        {
            // Any item may differ, so every matched row is updated; new rows are rendered in full
            // anyway.
            mask |= INDEX | self.print.mask(-plan.depth, -1);
            self.reconcile(&plan, place, rows, items, frame);
        }
        for (at, (row, item)) in rows.iter_mut().zip(items).enumerate() {
            let item = Some((item, at));
            if row.node == 0 {
                *row = self.make(plan.block, frame, item);
                row.key = plan.key(frame, item);
                row.touched = MOVED;
            } else if reads & (mask | row.touched) != 0 {
                self.update(row, frame, item, &Dirty::of(mask | row.touched));
                row.touched &= MOVED;
            }
        }
        let mut next = plan.anchor;
        for row in rows.iter_mut().rev() {
            if row.touched != 0 {
                self.stage.dom.put(Op::Insert, &[place, row.node, next], &[]);
                row.touched = 0;
            }
            next = row.node;
        }
    }

    /// Applies the steps of the list to its rows and marks the rows that need more work. Returns
    /// `false` if the rows have to be matched by key instead.
    fn follow(&mut self, rows: &mut Vec<BlockInstance>, steps: &[Step], depth: i64) -> bool {
        for step in steps {
            match step {
                Step::Insert(at) if *at <= rows.len() => rows.insert(*at, BlockInstance::default()),
                Step::Remove(at) if *at < rows.len() => {
                    let mut row = rows.remove(*at);
                    if row.node != 0 {
                        self.remove(&mut row);
                    }
                }
                Step::Move { from, to } if *from < rows.len() && *to < rows.len() => {
                    let mut row = rows.remove(*from);
                    row.touched |= MOVED;
                    rows.insert(*to, row);
                }
                Step::Item { at, fields } => {
                    if let Some(row) = rows.get_mut(*at) {
                        for field in fields {
                            row.touched |= self.print.mask(-depth, i64::from(field.id()));
                        }
                    }
                }
                Step::Order(_) | Step::Insert(_) | Step::Remove(_) | Step::Move { .. } => return false,
            }
        }
        true
    }

    /// Matches rows to items by key. A row whose node is 0 has no DOM yet and is not matched.
    fn reconcile(
        &mut self,
        plan: &Plan<'_>,
        place: u32,
        rows: &mut Vec<BlockInstance>,
        items: &[Val],
        frame: &Frame<'_>,
    ) {
        let mut wanted = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            wanted.push(plan.key(frame, Some((item, at))));
        }
        let mut old = std::mem::take(rows);
        if items.is_empty() && plan.alone && !old.is_empty() {
            self.stage.dom.put(Op::Clear, &[place], &[]);
            for row in &mut old {
                if row.node != 0 {
                    self.forget(row);
                }
            }
            return;
        }
        // The old position of each key. Open addressing, at most half full; an entry is a position
        // plus one, or 0 if empty.
        let mask = (old.len() * 2).next_power_of_two() - 1;
        let mut table = vec![0_usize; mask + 1];
        for (at, row) in old.iter().enumerate() {
            let mut entry = (row.key >> 32) as usize & mask;
            while table.get(entry).is_some_and(|taken| *taken != 0) {
                entry = (entry + 1) & mask;
            }
            if let Some(entry) = table.get_mut(entry) {
                *entry = at + 1;
            }
        }
        // A duplicate key matches the first row that is not matched yet.
        let mut order = Vec::with_capacity(items.len());
        for key in &wanted {
            let (mut from, mut found) = (usize::MAX, BlockInstance::default());
            let mut entry = (*key >> 32) as usize & mask;
            while let Some(at) = table.get(entry).and_then(|entry| entry.checked_sub(1)) {
                if let Some(row) = old.get_mut(at)
                    && row.key == *key
                    && row.node != 0
                {
                    (from, found) = (at, std::mem::take(row));
                    break;
                }
                entry = (entry + 1) & mask;
            }
            found.key = *key;
            order.push(from);
            rows.push(found);
        }
        // A row with a temporary id whose item is gone is reused for a new item, whose id the
        // server may have assigned in place of the temporary one.
        let mut named = old.iter_mut().enumerate().filter(|(_, row)| row.node != 0 && row.key & 1 == 0);
        for (from, row) in order.iter_mut().zip(&mut *rows) {
            if *from == usize::MAX
                && let Some((at, old)) = named.next()
            {
                let key = row.key;
                (*from, *row) = (at, std::mem::take(old));
                row.key = key;
            }
        }
        for row in &mut old {
            if row.node != 0 {
                self.remove(row);
            }
        }
        // As few rows as possible are moved. Rows that steps moved are no longer at their old
        // position.
        for (from, row) in order.iter_mut().zip(&*rows) {
            if row.touched & MOVED != 0 {
                *from = usize::MAX;
            }
        }
        for (row, stays) in rows.iter_mut().zip(longest_increasing(&order)) {
            if !stays {
                row.touched = MOVED;
            }
        }
    }
}

/// Returns which elements belong to a longest increasing subsequence; `usize::MAX` never does.
fn longest_increasing(values: &[usize]) -> Vec<bool> {
    // `ends`: the smallest end of an increasing run, by the length of the run. `lengths`: for each
    // element, the length of the longest run before it.
    let (mut ends, mut lengths) = (Vec::new(), Vec::with_capacity(values.len()));
    for value in values {
        let length = ends.partition_point(|end| end < value);
        lengths.push(length);
        if *value == usize::MAX {
            continue;
        }
        match ends.get_mut(length) {
            Some(end) => *end = *value,
            None => ends.push(*value),
        }
    }
    // Collects the run backwards: each element is smaller than its successor, and its run is one
    // shorter.
    let (mut left, mut next) = (ends.len(), usize::MAX);
    let mut stays = vec![false; values.len()];
    for (at, value) in values.iter().enumerate().rev() {
        if *value < next && lengths.get(at).is_some_and(|length| length + 1 == left) {
            (left, next) = (left - 1, *value);
            if let Some(stay) = stays.get_mut(at) {
                *stay = true;
            }
        }
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_increasing_sequence_rests() {
        assert_eq!(longest_increasing(&[2, 0, 1, usize::MAX, 3]), [false, true, true, false, true]);
        assert_eq!(longest_increasing(&[]), Vec::<bool>::new());
        assert_eq!(longest_increasing(&[3, 2, 1]).iter().filter(|stays| **stays).count(), 1);
        assert_eq!(longest_increasing(&[usize::MAX, usize::MAX]), [false, false]);
        assert_eq!(longest_increasing(&[1, 5, 2, 3]), [true, false, true, true]);
    }
}
