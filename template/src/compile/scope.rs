//! Which names mean what at one place of a template.

use crate::check::PathStep;
use crate::expr::{Expr, Literal, LocalRef};
use crate::reads::Read;

/// The names around, and how deep the blocks are nested here.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    entries: Vec<Entry>,
    depth: u16,
}

#[derive(Debug)]
enum Entry {
    Loop {
        item: String,
        index: Option<String>,
        path: Option<Vec<PathStep>>,
        /// The list, as it is written outside of the loop.
        list: Expr,
        /// The key, as it is written inside of it.
        key: Expr,
        /// Whether the list is page-local, and with it every item.
        is_local: bool,
        /// How deep the blocks are nested where both stand.
        depth: u16,
    },
    Local {
        name: String,
        depth: u16,
        slot: u16,
    },
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

    /// How many blocks are around.
    pub(super) fn depth(&self) -> u16 {
        self.depth
    }

    /// How many names are known; to be given to [`Scopes::forget`] later.
    pub(super) fn mark(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn forget(&mut self, mark: usize) {
        self.entries.truncate(mark);
    }

    pub(super) fn add_loop(
        &mut self,
        item: String,
        index: Option<String>,
        path: Option<Vec<PathStep>>,
        list: Expr,
    ) {
        let is_local = self.reads_local(&list);
        self.entries.push(Entry::Loop {
            item,
            index,
            path,
            list,
            key: Expr::Literal(Literal::Null),
            is_local,
            depth: self.depth,
        });
    }

    /// The key of the innermost loop, known only after its names are.
    pub(super) fn set_key(&mut self, of_loop: Expr) {
        if let Some(Entry::Loop { key, .. }) = self.entries.last_mut() {
            *key = of_loop;
        }
    }

    /// Turns a path that starts at the item of a loop into one that starts at the component: `item.done` into
    /// `list[item.id].done`, with the loop's own list and key.
    pub(super) fn root_path(&self, path: &mut Expr) {
        self.rooted(path, &Expr::clone);
    }

    /// The same, with the `id` of each item in place of the loop's key: what a keyed list finds it by.
    pub(super) fn id_path(&self, path: &mut Expr) {
        self.rooted(path, &|_| Expr::Field(Box::new(Expr::Item(0)), "id".into()));
    }

    fn rooted(&self, path: &mut Expr, key_of: &dyn Fn(&Expr) -> Expr) {
        match path {
            Expr::Field(of, _) | Expr::At(of, _) => self.rooted(of, key_of),
            Expr::Item(depth) => {
                let loops = self.entries.iter().rev().filter_map(|entry| match entry {
                    Entry::Loop { list, key, depth, .. } => Some((list, key, self.depth - depth)),
                    Entry::Local { .. } => None,
                });
                let Some((list, key, blocks)) = loops.clone().nth((*depth).into()) else { return };
                let (mut list, mut key) = (list.clone(), key_of(key));
                // Seen from here, more loops and blocks are in between than where these were written.
                list.deepen(*depth + 1, blocks);
                key.deepen(*depth, blocks);
                self.rooted(&mut list, key_of);
                *path = Expr::At(list.into(), key.into());
            }
            Expr::Literal(_)
            | Expr::Root(_)
            | Expr::Index(_)
            | Expr::Local(_)
            | Expr::Special(_)
            | Expr::Contains(..)
            | Expr::Unary(..)
            | Expr::Binary(..)
            | Expr::If(..)
            | Expr::Concat(_)
            | Expr::Object(_) => {}
        }
    }

    pub(super) fn add_local(&mut self, name: String, slot: u16) {
        self.entries.push(Entry::Local { name, depth: self.depth, slot });
    }

    /// Returns whether an expression written here reads the page's own state, directly or through a loop's item.
    pub(super) fn reads_local(&self, expr: &Expr) -> bool {
        let loops = || {
            self.entries.iter().rev().filter_map(|entry| match entry {
                Entry::Loop { is_local, .. } => Some(*is_local),
                Entry::Local { .. } => None,
            })
        };
        let mut found = false;
        expr.reads(&mut |read| {
            found |= match read {
                Read::Local(_) => true,
                Read::Item { depth, .. } | Read::Index(depth) => loops().nth(depth.into()).unwrap_or(false),
                Read::Root { .. } | Read::Special(_) => false,
            };
        });
        found
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
}
