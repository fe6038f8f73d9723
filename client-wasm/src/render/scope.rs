//! Where the names of an expression lead.

use vivaz_template::Name;
use vivaz_template::Scope;
use vivaz_template::expr::{LocalRef, Special};

use super::event::Happening;
use crate::value::{Key, Val};

/// The fields of a component, shared ones included.
pub(crate) trait Roots {
    fn root(&self, field: Key) -> Option<&Val>;
}

/// What is the same for all of a view.
pub(crate) struct Surroundings<'a> {
    pub(crate) roots: &'a dyn Roots,
    /// Whom the page was made for.
    pub(crate) user: &'a Val,
}

/// One block instance in the way from an expression outwards.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) up: Option<&'a Frame<'a>>,
    /// The item, where the block is the body of a `live:for`.
    pub(super) item: Option<(&'a Val, usize)>,
    pub(super) locals: &'a [Val],
    pub(super) around: &'a Surroundings<'a>,
    /// The event that is being handled.
    pub(super) happening: Option<&'a Happening>,
}

impl<'a> Frame<'a> {
    /// The frame outside of block 0, of which only the surroundings are looked at.
    pub(super) fn outermost(around: &'a Surroundings<'a>) -> Self {
        Frame { up: None, item: None, locals: &[], around, happening: None }
    }

    /// A frame inside this one.
    pub(super) fn inside(&'a self, item: Option<(&'a Val, usize)>, locals: &'a [Val]) -> Self {
        Frame { up: Some(self), item, locals, around: self.around, happening: self.happening }
    }

    fn loop_at(&self, depth: u16) -> Option<(&'a Val, usize)> {
        let mut left = depth;
        let mut frame = self;
        loop {
            if frame.item.is_some() {
                if left == 0 {
                    return frame.item;
                }
                left -= 1;
            }
            frame = frame.up?;
        }
    }
}

impl Scope<Val> for Frame<'_> {
    fn root(&self, name: &Name) -> Option<&Val> {
        self.around.roots.root(Key::from_id(name.id))
    }

    fn item(&self, depth: u16) -> Option<&Val> {
        self.loop_at(depth).map(|(item, _)| item)
    }

    fn index(&self, depth: u16) -> usize {
        self.loop_at(depth).map_or(0, |(_, index)| index)
    }

    fn local(&self, at: LocalRef) -> Option<&Val> {
        let mut frame = self;
        for _ in 0..at.level {
            frame = frame.up?;
        }
        frame.locals.get(at.slot as usize)
    }

    fn special(&self, which: Special) -> Option<&Val> {
        let happening = || self.happening;
        match which {
            Special::User => Some(self.around.user),
            Special::Value => happening().map(|h| &h.value),
            Special::Checked => happening().map(|h| &h.checked),
            Special::Form => happening().map(|h| &h.form),
            Special::Event => happening().map(|h| &h.event),
            Special::Temp => happening().map(|h| &h.temp),
        }
    }
}
