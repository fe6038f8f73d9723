//! What a template's names mean at one place of a page, at one moment.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;
use vivaz_template::expr::{LocalRef, Special};
use vivaz_template::{Name, Scope, StateFields};

/// A component's state, and what its page keeps beside it.
pub(super) struct Sight<'a> {
    pub(super) state: &'a Value,
    pub(super) locals: &'a HashMap<(String, usize), Value>,
}

impl StateFields<Value> for Sight<'_> {
    fn field(&self, name: &Name) -> Option<&Value> {
        self.state.get(&*name.text)
    }

    fn local(&self, place: &str, slot: usize) -> Option<&Value> {
        self.locals.get(&(place.to_owned(), slot))
    }

    fn has_places(&self) -> bool {
        true
    }
}

/// One block instance, in those around it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) place: String,
    pub(super) outer: Option<Rc<Instance>>,
    pub(super) row: Option<(Value, usize)>,
    pub(super) locals: Vec<Value>,
}

impl Instance {
    /// This one and those around it, innermost first.
    pub(super) fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |instance| instance.outer.as_deref())
    }

    fn nth_row(&self, depth: u16) -> Option<&(Value, usize)> {
        self.outwards().filter_map(|instance| instance.row.as_ref()).nth(depth.into())
    }
}

/// An event, as far as expressions ask for it.
#[derive(Debug, Default)]
pub(super) struct Happening {
    pub(super) value: Value,
    pub(super) checked: Value,
    pub(super) form: Value,
    pub(super) event: Value,
    /// An id that only a guess is shown with.
    pub(super) temporary: Value,
}

/// An instance at a moment.
pub(super) struct At<'a> {
    pub(super) instance: &'a Instance,
    pub(super) state: &'a Value,
    pub(super) user: Option<&'a Value>,
    pub(super) happening: Option<&'a Happening>,
}

impl Scope<Value> for At<'_> {
    fn root(&self, name: &Name) -> Option<&Value> {
        self.state.get(&*name.text)
    }

    fn item(&self, depth: u16) -> Option<&Value> {
        self.instance.nth_row(depth).map(|(item, _)| item)
    }

    fn index(&self, depth: u16) -> usize {
        self.instance.nth_row(depth).map_or(0, |(_, index)| *index)
    }

    fn local(&self, at: LocalRef) -> Option<&Value> {
        self.instance.outwards().nth(at.level.into())?.locals.get(usize::from(at.slot))
    }

    fn special(&self, which: Special) -> Option<&Value> {
        match which {
            Special::User => self.user,
            Special::Value => self.happening.map(|happening| &happening.value),
            Special::Checked => self.happening.map(|happening| &happening.checked),
            Special::Form => self.happening.map(|happening| &happening.form),
            Special::Event => self.happening.map(|happening| &happening.event),
            Special::Temp => self.happening.map(|happening| &happening.temporary),
        }
    }
}
