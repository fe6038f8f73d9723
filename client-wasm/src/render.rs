//! Views: a component's DOM, kept in step with its state.
//!
//! A template is prepared once ([`Blueprint`]); each element that shows it has a [`View`], a tree of block instances.
//! What a change of state costs is what reads it: every hole knows the fields that it depends on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "there are twenty kinds of holes and of expressions, and most places are about one or two of them"
)]

mod adopt;
mod apply;
mod blueprint;
mod event;
mod list;
mod scope;
mod view;

pub(crate) use blueprint::Blueprint;
pub(crate) use event::Happening;
pub(crate) use scope::{Roots, Surroundings};
pub(crate) use view::{View, Wire};

use crate::dom::{Dom, Op};

/// The DOM, and the numbers of its nodes that are given out.
pub(crate) struct Stage<D> {
    pub(crate) dom: D,
    next: u32,
    /// Ranges given back, by their length.
    free: Vec<Vec<u32>>,
    names: Vec<Box<str>>,
    paths: u32,
    templates: u32,
}

impl<D: Dom> Stage<D> {
    pub(crate) fn new(dom: D) -> Self {
        // Node 0 is "none", path 0 is "here".
        Self { dom, next: 1, free: Vec::new(), names: Vec::new(), paths: 1, templates: 0 }
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
        if self.free.len() <= length {
            self.free.resize(length + 1, Vec::new());
        }
        if let Some(free) = self.free.get_mut(length) {
            free.push(start);
        }
    }

    /// The number of a name.
    pub(crate) fn name(&mut self, name: &str) -> u32 {
        let at = self.names.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.dom.put(Op::Name, &[self.names.len() as u32], &[name]);
            self.names.push(name.into());
            self.names.len() - 1
        });
        at as u32
    }
}

#[cfg(test)]
mod tests;
