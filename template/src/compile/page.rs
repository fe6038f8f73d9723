//! The template of a page: a whole document, which only the server renders.

use super::Compiler;
use super::element::blank;
use super::text::TextItem;
use crate::compiled::{Namespace, WalkStep};
use crate::containment::OpenElement;
use crate::program::RenderOp;
use crate::source::{Attribute, Element, SourceNode};

/// Why a page has no styles in attributes. A component sets them through CSSOM.
pub(super) const NO_STYLE: &str =
    "a page has no styles in attributes, because a strict content policy forbids them: use a class";

/// The parts of the document that were found.
#[derive(Debug, Default)]
pub(super) struct PageParts {
    html: u16,
    head: u16,
    title: u16,
    body: u16,
    /// Whether the template places the elements that load the client.
    places_client: bool,
}

impl Compiler {
    /// Compiles the top level.
    pub(super) fn document(&mut self, nodes: &[SourceNode]) {
        if self.page.is_none() {
            self.children(nodes, None, &[]);
            return;
        }
        let root = nodes.iter().find_map(|node| match node {
            SourceNode::Element(element) if element.is_html("html") => Some(element),
            SourceNode::Element(_) | SourceNode::Text(_) | SourceNode::Use(_) => None,
        });
        let Some(root) = root else {
            let example = "<html lang=\"en\"><head><title>…</title></head><body>…</body></html>";
            self.error(0, format!("a page is a whole document: `{example}`"));
            return;
        };
        let others = nodes.iter().filter(|node| match node {
            SourceNode::Element(element) => !std::ptr::eq(element, root),
            SourceNode::Text(_) | SourceNode::Use(_) => !blank(std::slice::from_ref(node)),
        });
        if others.count() > 0 {
            self.error(root.at, "a page has no content outside its `<html>`");
        }
        self.html("<!DOCTYPE html>");
        self.element(root, &[]);
        let parts = self.page.take().unwrap_or_default();
        for (name, found) in [("head", parts.head), ("title", parts.title), ("body", parts.body)] {
            if found == 0 {
                self.error(root.at, format!("the page has no `<{name}>`"));
            }
        }
        self.page = Some(parts);
        if root.attribute("lang").is_none() {
            self.error(
                root.at,
                "`<html>` needs a `lang`, such as `lang=\"en\"`, which screen readers require",
            );
        }
    }

    /// Counts an element that a document has once.
    pub(super) fn part(&mut self, element: &Element) {
        let in_head = self.ancestors.iter().any(|open| open.is("head"));
        let Some(parts) = &mut self.page else { return };
        let count = match element.name.as_str() {
            _ if element.namespace != Namespace::Html => return,
            "html" => &mut parts.html,
            "head" => &mut parts.head,
            "title" if in_head => &mut parts.title,
            "body" => &mut parts.body,
            _ => return,
        };
        *count += 1;
        // The arms of a `live:if` may contain one title each.
        if *count > 1 && element.name != "title" {
            self.error(element.at, format!("a page has one `{}`", element.tag()));
        }
    }

    /// Compiles the content of `<head>`. The elements that load the client precede the first
    /// resource, so that a style sheet does not delay them, unless the template places them.
    pub(super) fn head(&mut self, element: &Element, path: &[WalkStep]) {
        let mut items = self.items(&element.children, Some(element));
        let is = |item: &TextItem<'_>, names: &[&str]| matches!(item, TextItem::Element(element) if names.contains(&element.name.as_str()));
        let places = element
            .children
            .iter()
            .any(|node| matches!(node, SourceNode::Element(element) if element.component() == Some("head")));
        let first = items.iter().position(|item| is(item, &["link", "script", "style"]));
        let mut rest = items.split_off(first.unwrap_or(items.len()));
        self.layout(items, Some(element), path);
        if !places {
            self.op(RenderOp::Head);
        }
        // The browser requests the style sheets first, and scripts of the page after the client.
        let script = rest.iter().position(|item| is(item, &["script"]));
        let scripts = rest.split_off(script.unwrap_or(rest.len()));
        self.layout(rest, Some(element), path);
        self.op(RenderOp::Client);
        self.layout(scripts, Some(element), path);
    }

    /// Returns the enclosing elements inside `<body>`.
    pub(super) fn around_content(&self) -> Vec<OpenElement> {
        let is_outer = |open: &OpenElement| ["html", "head", "body"].iter().any(|name| open.is(name));
        self.ancestors.iter().filter(|open| !is_outer(open)).cloned().collect()
    }

    /// Compiles `<live:head>`: the place of the elements that load the client.
    pub(super) fn head_place(&mut self, element: &Element) {
        if !blank(&element.children) || element.attributes.iter().any(|given| given.name != "live:if") {
            self.error(element.at, "`<live:head>` has no content and no attribute except `live:if`");
        }
        if let Some(parts) = &mut self.page {
            if parts.places_client {
                self.error(element.at, "a page has one `<live:head>`");
                return;
            }
            parts.places_client = true;
        }
        self.op(RenderOp::Head);
    }

    /// Refuses a directive that requires the engine, because the page itself is not updated.
    pub(super) fn without_engine(&mut self, attribute: &Attribute, name: &str) -> bool {
        if self.page.is_none() {
            return false;
        }
        let base = name.split(['.', ':']).next().unwrap_or_default().to_ascii_lowercase();
        match base.as_str() {
            "if" | "else-if" | "else" | "for" | "key" | "show" | "html" | "text" | "class" | "navigate"
            | "persist" => return false,
            "style" => self.error(attribute.at, NO_STYLE),
            _ => self.error(
                attribute.at,
                format!(
                    "`{}` needs a component: a page is rendered once, and only the components in it are live",
                    attribute.name
                ),
            ),
        }
        true
    }
}
