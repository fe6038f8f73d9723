//! The names in scope at a place of a template.

use crate::check::PathStep;
use crate::expr::{Expr, Literal, LocalRef};
use crate::reads::Dependency;

/// The names in scope, and the nesting depth of blocks.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    entries: Vec<ScopeEntry>,
    depth: u16,
}

#[derive(Debug)]
enum ScopeEntry {
    Loop {
        item: String,
        /// The use of the partial that contains the loop; 0 for none.
        partial: usize,
        index: Option<String>,
        path: Option<Vec<PathStep>>,
        /// The list, as written outside of the loop.
        list: Expr,
        /// The key, as written inside of the loop.
        key: Expr,
        /// Whether the list is page-local, and with it every item.
        is_local: bool,
        /// The nesting depth of blocks at the loop.
        depth: u16,
    },
    Local {
        name: String,
        /// The use of the partial that declares it; 0 for none.
        partial: usize,
        depth: u16,
        slot: u16,
    },
}

/// The meaning of a name.
pub(super) enum ResolvedName {
    /// The item of a loop, and its path from the component.
    Item(Expr, Option<Vec<PathStep>>),
    /// A position or a local, which is not part of the component's state.
    Own(Expr),
}

impl Scopes {
    pub(super) fn enter_block(&mut self) {
        self.depth += 1;
    }

    pub(super) fn leave_block(&mut self) {
        self.depth -= 1;
    }

    /// Returns the number of enclosing blocks.
    pub(super) fn depth(&self) -> u16 {
        self.depth
    }

    /// Returns the number of known names, to be passed to [`Scopes::forget`] later.
    pub(super) fn mark(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn forget(&mut self, mark: usize) {
        self.entries.truncate(mark);
    }

    pub(super) fn add_loop(
        &mut self,
        item: String,
        partial: usize,
        index: Option<String>,
        path: Option<Vec<PathStep>>,
        list: Expr,
    ) {
        let is_local = self.reads_local(&list);
        self.entries.push(ScopeEntry::Loop {
            item,
            partial,
            index,
            path,
            list,
            key: Expr::Literal(Literal::Null),
            is_local,
            depth: self.depth,
        });
    }

    /// Sets the key of the innermost loop, which is known only after the loop's names.
    pub(super) fn set_key(&mut self, of_loop: Expr) {
        if let Some(ScopeEntry::Loop { key, .. }) = self.entries.last_mut() {
            *key = of_loop;
        }
    }

    /// Converts a path that starts at the item of a loop into one that starts at the component:
    /// `item.done` into `list[item.id].done`, with the loop's own list and key.
    pub(super) fn root_path(&self, path: &mut Expr) {
        self.rooted(path, &Expr::clone);
    }

    /// Does the same with the `id` of each item in place of the loop's key, which is the id in a
    /// keyed list.
    pub(super) fn id_path(&self, path: &mut Expr) {
        self.rooted(path, &|_| Expr::Field(Box::new(Expr::Item(0)), "id".into()));
    }

    fn rooted(&self, path: &mut Expr, key_of: &dyn Fn(&Expr) -> Expr) {
        match path {
            Expr::Field(of, _) | Expr::At(of, _) => self.rooted(of, key_of),
            Expr::Item(depth) => {
                let loops = self.entries.iter().rev().filter_map(|entry| match entry {
                    ScopeEntry::Loop { list, key, depth, .. } => Some((list, key, self.depth - depth)),
                    ScopeEntry::Local { .. } => None,
                });
                let Some((list, key, blocks)) = loops.clone().nth((*depth).into()) else { return };
                let (mut list, mut key) = (list.clone(), key_of(key));
                // From here there are more loops and blocks in between than at the place of these
                // expressions.
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
            | Expr::Route(..)
            | Expr::Object(_) => {}
        }
    }

    pub(super) fn add_local(&mut self, name: String, partial: usize, slot: u16) {
        self.entries.push(ScopeEntry::Local { name, partial, depth: self.depth, slot });
    }

    /// Returns whether an expression at this place reads page-local state, directly or through a
    /// loop's item.
    pub(super) fn reads_local(&self, expr: &Expr) -> bool {
        let loops = || {
            self.entries.iter().rev().filter_map(|entry| match entry {
                ScopeEntry::Loop { is_local, .. } => Some(*is_local),
                ScopeEntry::Local { .. } => None,
            })
        };
        let mut found = false;
        expr.reads(&mut |read| {
            found |= match read {
                Dependency::Local(_) => true,
                Dependency::Item { depth, .. } | Dependency::Index(depth) => {
                    loops().nth(depth.into()).unwrap_or(false)
                }
                Dependency::Root { .. } | Dependency::Special(_) => false,
            };
        });
        found
    }

    /// Returns how many loops outwards the innermost `live:for` of that use of a partial is.
    pub(super) fn innermost_loop(&self, of: usize) -> Option<u16> {
        let loops = self.entries.iter().rev().filter_map(|entry| match entry {
            ScopeEntry::Loop { partial, .. } => Some(*partial),
            ScopeEntry::Local { .. } => None,
        });
        (0..).zip(loops).find(|(_, partial)| *partial == of).map(|(depth, _)| depth)
    }

    /// Returns the meaning of a name that is written in that use of a partial.
    pub(super) fn find(&self, name: &str, of: usize) -> Option<ResolvedName> {
        let mut loops = 0;
        for entry in self.entries.iter().rev() {
            match entry {
                ScopeEntry::Loop { item, path, partial, .. } if item == name && *partial == of => {
                    return Some(ResolvedName::Item(Expr::Item(loops), path.clone()));
                }
                ScopeEntry::Loop { index: Some(index), partial, .. } if index == name && *partial == of => {
                    return Some(ResolvedName::Own(Expr::Index(loops)));
                }
                ScopeEntry::Loop { .. } => loops += 1,
                ScopeEntry::Local { name: local, partial, depth, slot }
                    if local == name && *partial == of =>
                {
                    let at = LocalRef { level: self.depth - depth, slot: *slot };
                    return Some(ResolvedName::Own(Expr::Local(at)));
                }
                ScopeEntry::Local { .. } => {}
            }
        }
        None
    }
}
