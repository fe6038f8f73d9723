//! The document's representation of a template block.

use super::tree::{Node, NodeTree};
use crate::value::Val;

/// The skeleton that is copied for each instance, and its holes.
#[derive(Debug)]
pub(super) struct BlockLayout {
    pub(super) content: Vec<Node>,
    /// The first element, which is the root of an instance.
    pub(super) root: Node,
    pub(super) holes: Vec<Hole>,
}

/// A place in a block that shows a value. The numbers of places are those of `Place` in
/// `template/src/code.rs`.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    pub(super) place: u64,
    pub(super) path: Vec<u32>,
    /// The values after the path.
    arguments: Vec<Val>,
}

/// The nodes of a hole in an instance.
#[derive(Clone, Debug)]
pub(super) enum Spot {
    Element(Node),
    Text { node: Node, parent: Node, after: Option<Node> },
    Instances { parent: Node, after: Option<Node> },
}

impl BlockLayout {
    /// Reads `[html, namespace, holes]`.
    pub(super) fn new(json: Val, tree: &mut NodeTree) -> Option<Self> {
        let mut parts = json.into_list().into_iter();
        let (html, namespace, holes) = (parts.next()?, parts.next()?, parts.next()?);
        let html = html.str()?;
        let around = match namespace.int()? {
            1 => "svg",
            2 => "math",
            _ => "",
        };
        let content = if around.is_empty() {
            tree.parse(html)
        } else {
            let outer = *tree.parse(&format!("<{around}>{html}</{around}>")).first()?;
            tree.children(outer).to_vec()
        };
        let root = content.iter().copied().find(|node| tree.is_element(*node));
        // The block of a component without an element has only texts, and is never copied.
        let root = root.or(content.first().copied()).unwrap_or_else(|| tree.text_node(""));
        let holes = holes.into_list().into_iter().map(Hole::new).collect::<Option<_>>()?;
        Some(Self { content, root, holes })
    }
}

impl Hole {
    pub(super) const TEXT: u64 = 0;
    pub(super) const CONTENT: u64 = 1;
    pub(super) const HTML: u64 = 2;
    pub(super) const ATTRIBUTE: u64 = 3;
    pub(super) const CLASS: u64 = 4;
    pub(super) const STYLE: u64 = 5;
    pub(super) const SHOW: u64 = 6;
    pub(super) const INSTANCES: u64 = 7;
    pub(super) const EVENT: u64 = 8;
    pub(super) const MODEL: u64 = 9;
    pub(super) const WIRE: u64 = 10;
    pub(super) const CHILD: u64 = 13;
    pub(super) const KEY: u64 = 14;
    pub(super) const SHARED: u64 = 15;
    pub(super) const AT_KEY: u64 = 16;
    /// Kinds of attributes: a property that the user changes too, an attribute whose booleans are
    /// written as words, and classes.
    pub(super) const PROPERTY: u64 = 3;
    pub(super) const WORD: u64 = 4;
    pub(super) const CLASSES: u64 = 5;

    fn new(json: Val) -> Option<Self> {
        let mut parts = json.into_list().into_iter();
        let place = parts.next()?.int()?;
        let path = parts.next()?.into_list().into_iter().map(|step| step.int().map(|step| step as u32));
        Some(Self { place, path: path.collect::<Option<_>>()?, arguments: parts.collect() })
    }

    pub(super) fn argument(&self, at: usize) -> &Val {
        self.arguments.get(at).unwrap_or(&Val::Null)
    }

    pub(super) fn int(&self, at: usize) -> u64 {
        self.argument(at).int().unwrap_or_default()
    }

    pub(super) fn text(&self, at: usize) -> &str {
        self.argument(at).str().unwrap_or_default()
    }

    /// Returns an argument as a name; a number is formatted.
    pub(super) fn name(&self, at: usize) -> String {
        match self.argument(at).str() {
            Some(name) => name.to_owned(),
            None => self.int(at).to_string(),
        }
    }

    /// Returns the step to the node before a text or an instance.
    pub(super) fn step(&self) -> Option<u32> {
        self.argument(0).int().map(|step| step as u32)
    }

    /// Returns the number of comments before the node after the instances; `None` for the end of
    /// the parent.
    pub(super) fn end(&self) -> Option<u32> {
        self.argument(1).int().map(|end| end as u32)
    }
}
