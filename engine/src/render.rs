//! Views: a component's DOM, kept in step with its state.
//!
//! A template is read once ([`Blueprint`]) and never changed into anything else: views walk its
//! code, which is laid out in `vivaz_template::code`. Each element that shows it has a [`View`], a
//! tree of block instances. What a change of state costs is what reads it: every hole knows the
//! fields that it depends on.

mod adopt;
mod apply;
mod blueprint;
mod event;
mod list;
mod scope;
mod value;
mod view;

pub(crate) use blueprint::Blueprint;
pub(crate) use scope::{Of, Surroundings};
pub(crate) use value::shown;
pub(crate) use view::View;

pub(crate) use vivaz_template::code::{CONTROL, LOCAL, WIRE};

use crate::client::Slot;
use crate::dom::{Op, Ops};

/// Everything.
pub(crate) const ALL: u64 = u64::MAX;

/// The DOM, and the numbers of its nodes that are given out.
pub(crate) struct Stage {
    pub(crate) dom: Ops,
    next: u32,
    /// Ranges given back, by their length.
    free: Vec<Vec<u32>>,
    templates: u32,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Node 0 is "none".
        Self { dom: Ops::default(), next: 1, free: Vec::new(), templates: 0 }
    }

    /// Says whose view the operations that follow are of.
    // Not inlined: that is smaller.
    #[inline(never)]
    pub(crate) fn view(&mut self, slot: Slot) {
        self.dom.put(Op::View, &[slot], &[]);
    }

    /// A range of numbers for nodes.
    pub(crate) fn range(&mut self, length: u32) -> u32 {
        if let Some(start) = self.free.get_mut(length as usize).and_then(Vec::pop) {
            return start;
        }
        self.fresh(length)
    }

    /// A range that was never given out.
    pub(crate) fn fresh(&mut self, length: u32) -> u32 {
        self.next += length;
        self.next - length
    }

    /// Gives a range back; its nodes are forgotten.
    pub(crate) fn release(&mut self, start: u32, length: u32) {
        self.dom.put(Op::Forget, &[start, length], &[]);
        let length = length as usize;
        while self.free.len() <= length {
            self.free.push(Vec::new());
        }
        if let Some(free) = self.free.get_mut(length) {
            free.push(start);
        }
    }
}

#[cfg(test)]
mod tests;
