//! A small DOM, filled by an HTML parser.

use std::collections::BTreeMap;

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
    Comment(String),
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Node>,
}

impl Element {
    pub(crate) fn set(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => self.attributes.insert(name.to_owned(), value),
            None => self.attributes.remove(name),
        };
    }

    pub(crate) fn elements(&mut self) -> impl Iterator<Item = &mut Element> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Comment(_) => None,
        })
    }

    /// Returns all text in it.
    pub(crate) fn text(&self) -> String {
        self.children.iter().fold(String::new(), |all, node| match node {
            Node::Text(text) => all + text,
            Node::Element(element) => all + &element.text(),
            Node::Comment(_) => all,
        })
    }
}

fn converted(handle: &Handle) -> Option<Node> {
    match &handle.data {
        NodeData::Text { contents } => Some(Node::Text(contents.borrow().to_string())),
        NodeData::Comment { contents } => Some(Node::Comment(contents.to_string())),
        NodeData::Element { name, attrs, template_contents, .. } => {
            let attrs = attrs.borrow();
            let attributes = attrs.iter().map(|attribute| {
                let name = match &attribute.name.prefix {
                    Some(prefix) => format!("{prefix}:{}", attribute.name.local),
                    None => attribute.name.local.to_string(),
                };
                (name, attribute.value.to_string())
            });
            let contents = template_contents.borrow();
            let children = contents.as_ref().unwrap_or(handle).children.borrow();
            Some(Node::Element(Element {
                name: name.local.to_string(),
                attributes: attributes.collect(),
                children: children.iter().filter_map(converted).collect(),
            }))
        }
        _ => None,
    }
}

fn find<'a>(node: &'a Node, name: &str) -> Option<&'a Element> {
    let Node::Element(element) = node else { return None };
    if element.name == name {
        return Some(element);
    }
    element.children.iter().find_map(|child| find(child, name))
}

/// Returns the first element with that name in a page whose body is `body`.
pub(crate) fn parsed(body: &str, name: &str) -> Element {
    let html = format!("<!doctype html><html><head><title>t</title></head><body>{body}</body></html>");
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
    let nodes: Vec<Node> = dom.document.children.borrow().iter().filter_map(converted).collect();
    nodes.iter().find_map(|node| find(node, name)).expect("the page has no such element").clone()
}
