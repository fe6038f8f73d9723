//! The nodes of a document: those of the HTML parser, in a tree that changes.

use std::collections::HashMap;

pub use ego_tree::NodeId as Node;
use ego_tree::{NodeMut, NodeRef, Tree};
use scraper::node::Text;
use scraper::{ElementRef, Html, Node as Parsed, Selector};

/// A tree of nodes, with the content of its form controls. A node that is removed from the tree
/// keeps its id.
#[derive(Debug)]
pub struct NodeTree {
    nodes: Tree<Parsed>,
    /// The text of each control whose text is not the one of its HTML.
    pub(in crate::testing) texts: HashMap<Node, String>,
    /// Whether a control is checked or an option is selected, if its attribute does not decide it.
    pub(in crate::testing) ticks: HashMap<Node, bool>,
    /// The texts of the controls that the user is editing, from before the edits.
    edited: HashMap<Node, String>,
}

impl Default for NodeTree {
    fn default() -> Self {
        Self {
            nodes: Tree::new(Parsed::Document),
            texts: HashMap::new(),
            ticks: HashMap::new(),
            edited: HashMap::new(),
        }
    }
}

impl NodeTree {
    pub(in crate::testing) fn root(&self) -> Node {
        self.nodes.root().id()
    }

    #[expect(clippy::expect_used, reason = "ids are made by this tree, which never forgets a node")]
    pub(in crate::testing) fn at(&self, node: Node) -> NodeRef<'_, Parsed> {
        self.nodes.get(node).expect("the node is of this tree")
    }

    #[expect(clippy::expect_used, reason = "ids are made by this tree, which never forgets a node")]
    fn at_mut(&mut self, node: Node) -> NodeMut<'_, Parsed> {
        self.nodes.get_mut(node).expect("the node is of this tree")
    }

    /// Parses HTML as a browser parses the content of a `template` element. Returns a node that
    /// contains the content.
    pub(in crate::testing) fn parse(&mut self, html: &str) -> Node {
        let parsed = Html::parse_fragment(&format!("<template>{html}</template>"));
        let root = self.nodes.extend_tree(parsed.tree).id();
        let mut inside = self.at(root).descendants().skip(1);
        inside.find(|node| node.value().is_fragment()).map_or(root, |content| content.id())
    }

    /// Parses a whole page. Returns the document.
    pub(in crate::testing) fn parse_page(&mut self, html: &str) -> Node {
        self.nodes.extend_tree(Html::parse_document(html).tree).id()
    }

    /// Copies a node with its descendants.
    pub(in crate::testing) fn copy(&mut self, node: Node) -> Node {
        self.at_mut(node).clone_subtree().id()
    }

    pub(in crate::testing) fn text_node(&mut self, text: &str) -> Node {
        self.nodes.orphan(Parsed::Text(Text { text: text.into() })).id()
    }

    pub(in crate::testing) fn set_data(&mut self, node: Node, text: &str) {
        *self.at_mut(node).value() = Parsed::Text(Text { text: text.into() });
    }

    /// Inserts a node into `parent` before another child, or at the end.
    pub(in crate::testing) fn insert(&mut self, parent: Node, node: Node, before: Option<Node>) {
        match before {
            Some(before) => self.at_mut(before).insert_id_before(node),
            None => self.at_mut(parent).append_id(node),
        };
    }

    /// Removes a node from its parent.
    pub fn detach(&mut self, node: Node) {
        self.at_mut(node).detach();
    }

    /// Removes all children of a node.
    pub(in crate::testing) fn clear(&mut self, node: Node) {
        let children: Vec<Node> = self.at(node).children().map(|child| child.id()).collect();
        for child in children {
            self.detach(child);
        }
    }

    /// Moves the children of `content` to the end of a node.
    pub(in crate::testing) fn append(&mut self, node: Node, content: Node) {
        self.at_mut(node).reparent_from_id_append(content);
    }

    /// Checks whether a node is in the page.
    pub fn is_inside(&self, node: Node) -> bool {
        self.upwards(node).any(|around| around == self.root())
    }

    /// Begins an edit of a control's text, if none has begun.
    pub fn begin_edit(&mut self, node: Node) {
        let text = self.value(node);
        self.edited.entry(node).or_insert(text);
    }

    /// Ends the edit of a control's text. Returns whether the text has changed since its begin.
    pub fn end_edit(&mut self, node: Node) -> bool {
        self.edited.remove(&node).is_some_and(|before| before != self.value(node))
    }

    /// Replaces the content of a node by a text.
    pub(in crate::testing) fn set_text(&mut self, node: Node, text: &str) {
        self.clear(node);
        if !text.is_empty() {
            let text = self.text_node(text);
            self.insert(node, text, None);
        }
    }

    /// Returns the name of an element; empty for other nodes.
    pub fn name(&self, node: Node) -> &str {
        self.at(node).value().as_element().map_or("", |element| element.name())
    }

    /// Returns an attribute of an element.
    pub fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        let mut attributes = self.at(node).value().as_element()?.attrs();
        attributes.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(in crate::testing) fn has(&self, node: Node, attribute: &str) -> bool {
        self.attribute(node, attribute).is_some()
    }

    /// Sets or removes an attribute. Returns whether its value has changed.
    pub(in crate::testing) fn set_attribute(&mut self, node: Node, name: &str, value: Option<&str>) -> bool {
        let mut node = self.at_mut(node);
        let Parsed::Element(element) = node.value() else { return false };
        let mut key = element.name.clone();
        (key.prefix, key.ns, key.local) = (None, "".into(), name.into());
        match value {
            Some(value) => element.attrs.insert(key, value.into()).is_none_or(|old| &*old != value),
            None => element.attrs.shift_remove(&key).is_some(),
        }
    }

    pub(in crate::testing) fn parent(&self, node: Node) -> Option<Node> {
        self.at(node).parent().map(|parent| parent.id())
    }

    /// Returns the node after a child of `parent`; the first child if there is no such child.
    pub(in crate::testing) fn following(&self, parent: Node, after: Option<Node>) -> Option<Node> {
        let following = match after {
            Some(after) => self.at(after).next_sibling(),
            None => self.at(parent).first_child(),
        };
        following.map(|node| node.id())
    }

    /// Returns a node and its ancestors, innermost first.
    pub fn upwards(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(Some(node), |node| self.parent(*node))
    }

    /// Returns the innermost element with a name around a node, or the node itself.
    pub fn closest(&self, node: Node, name: &str) -> Option<Node> {
        self.upwards(node).find(|around| self.name(*around) == name)
    }

    /// Returns the elements inside a node, in document order.
    pub fn inside(&self, node: Node) -> impl Iterator<Item = Node> {
        let descendants = self.at(node).descendants().skip(1);
        descendants.filter(|node| node.value().is_element()).map(|node| node.id())
    }

    /// Returns the elements inside an element that match a CSS selector, in document order.
    ///
    /// # Panics
    /// Panics if the text is not a CSS selector.
    pub fn all(&self, inside: Node, selector: &str) -> Vec<Node> {
        let selector = match Selector::parse(selector) {
            Ok(selector) => selector,
            Err(error) => panic!("`{selector}` is no CSS selector: {error}"),
        };
        // An element keeps the id and classes that a selector has read, so this reads a copy.
        let copy = self.nodes.clone();
        let root = copy.get(inside).and_then(ElementRef::wrap);
        root.iter().flat_map(|root| root.select(&selector)).map(|element| element.id()).collect()
    }

    /// Returns the text inside a node.
    pub fn text(&self, node: Node) -> String {
        let texts = self.at(node).descendants().filter_map(|node| node.value().as_text());
        texts.map(|text| &**text).collect()
    }

    /// Returns the content of an element as HTML.
    pub fn html(&self, node: Node) -> String {
        ElementRef::wrap(self.at(node)).map(|element| element.inner_html()).unwrap_or_default()
    }
}

/// The elements that belong to each other by their places or ids.
impl NodeTree {
    /// Returns the root of the tree that contains a node.
    pub(in crate::testing) fn top(&self, node: Node) -> Node {
        self.upwards(node).last().unwrap_or(node)
    }

    /// Returns the element with an id in the tree of a node.
    fn by_id(&self, node: Node, id: &str) -> Option<Node> {
        self.inside(self.top(node)).find(|other| self.attribute(*other, "id") == Some(id))
    }

    /// Returns the form of an element: the one that its attribute `form` names, or the one around.
    pub fn form_of(&self, node: Node) -> Option<Node> {
        let is_listed = matches!(self.name(node), "button" | "input" | "select" | "textarea" | "fieldset");
        match self.attribute(node, "form").filter(|_| is_listed) {
            Some(id) => self.by_id(node, id).filter(|form| self.name(*form) == "form"),
            None => self.closest(node, "form"),
        }
    }

    /// Returns the elements of a form, in document order.
    pub(in crate::testing) fn elements(&self, form: Node) -> Vec<Node> {
        self.inside(self.top(form)).filter(|node| self.form_of(*node) == Some(form)).collect()
    }

    /// Returns the first child of an element with this name.
    pub(in crate::testing) fn first_child(&self, node: Node, name: &str) -> Option<Node> {
        let mut children = self.at(node).children().map(|child| child.id());
        children.find(|child| self.name(*child) == name)
    }

    /// Checks whether an element is the summary of a `details` element.
    pub(in crate::testing) fn is_summary(&self, node: Node) -> bool {
        let details = self.parent(node).filter(|parent| self.name(*parent) == "details");
        details.is_some_and(|details| self.first_child(details, "summary") == Some(node))
    }

    /// Checks whether a closed `details` element hides a node.
    pub fn is_folded(&self, node: Node) -> bool {
        let around: Vec<Node> = self.upwards(node).collect();
        around.windows(2).any(|pair| {
            matches!(pair, [child, around] if self.name(*around) == "details"
                && !self.has(*around, "open") && self.first_child(*around, "summary") != Some(*child))
        })
    }

    /// Returns the control of a label.
    pub(in crate::testing) fn labelled(&self, label: Node) -> Option<Node> {
        let is_labelable = |node: &Node| {
            matches!(self.name(*node), "button" | "input" | "select" | "textarea")
                && self.kind(*node) != "hidden"
        };
        match self.attribute(label, "for") {
            Some(id) => self.by_id(label, id).filter(is_labelable),
            None => self.inside(label).find(is_labelable),
        }
    }
}
