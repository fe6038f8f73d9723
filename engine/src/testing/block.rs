//! The blocks of templates.

use std::sync::Arc;

use super::html::tree::{Node, NodeTree};
use crate::dom::Hole;
use crate::value::Val;

/// The skeleton that is copied for each instance, and its holes.
#[derive(Debug)]
pub(super) struct BlockLayout {
    /// The node that contains the skeleton.
    pub(super) content: Node,
    pub(super) holes: Vec<Arc<Hole>>,
}

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
