//! Queries of a document for tests, and the user's changes of controls.

use super::document::Document;
use super::tree::{Node, selector};
use crate::slots::Slot;
use crate::value::Val;

impl Document {
    /// Adds the elements of server-rendered HTML to the page. Returns the elements of the outermost
    /// components.
    pub fn add(&mut self, html: &str) -> Vec<Node> {
        let mut added = Vec::new();
        for node in self.tree.parse(html) {
            self.tree.insert(self.body, node, None);
            added.push(node);
            added.extend(self.tree.inside(node));
        }
        self.outermost(added)
    }

    /// Replaces the document by a whole page. Returns the elements of the outermost components.
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

    /// Removes an element from the page.
    pub fn remove(&mut self, node: Node) {
        self.tree.detach(node);
    }

    /// Returns the element of a component.
    pub fn element(&self, slot: Slot) -> Option<Node> {
        self.elements.get(&slot).copied()
    }

    /// Returns the component of an element.
    pub fn slot(&self, element: Node) -> Option<Slot> {
        self.elements.iter().find(|(_, node)| **node == element).map(|(slot, _)| *slot)
    }

    /// Returns the elements inside an element that match a CSS selector, in document order.
    ///
    /// # Panics
    /// Panics if the text is not a CSS selector.
    pub fn all(&self, inside: Node, text: &str) -> Vec<Node> {
        self.tree.select(inside, &selector(text))
    }

    /// Returns an element and its ancestors up to `last`, innermost first.
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

    /// Returns the elements inside an element, in document order.
    pub fn inside(&self, node: Node) -> Vec<Node> {
        self.tree.inside(node).into_iter().filter(|node| self.tree.is_element(*node)).collect()
    }

    /// Returns the content of an element as HTML.
    pub fn html(&self, node: Node) -> String {
        self.tree.html(node)
    }

    /// Returns the text of an element, with white space collapsed as in a browser.
    pub fn text_of(&self, node: Node) -> String {
        self.tree.text(node).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the name of an element.
    pub fn name(&self, node: Node) -> &str {
        self.tree.name(node)
    }

    /// Returns an attribute of an element.
    pub fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        self.tree.attribute(node, name)
    }

    /// Checks whether an element is a text control or a select.
    pub fn is_typed(&self, node: Node) -> bool {
        self.tree.is_control(node) && !self.tree.is_tick(node)
    }

    /// Checks whether an element is a checkbox or a radio button.
    pub fn is_tick(&self, node: Node) -> bool {
        self.tree.is_tick(node)
    }

    /// Returns the content of a control: a boolean, a list of the selected values, or a text.
    pub fn held(&self, node: Node) -> Val {
        if self.tree.is_tick(node) {
            Val::Bool(self.is_on(node))
        } else if self.tree.name(node) == "select" && self.tree.attribute(node, "multiple").is_some() {
            Val::List(self.chosen(node).into_iter().map(Val::from).collect())
        } else {
            self.value(node).into()
        }
    }

    /// Replaces the text of a control, or selects the option with this value.
    pub fn put(&mut self, node: Node, text: &str) {
        self.put_text(node, text);
    }

    /// Checks or unchecks a control. The other radio buttons of its group are unchecked.
    pub fn tick(&mut self, node: Node, on: bool) {
        self.set_on(node, on);
    }
}
