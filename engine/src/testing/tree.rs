//! A tree of nodes, as in a browser.

use std::fmt::Write as _;

use scraper::{Html, Node as Parsed, Selector};

/// Elements without content.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose text is not escaped.
const RAW: [&str; 2] = ["script", "style"];
/// Marks an element in the text that a selector is applied to.
const MARK: &str = "data-vivaz-node";

/// Identifies a node. A node that is removed from the tree keeps its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(usize);

/// The content of a node.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Element { name: String, attributes: Vec<(String, String)> },
    Text(String),
    Comment(String),
}

#[derive(Clone, Debug)]
struct Entry {
    content: Content,
    parent: Option<Node>,
    children: Vec<Node>,
}

/// The nodes of a document.
#[derive(Debug, Default)]
pub(super) struct NodeTree(Vec<Entry>);

/// Parses a CSS selector.
///
/// # Panics
/// Panics if the text is not a CSS selector.
pub(super) fn selector(text: &str) -> Selector {
    match Selector::parse(text) {
        Ok(selector) => selector,
        Err(error) => panic!("`{text}` is no CSS selector: {error}"),
    }
}

impl NodeTree {
    pub(super) fn element(&mut self, name: &str) -> Node {
        self.add(Content::Element { name: name.to_owned(), attributes: Vec::new() })
    }

    pub(super) fn text_node(&mut self, text: &str) -> Node {
        self.add(Content::Text(text.to_owned()))
    }

    fn add(&mut self, content: Content) -> Node {
        self.0.push(Entry { content, parent: None, children: Vec::new() });
        Node(self.0.len() - 1)
    }

    #[expect(clippy::indexing_slicing, reason = "nodes are numbered by this tree and never removed from it")]
    fn at(&self, node: Node) -> &Entry {
        &self.0[node.0]
    }

    #[expect(clippy::indexing_slicing, reason = "nodes are numbered by this tree and never removed from it")]
    fn at_mut(&mut self, node: Node) -> &mut Entry {
        &mut self.0[node.0]
    }

    pub(super) fn content(&self, node: Node) -> &Content {
        &self.at(node).content
    }

    pub(super) fn children(&self, node: Node) -> &[Node] {
        &self.at(node).children
    }

    pub(super) fn parent(&self, node: Node) -> Option<Node> {
        self.at(node).parent
    }

    /// Returns the name of an element; empty for other nodes.
    pub(super) fn name(&self, node: Node) -> &str {
        match &self.at(node).content {
            Content::Element { name, .. } => name,
            Content::Text(_) | Content::Comment(_) => "",
        }
    }

    pub(super) fn is_element(&self, node: Node) -> bool {
        matches!(self.at(node).content, Content::Element { .. })
    }

    /// Checks whether a node is one of the empty comments that a template has between texts and
    /// instances.
    pub(super) fn is_mark(&self, node: Node) -> bool {
        matches!(&self.at(node).content, Content::Comment(text) if text.is_empty())
    }

    pub(super) fn attribute(&self, node: Node, name: &str) -> Option<&str> {
        let Content::Element { attributes, .. } = &self.at(node).content else { return None };
        attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Sets or removes an attribute. Returns whether its value has changed.
    pub(super) fn set_attribute(&mut self, node: Node, name: &str, value: Option<&str>) -> bool {
        let Content::Element { attributes, .. } = &mut self.at_mut(node).content else { return false };
        let at = attributes.iter().position(|(known, _)| known == name);
        match (at.and_then(|at| attributes.get_mut(at)), value) {
            (Some((_, old)), Some(value)) if old == value => return false,
            (Some((_, old)), Some(value)) => value.clone_into(old),
            (None, Some(value)) => attributes.push((name.to_owned(), value.to_owned())),
            (Some(_), None) => drop(at.map(|at| attributes.remove(at))),
            (None, None) => return false,
        }
        true
    }

    pub(super) fn data(&self, node: Node) -> &str {
        match &self.at(node).content {
            Content::Text(text) | Content::Comment(text) => text,
            Content::Element { .. } => "",
        }
    }

    pub(super) fn set_data(&mut self, node: Node, data: &str) {
        if let Content::Text(text) = &mut self.at_mut(node).content {
            data.clone_into(text);
        }
    }

    /// Returns a node's parent, and the node's index among its children.
    fn index(&self, node: Node) -> Option<(Node, usize)> {
        let parent = self.parent(node)?;
        Some((parent, self.children(parent).iter().position(|child| *child == node)?))
    }

    pub(super) fn next(&self, node: Node) -> Option<Node> {
        let (parent, at) = self.index(node)?;
        self.children(parent).get(at + 1).copied()
    }

    /// Removes a node from its parent.
    pub(super) fn detach(&mut self, node: Node) {
        if let Some((parent, at)) = self.index(node) {
            self.at_mut(parent).children.remove(at);
        }
        self.at_mut(node).parent = None;
    }

    /// Inserts a node into `parent` before another child, or at the end.
    pub(super) fn insert(&mut self, parent: Node, node: Node, before: Option<Node>) {
        self.detach(node);
        let children = self.children(parent);
        let at = before.and_then(|before| children.iter().position(|child| *child == before));
        let at = at.unwrap_or(children.len());
        self.at_mut(parent).children.insert(at, node);
        self.at_mut(node).parent = Some(parent);
    }

    /// Removes all children of a node.
    pub(super) fn clear(&mut self, node: Node) {
        for child in std::mem::take(&mut self.at_mut(node).children) {
            self.at_mut(child).parent = None;
        }
    }

    /// Copies a node with its descendants.
    pub(super) fn copy(&mut self, node: Node) -> Node {
        let copy = self.add(self.at(node).content.clone());
        for child in self.children(node).to_vec() {
            let child = self.copy(child);
            self.insert(copy, child, None);
        }
        copy
    }

    /// Returns a node and its ancestors, innermost first.
    pub(super) fn upwards(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(Some(node), |node| self.parent(*node))
    }

    /// Returns the descendants of a node, in document order.
    pub(super) fn inside(&self, node: Node) -> Vec<Node> {
        let mut found = Vec::new();
        let mut open: Vec<Node> = self.children(node).iter().rev().copied().collect();
        while let Some(node) = open.pop() {
            found.push(node);
            open.extend(self.children(node).iter().rev());
        }
        found
    }

    /// Returns the text inside a node.
    pub(super) fn text(&self, node: Node) -> String {
        let texts =
            self.inside(node).into_iter().filter(|node| matches!(self.content(*node), Content::Text(_)));
        texts.map(|node| self.data(node)).collect()
    }

    /// Replaces the content of a node by a text.
    pub(super) fn set_text(&mut self, node: Node, text: &str) {
        self.clear(node);
        if !text.is_empty() {
            let text = self.text_node(text);
            self.insert(node, text, None);
        }
    }

    /// Returns the elements inside a node that match a selector, in document order.
    pub(super) fn select(&self, root: Node, selector: &Selector) -> Vec<Node> {
        let mut text = String::new();
        self.write(root, &mut text, true);
        let marked = |element: scraper::ElementRef<'_>| element.attr(MARK)?.parse().ok().map(Node);
        let found = Html::parse_fragment(&text);
        found.select(selector).filter_map(marked).filter(|node| *node != root).collect()
    }

    /// Returns the content of an element as HTML.
    pub(super) fn html(&self, node: Node) -> String {
        let mut out = String::new();
        for child in self.children(node) {
            self.write(*child, &mut out, false);
        }
        out
    }

    fn write(&self, node: Node, out: &mut String, marked: bool) {
        match self.content(node) {
            Content::Text(text) => {
                let is_raw = self.parent(node).is_some_and(|parent| RAW.contains(&self.name(parent)));
                if is_raw { out.push_str(text) } else { escape(text, out) }
            }
            Content::Comment(text) => drop(write!(out, "<!--{text}-->")),
            Content::Element { name, attributes } => {
                let _ = write!(out, "<{name}");
                if marked {
                    let _ = write!(out, " {MARK}=\"{}\"", node.0);
                }
                for (name, value) in attributes {
                    let _ = write!(out, " {name}=\"");
                    escape(value, out);
                    out.push('"');
                }
                out.push('>');
                if VOID.contains(&&**name) {
                    return;
                }
                // A parser drops a line break at the beginning of a `textarea`.
                let first = self.children(node).first();
                if name == "textarea" && first.is_some_and(|text| self.data(*text).starts_with('\n')) {
                    out.push('\n');
                }
                for child in self.children(node) {
                    self.write(*child, out, marked);
                }
                let _ = write!(out, "</{name}>");
            }
        }
    }

    /// Parses HTML as a browser parses the content of a `template` element. Returns its nodes,
    /// which have no parent.
    pub(super) fn parse(&mut self, html: &str) -> Vec<Node> {
        let parsed = Html::parse_fragment(&format!("<template>{html}</template>"));
        let content = parsed.tree.nodes().find(|node| {
            node.value().is_fragment() && node.parent().is_some_and(|parent| parent.value().is_element())
        });
        content
            .into_iter()
            .flat_map(|content| content.children())
            .filter_map(|node| self.take(node))
            .collect()
    }

    /// Parses a whole page. Returns its `html` element.
    pub(super) fn parse_page(&mut self, html: &str) -> Option<Node> {
        let parsed = Html::parse_document(html);
        self.take(*parsed.root_element())
    }

    /// Converts a parsed node with its descendants.
    fn take(&mut self, parsed: ego_tree::NodeRef<'_, Parsed>) -> Option<Node> {
        let content = match parsed.value() {
            Parsed::Text(text) => Content::Text(text.to_string()),
            Parsed::Comment(comment) => Content::Comment(comment.to_string()),
            Parsed::Element(element) => Content::Element {
                name: element.name().to_owned(),
                attributes: element
                    .attrs()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            },
            Parsed::Document | Parsed::Fragment | Parsed::Doctype(_) | Parsed::ProcessingInstruction(_) => {
                return None;
            }
        };
        let node = self.add(content);
        for child in parsed.children() {
            if let Some(child) = self.take(child) {
                self.insert(node, child, None);
            }
        }
        Some(node)
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(character),
        }
    }
}
