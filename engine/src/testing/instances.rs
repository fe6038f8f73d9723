//! The instances of blocks in the tree, by the engine's numbers, as `client-wasm/js/dom/nodes.js`
//! keeps them.

use std::collections::HashMap;
use std::sync::Arc;

use ego_tree::NodeRef;
use scraper::Node as Parsed;
use vivaz_template::code::DomHole;

use super::block::BlockLayout;
use super::html::tree::{Node, NodeTree};
use crate::dom::Hole;
use crate::slots::Slot;
use crate::value::Val;

/// A tree, and the instances in it.
#[derive(Debug, Default)]
pub(super) struct Instances {
    pub(super) tree: NodeTree,
    pub(super) blocks: Vec<BlockLayout>,
    /// Nodes by the engine's numbers.
    pub(super) nodes: HashMap<u32, Node>,
    pub(super) roots: HashMap<u32, Root>,
    /// The number of each root. A row that is also a component has two: this is the last one.
    numbers: HashMap<Node, u32>,
    /// The elements of components.
    pub(super) elements: HashMap<Slot, Node>,
}

/// A numbered root of a view.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) slot: Slot,
    pub(super) spots: Vec<Spot>,
}

/// A hole in an instance.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) hole: Arc<Hole>,
    /// The hole's element, its text, or the parent of its instances.
    pub(super) node: Node,
    /// The parent of the text or of the instances, and the node before them.
    pub(super) parent: Node,
    pub(super) after: Option<Node>,
}

impl Instances {
    /// Copies a block's root element. Returns `None` for a block without one.
    pub(super) fn make(&mut self, block: u32) -> Option<Node> {
        let content = self.blocks.get(block as usize)?.content;
        let root = next_element(self.tree.at(content), None)?.id();
        Some(self.tree.copy(root))
    }

    /// Numbers a root, and then the places of the instances inside it: the parent, and the node
    /// after the instances. Returns `None` if the root does not match the block.
    pub(super) fn bind(&mut self, node: Node, number: u32, block: u32, slot: Slot) -> Option<()> {
        self.nodes.insert(number, node);
        self.numbers.insert(node, number);
        let holes = self.blocks.get(block as usize)?.holes.clone();
        let (mut spots, mut part) = (Vec::with_capacity(holes.len()), number);
        for hole in holes {
            let at = self.walk(node, &hole.path)?;
            let mut spot = Spot { hole, node: at, parent: at, after: None };
            if matches!(spot.hole.place, DomHole::Text | DomHole::Instances) {
                spot.after = self.pass(at, spot.hole.number(0)?)?;
            }
            if spot.hole.place == DomHole::Text {
                let there = self.tree.following(at, spot.after);
                let there = there.filter(|node| self.tree.at(*node).value().is_text());
                spot.node = there.unwrap_or_else(|| self.tree.text_node(""));
            } else if spot.hole.place == DomHole::Instances {
                self.nodes.insert(part + 1, at);
                if let Some(comments) = spot.hole.number(1) {
                    self.nodes.insert(part + 2, self.pass(at, (comments + 1) << 16)??);
                }
                part += 2;
            }
            spots.push(spot);
        }
        self.roots.insert(number, Root { slot, spots });
        Some(())
    }

    /// Numbers the rows of a hole that the server rendered.
    pub(super) fn bind_rows(&mut self, hole: [u32; 2], rows: [u32; 3], block: u32, slot: Slot) -> Option<()> {
        let ([root, hole], [first, count, stride]) = (hole, rows);
        let spot = self.roots.get(&root)?.spots.get(hole as usize)?;
        let (parent, mut after) = (spot.parent, spot.after);
        for row in 0..count {
            let after_node = after.map(|after| self.tree.at(after));
            let node = next_element(self.tree.at(parent), after_node)?.id();
            self.bind(node, first + row * stride, block, slot)?;
            after = Some(node);
        }
        Some(())
    }

    /// Releases a number.
    pub(super) fn forget(&mut self, number: u32) {
        self.roots.remove(&number);
        if let Some(node) = self.nodes.remove(&number)
            && self.numbers.get(&node) == Some(&number)
        {
            self.numbers.remove(&node);
        }
    }

    /// Removes a root from its parent. Returns the parent.
    pub(super) fn remove(&mut self, number: u32) -> Option<Node> {
        let node = *self.nodes.get(&number)?;
        let parent = self.tree.parent(node)?;
        self.numbers.remove(&node);
        self.tree.detach(node);
        Some(parent)
    }

    fn walk(&self, from: Node, path: &[u32]) -> Option<Node> {
        let mut at = from;
        for step in path {
            let after = self.pass(at, *step)?.map(|after| self.tree.at(after));
            at = next_element(self.tree.at(at), after)?.id();
        }
        Some(at)
    }

    /// Skips comments and then elements, and returns the last skipped node. The high 16 bits of
    /// `step` count the comments, the low 16 bits the elements.
    fn pass(&self, parent: Node, step: u32) -> Option<Option<Node>> {
        let (comments, elements) = ((step >> 16) as usize, step & 0xffff);
        let parent = self.tree.at(parent);
        let is_mark =
            |node: &NodeRef<'_, Parsed>| node.value().as_comment().is_some_and(|text| text.is_empty());
        let mut at = match comments {
            0 => None,
            _ => Some(parent.children().filter(is_mark).nth(comments - 1)?),
        };
        for _ in 0..elements {
            at = Some(next_element(parent, at)?);
        }
        Some(at.map(|node| node.id()))
    }

    /// Returns the number of the root at a node.
    pub(super) fn number(&self, node: Node) -> Option<u32> {
        self.numbers.get(&node).copied()
    }

    /// Returns the root at a node.
    pub(super) fn root(&self, node: Node) -> Option<&Root> {
        self.roots.get(self.numbers.get(&node)?)
    }

    /// Returns the component of an element.
    pub(super) fn slot(&self, element: Node) -> Option<Slot> {
        self.elements.iter().find(|(_, node)| **node == element).map(|(slot, _)| *slot)
    }

    /// Returns the hole and the component of a control with a field.
    pub(super) fn model(&self, control: Node) -> Option<(Arc<Hole>, Slot)> {
        for around in self.tree.upwards(control) {
            if let Some(root) = self.root(around) {
                let is_model = |spot: &&Spot| spot.hole.place == DomHole::Model && spot.node == control;
                if let Some(spot) = root.spots.iter().find(is_model) {
                    return Some((Arc::clone(&spot.hole), root.slot));
                }
            }
            if self.tree.name(around) == "live-component" {
                return None;
            }
        }
        None
    }

    /// Returns the controls with a field of a component, each with its property.
    pub(super) fn models(&self, slot: Slot) -> impl Iterator<Item = (Node, &Val)> {
        let spots = self.roots.values().filter(move |root| root.slot == slot).flat_map(|root| &root.spots);
        let models = spots.filter(|spot| spot.hole.place == DomHole::Model);
        models.map(|spot| (spot.node, spot.hole.argument(1)))
    }
}

fn next_element<'a>(
    parent: NodeRef<'a, Parsed>,
    after: Option<NodeRef<'a, Parsed>>,
) -> Option<NodeRef<'a, Parsed>> {
    let first = after.map_or_else(|| parent.first_child(), |after| after.next_sibling());
    std::iter::successors(first, NodeRef::next_sibling).find(|node| node.value().is_element())
}
