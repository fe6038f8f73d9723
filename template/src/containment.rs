//! Elements that a browser does not let stand inside each other, however deep, and so across components too: a button in
//! a button, a form in a form. Inside one template the compiler refuses them; what a template means to the components
//! around and inside of it is written down here, and compared when both are known.

use crate::compiled::Namespace;
use crate::error::{Lines, Position};
use crate::source::Element;

/// An element around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its name.
    pub name: Box<str>,
    /// What kind of element it is.
    pub namespace: Namespace,
    /// Where its `<` stands in the template, in bytes.
    pub(crate) at: u32,
}

impl Open {
    pub(crate) fn is_html(&self) -> bool {
        self.namespace == Namespace::Html
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.is_html() && *self.name == *name
    }
}

/// Elements of which none can stand inside another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
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

impl Group {
    /// All of them.
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

    /// Returns whether an element of the group does not matter any more behind that one.
    fn ends_at(self, open: &Open) -> bool {
        match self {
            Self::Link | Self::Button => ends_scope(open),
            Self::Form => open.is("template"),
            Self::Item | Self::Description => {
                ends_scope(open) || open.is_html() && ENDS_ITEM.contains(&&*open.name)
            }
        }
    }
}

/// Returns whether the search for an open element ends at that one.
pub(crate) fn ends_scope(open: &Open) -> bool {
    if open.is_html() {
        SCOPE.contains(&&*open.name)
    } else {
        matches!(&*open.name, "foreignObject" | "desc" | "title" | "mi" | "mo" | "mn" | "ms" | "mtext")
    }
}

/// Where an element of a group would stand.
pub(crate) enum Enclosing<'a> {
    /// In that one of the same group.
    In(&'a Open),
    /// In none of this template, and none outside of it matters.
    Shut,
    /// In none of this template.
    Outside,
}

/// Looks for an element of the group among those around, outermost first.
pub(crate) fn enclosing(group: Group, around: &[Open]) -> Enclosing<'_> {
    for open in around.iter().rev() {
        if open.is_html() && Group::of(&open.name) == Some(group) {
            return Enclosing::In(open);
        }
        if group.ends_at(open) {
            return Enclosing::Shut;
        }
    }
    Enclosing::Outside
}

/// What a template means to the components around and inside of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Containment {
    /// The first element of each group that none of the group may stand around, in the order of the source.
    pub outermost: Vec<Placed>,
    /// The child components, in the order of the source.
    pub slots: Vec<Slot>,
}

/// An element, and where in the template it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its group.
    pub group: Group,
    /// Its name.
    pub name: Box<str>,
    /// Where.
    pub at: Position,
}

/// A child component's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The name that it is registered by.
    pub component: Box<str>,
    /// Where.
    pub at: Position,
    /// The elements of the template that it stands in, one a group.
    pub within: Vec<Placed>,
    /// Groups whose elements around the template do not matter in the child.
    pub shut: Vec<Group>,
}

/// A [`Containment`] of which the lines are not known yet.
#[derive(Debug, Default)]
pub(crate) struct Building {
    outermost: Vec<(Group, Box<str>, u32)>,
    slots: Vec<(Box<str>, u32, Vec<Open>)>,
}

impl Building {
    /// Takes note of an element, which stands in those.
    pub(crate) fn element(&mut self, element: &Element, around: &[Open]) {
        if let Some(component) = element.component() {
            self.slots.push((component.into(), element.at, around.to_vec()));
        } else if element.namespace == Namespace::Html
            && let Some(group) = Group::of(&element.name)
            && matches!(enclosing(group, around), Enclosing::Outside)
            && self.outermost.iter().all(|(of, ..)| *of != group)
        {
            self.outermost.push((group, element.name.as_str().into(), element.at));
        }
    }

    pub(crate) fn finish(self, lines: &Lines<'_>) -> Containment {
        let placed = |group, name, at| Placed { group, name, at: lines.position(at) };
        let slots = self.slots.into_iter().map(|(component, at, around)| {
            let mut slot = Slot { component, at: lines.position(at), within: Vec::new(), shut: Vec::new() };
            for group in Group::ALL {
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

/// What ends the search for an open element of some kind.
const SCOPE: &[&str] = &["applet", "caption", "table", "td", "th", "marquee", "object", "template"];

/// Elements inside which an open list item is no longer looked for; all of "special" but `address`, `div` and `p`.
const ENDS_ITEM: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "button",
    "caption",
    "center",
    "colgroup",
    "dd",
    "details",
    "dir",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "iframe",
    "li",
    "main",
    "menu",
    "nav",
    "object",
    "ol",
    "pre",
    "search",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "td",
    "template",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
