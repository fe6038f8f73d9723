//! Elements that browsers do not allow inside each other at any depth, and so across components
//! too: a button in a button, a form in a form. Inside one template the compiler refuses them. This
//! module records what a template contains and what surrounds its children, and compares the two
//! when both templates are known.

use crate::compiled::Namespace;
use crate::elements::{ENDS_ITEM, ENDS_SCOPE, has_any};
use crate::error::Position;
use crate::source::Element;
use crate::sources::Positions;

/// An enclosing element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenElement {
    /// Its name.
    pub name: Box<str>,
    /// The element's namespace.
    pub namespace: Namespace,
    /// The offset of its `<` in the template, in bytes.
    pub(crate) at: u32,
}

impl OpenElement {
    pub(crate) fn is_html(&self) -> bool {
        self.namespace == Namespace::Html
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.is_html() && *self.name == *name
    }
}

/// Elements that are not allowed inside another element of the same group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExclusiveGroup {
    /// `a`
    Link,
    /// `button`
    Button,
    /// `form`
    Form,
    /// `li`
    Item,
    /// `dd` and `dt`
    Description,
}

impl ExclusiveGroup {
    /// All groups.
    pub const ALL: [Self; 5] = [Self::Link, Self::Button, Self::Form, Self::Item, Self::Description];

    /// Returns the group of an HTML element.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "a" => Self::Link,
            "button" => Self::Button,
            "form" => Self::Form,
            "li" => Self::Item,
            "dd" | "dt" => Self::Description,
            _ => return None,
        })
    }

    /// Returns whether elements of the group outside of `open` do not matter inside it.
    fn ends_at(self, open: &OpenElement) -> bool {
        match self {
            Self::Link | Self::Button => ends_scope(open),
            Self::Form => open.is("template"),
            Self::Item | Self::Description => {
                ends_scope(open) || open.is_html() && has_any(&open.name, ENDS_ITEM)
            }
        }
    }
}

/// Returns whether the search for an open element ends at this one.
pub(crate) fn ends_scope(open: &OpenElement) -> bool {
    if open.is_html() {
        has_any(&open.name, ENDS_SCOPE)
    } else {
        matches!(&*open.name, "foreignObject" | "desc" | "title" | "mi" | "mo" | "mn" | "ms" | "mtext")
    }
}

/// The result of the search for an enclosing element of a group.
pub(crate) enum Enclosing<'a> {
    /// This element of the same group encloses it.
    In(&'a OpenElement),
    /// No element of this template encloses it, and none outside matters.
    Shut,
    /// No element of this template encloses it.
    Outside,
}

/// Searches the enclosing elements, outermost first, for one of the group.
pub(crate) fn enclosing(group: ExclusiveGroup, around: &[OpenElement]) -> Enclosing<'_> {
    for open in around.iter().rev() {
        if open.is_html() && ExclusiveGroup::of(&open.name) == Some(group) {
            return Enclosing::In(open);
        }
        if group.ends_at(open) {
            return Enclosing::Shut;
        }
    }
    Enclosing::Outside
}

/// The effect of a template on surrounding and inner components.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Containment {
    /// The first element of each group that no element of the group may enclose, in source order.
    pub outermost: Vec<Placed>,
    /// The child components, in source order.
    pub slots: Vec<ChildPosition>,
}

/// An element and its position in the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its group.
    pub group: ExclusiveGroup,
    /// Its name.
    pub name: Box<str>,
    /// Its position.
    pub at: Position,
}

/// The position of a child component.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildPosition {
    /// The child's registered name.
    pub component: Box<str>,
    /// Its position.
    pub at: Position,
    /// The elements of the template that enclose it, one per group.
    pub within: Vec<Placed>,
    /// Groups for which elements outside the template do not matter in the child.
    pub shut: Vec<ExclusiveGroup>,
}

/// A [`Containment`] whose line numbers are not known yet.
#[derive(Debug, Default)]
pub(crate) struct ContainmentBuilder {
    outermost: Vec<(ExclusiveGroup, Box<str>, u32)>,
    slots: Vec<(Box<str>, u32, Vec<OpenElement>)>,
}

impl ContainmentBuilder {
    /// Records an element with its enclosing elements.
    pub(crate) fn element(&mut self, element: &Element, around: &[OpenElement]) {
        if let Some(component) = element.component() {
            self.slots.push((component.into(), element.at, around.to_vec()));
        } else if element.namespace == Namespace::Html
            && let Some(group) = ExclusiveGroup::of(&element.name)
            && matches!(enclosing(group, around), Enclosing::Outside)
            && self.outermost.iter().all(|(of, ..)| *of != group)
        {
            self.outermost.push((group, element.name.as_str().into(), element.at));
        }
    }

    pub(crate) fn finish(self, lines: &Positions<'_>) -> Containment {
        let placed = |group, name, at| Placed { group, name, at: lines.position(at) };
        let slots = self.slots.into_iter().map(|(component, at, around)| {
            let mut slot =
                ChildPosition { component, at: lines.position(at), within: Vec::new(), shut: Vec::new() };
            for group in ExclusiveGroup::ALL {
                match enclosing(group, &around) {
                    Enclosing::In(open) => slot.within.push(placed(group, open.name.clone(), open.at)),
                    Enclosing::Shut => slot.shut.push(group),
                    Enclosing::Outside => {}
                }
            }
            slot
        });
        Containment {
            slots: slots.collect(),
            outermost: self.outermost.into_iter().map(|(group, name, at)| placed(group, name, at)).collect(),
        }
    }
}
