//! What a test sees of a document, and what its user can do to a control.

use super::document::Document;
use super::tree::{Node, selector};
use crate::slots::Slot;
use crate::value::Val;

impl Document {
    /// Adds the elements of server-rendered HTML to the page. Returns those of components that are
    /// in no other one.
    pub fn add(&mut self, html: &str) -> Vec<Node> {
        let mut added = Vec::new();
        for node in self.tree.parse(html) {
            self.tree.insert(self.body, node, None);
            added.push(node);
            added.extend(self.tree.inside(node));
        }
        self.outermost(added)
    }

    /// Replaces everything by a whole page. Returns the elements of components that are in no other
    /// one.
    pub fn load(&mut self, html: &str) -> Vec<Node> {
        if let Some(page) = self.tree.parse_page(html) {
            self.tree.clear(self.body);
            self.tree.insert(self.body, page, None);
        }
        let all = self.tree.inside(self.body);
        self.outermost(all)
    }

    fn outermost(&self, mut nodes: Vec<Node>) -> Vec<Node> {
        let is_component = |node: &Node| self.tree.name(*node) == "live-component";
        nodes.retain(|node| {
            is_component(node) && !self.tree.upwards(*node).skip(1).any(|node| is_component(&node))
        });
        nodes
    }

    /// Takes an element out of the page.
    pub fn remove(&mut self, node: Node) {
        self.tree.detach(node);
    }

    /// The element of a component.
    pub fn element(&self, slot: Slot) -> Option<Node> {
        self.elements.get(&slot).copied()
    }

    /// The component that an element shows.
    pub fn slot(&self, element: Node) -> Option<Slot> {
        self.elements.iter().find(|(_, node)| **node == element).map(|(slot, _)| *slot)
    }

    /// The elements inside an element that a CSS selector finds, in document order.
    ///
    /// # Panics
    /// If it is no selector.
    pub fn all(&self, inside: Node, text: &str) -> Vec<Node> {
        self.tree.select(inside, &selector(text))
    }

    /// An element and those around it, up to the one that is named last.
    pub fn upwards(&self, node: Node, last: Node) -> Vec<Node> {
        let mut way = Vec::new();
        for node in self.tree.upwards(node) {
            way.push(node);
            if node == last {
                break;
            }
        }
        way
    }

    /// The elements inside an element, in document order.
    pub fn inside(&self, node: Node) -> Vec<Node> {
        self.tree.inside(node).into_iter().filter(|node| self.tree.is_element(*node)).collect()
    }

    /// The content of an element as HTML.
    pub fn html(&self, node: Node) -> String {
        self.tree.html(node)
    }

    /// The text of an element, white space as a browser shows it.
    pub fn text_of(&self, node: Node) -> String {
        self.tree.text(node).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The name of an element.
    pub fn name(&self, node: Node) -> &str {
        self.tree.name(node)
    }

    /// An attribute of an element.
    pub fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        self.tree.attribute(node, name)
    }

    /// Checks whether it is a control that text is typed into or a value chosen from.
    pub fn is_typed(&self, node: Node) -> bool {
        self.tree.is_control(node) && !self.tree.is_tick(node)
    }

    /// Checks whether it is a control that is ticked.
    pub fn is_tick(&self, node: Node) -> bool {
        self.tree.is_tick(node)
    }

    /// What a control holds: a truth value, a list of what is chosen, or a text.
    pub fn held(&self, node: Node) -> Val {
        if self.tree.is_tick(node) {
            Val::Bool(self.is_on(node))
        } else if self.tree.name(node) == "select" && self.tree.attribute(node, "multiple").is_some() {
            Val::List(self.chosen(node).into_iter().map(Val::from).collect())
        } else {
            self.value(node).into()
        }
    }

    /// Puts a text into a control in place of what it holds, or chooses it.
    pub fn put(&mut self, node: Node, text: &str) {
        self.put_text(node, text);
    }

    /// Ticks a control, or takes the tick out of it. Of radio buttons the others of the group lose
    /// theirs.
    pub fn tick(&mut self, node: Node, on: bool) {
        self.set_on(node, on);
    }
}
