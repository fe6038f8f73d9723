//! Views: a component's DOM, kept consistent with its state.
//!
//! A template is decoded once into a [`Blueprint`] and not converted further: views interpret its
//! code, whose layout is documented in `vivaz_template::code`. Each element that shows the
//! component has a [`View`], a tree of block instances. A state change only costs the evaluation of
//! the holes that read it: every hole has a mask of the fields that it depends on.

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

/// The mask that matches every read.
pub(crate) const ALL: u64 = u64::MAX;

/// The DOM operations and the allocator of node numbers.
pub(crate) struct Stage {
    pub(crate) dom: Ops,
    next: u32,
    /// Released ranges, indexed by length.
    free: Vec<Vec<u32>>,
    templates: u32,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Node 0 means "none".
        Self { dom: Ops::default(), next: 1, free: Vec::new(), templates: 0 }
    }

    /// Sets the component whose view the operations that follow belong to.
    // Not inlined: the code is smaller.
    #[inline(never)]
    pub(crate) fn view(&mut self, slot: Slot) {
        self.dom.put(Op::View, &[slot], &[]);
    }

    /// Returns a range of node numbers, reusing released ones.
    pub(crate) fn range(&mut self, length: u32) -> u32 {
        if let Some(start) = self.free.get_mut(length as usize).and_then(Vec::pop) {
            return start;
        }
        self.fresh(length)
    }

    /// Returns a range that was not allocated before.
    pub(crate) fn fresh(&mut self, length: u32) -> u32 {
        self.next += length;
        self.next - length
    }

    /// Releases a range and its nodes.
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
