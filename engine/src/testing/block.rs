//! The blocks of templates: skeletons, and the holes in them.

use std::sync::Arc;

use vivaz_template::code::DomHole;

use super::tree::{Node, NodeTree};
use crate::dom::value;
use crate::value::Val;

/// The skeleton that is copied for each instance, and its holes.
#[derive(Debug)]
pub(super) struct BlockLayout {
    /// The node that contains the skeleton.
    pub(super) content: Node,
    pub(super) holes: Vec<Arc<Hole>>,
}

/// A place in a block that shows a value.
#[derive(Debug)]
pub(super) struct Hole {
    pub(super) place: DomHole,
    pub(super) path: Vec<u32>,
    /// The values after the path: see [`DomHole`].
    arguments: Vec<Val>,
}

/// A value for a hole, in the encoding of [`Op::Set`](crate::dom::Op::Set).
#[derive(Clone, Copy, Debug)]
pub(super) struct HoleValue<'a> {
    pub(super) kind: u32,
    pub(super) encoded: &'a str,
}

/// The kinds of holes by their numbers.
const PLACES: [DomHole; 17] = [
    DomHole::Text,
    DomHole::Content,
    DomHole::Html,
    DomHole::Attribute,
    DomHole::Class,
    DomHole::Style,
    DomHole::Show,
    DomHole::Instances,
    DomHole::Event,
    DomHole::Model,
    DomHole::Wire,
    DomHole::Ref,
    DomHole::Hook,
    DomHole::Child,
    DomHole::Key,
    DomHole::Shared,
    DomHole::AtKey,
];

impl BlockLayout {
    /// Reads `[html, namespace, holes]`.
    pub(super) fn new(json: Val, tree: &mut NodeTree) -> Option<Self> {
        let mut parts = json.into_list().into_iter();
        let (html, namespace, holes) = (parts.next()?, parts.next()?, parts.next()?);
        let (html, wrapper) = (html.str()?, *["", "svg", "math"].get(namespace.int()? as usize)?);
        let content = if wrapper.is_empty() {
            tree.parse(html)
        } else {
            let outer = tree.parse(&format!("<{wrapper}>{html}</{wrapper}>"));
            tree.following(outer, None)?
        };
        let holes = holes.into_list().into_iter().map(Hole::new).collect::<Option<_>>()?;
        Some(Self { content, holes })
    }
}

impl Hole {
    fn new(json: Val) -> Option<Arc<Self>> {
        let mut parts = json.into_list().into_iter();
        let place = *PLACES.get(parts.next()?.int()? as usize)?;
        let path = parts.next()?.into_list().into_iter().map(|step| step.int().map(|step| step as u32));
        Some(Arc::new(Self { place, path: path.collect::<Option<_>>()?, arguments: parts.collect() }))
    }

    pub(super) fn argument(&self, at: usize) -> &Val {
        self.arguments.get(at).unwrap_or(&Val::Null)
    }

    /// Returns an argument that is a number; `None` for a negative one.
    pub(super) fn number(&self, at: usize) -> Option<u32> {
        self.argument(at).int().and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn bits(&self, at: usize) -> u32 {
        self.number(at).unwrap_or_default()
    }

    pub(super) fn text(&self, at: usize) -> &str {
        self.argument(at).str().unwrap_or_default()
    }
}

impl HoleValue<'_> {
    pub(super) fn tag(self) -> u32 {
        self.kind & value::TYPE
    }

    pub(super) fn is_on(self) -> bool {
        self.kind & value::TRUTHY != 0
    }

    /// Returns the value as text; empty for lists and objects.
    pub(super) fn text(self) -> String {
        let text = if self.tag() > value::TEXT { "" } else { self.encoded };
        text.replace('\0', "\u{fffd}")
    }
}
