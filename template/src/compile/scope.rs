//! Which names mean what at one place of a template.

use crate::check::PathStep;
use crate::expr::{Expr, LocalRef};

/// The names around, and how deep the blocks are nested here.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    entries: Vec<Entry>,
    depth: u16,
}

#[derive(Debug)]
enum Entry {
    Loop { item: String, index: Option<String>, path: Option<Vec<PathStep>> },
    Local { name: String, depth: u16, slot: u16 },
}

/// What a name was found to be.
pub(super) enum Found {
    /// The item of a loop, and its path from the component.
    Item(Expr, Option<Vec<PathStep>>),
    /// A position or a local: no part of the component's state.
    Own(Expr),
}

impl Scopes {
    pub(super) fn enter_block(&mut self) {
        self.depth += 1;
    }

    pub(super) fn leave_block(&mut self) {
        self.depth -= 1;
    }

    /// How many names are known; to be given to [`Scopes::forget`] later.
    pub(super) fn mark(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn forget(&mut self, mark: usize) {
        self.entries.truncate(mark);
    }

    pub(super) fn add_loop(&mut self, item: String, index: Option<String>, path: Option<Vec<PathStep>>) {
        self.entries.push(Entry::Loop { item, index, path });
    }

    pub(super) fn add_local(&mut self, name: String, slot: u16) {
        self.entries.push(Entry::Local { name, depth: self.depth, slot });
    }

    /// Whether a `live:for` is around.
    pub(super) fn in_loop(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Loop { .. }))
    }

    pub(super) fn find(&self, name: &str) -> Option<Found> {
        let mut loops = 0;
        for entry in self.entries.iter().rev() {
            match entry {
                Entry::Loop { item, path, .. } if item == name => {
                    return Some(Found::Item(Expr::Item(loops), path.clone()));
                }
                Entry::Loop { index: Some(index), .. } if index == name => {
                    return Some(Found::Own(Expr::Index(loops)));
                }
                Entry::Loop { .. } => loops += 1,
                Entry::Local { name: local, depth, slot } if local == name => {
                    let at = LocalRef { level: self.depth - depth, slot: *slot };
                    return Some(Found::Own(Expr::Local(at)));
                }
                Entry::Local { .. } => {}
            }
        }
        None
    }

    /// The locals, for suggestions.
    pub(super) fn locals(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Local { name, .. } => Some(name.as_str()),
            Entry::Loop { .. } => None,
        })
    }
}
