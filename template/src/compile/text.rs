//! Prepares the content of an element for layout: collapses white space, decodes entities, groups
//! the arms of a `live:if`, and adds the table body that a browser would add.
//!
//! A run of white space becomes one space, as a browser shows it. A run that contains a line break
//! disappears where it would be invisible or is an indentation: at the start and at the end of an
//! element's content, and between two elements of which one is not inline. Inside `pre` and
//! `textarea` white space is unchanged.

use super::Compiler;
use crate::compiled::Namespace;
use crate::elements::{BLOCK, CLOSES_P, has_any};
use crate::source::{Code, Element, Piece, SourceNode, decode};

/// An item of the layout.
pub(super) enum TextItem<'n> {
    /// Text, static or not, up to the next element: one text node.
    Text(Vec<Run<'n>>),
    /// An element, possibly with a `live:for`.
    Element(&'n Element),
    /// `live:if`, `live:else-if`, `live:else`.
    Chain(Vec<&'n Element>),
    /// Rows directly in a table: a browser puts them into a `tbody`.
    Body(Vec<TextItem<'n>>),
}

/// A part of a text.
pub(super) enum Run<'n> {
    /// Static text, decoded.
    Fixed(String),
    /// A `{{ }}`.
    Hole(&'n Code),
}

impl Compiler {
    /// Returns the content of `parent`; of the component if there is none.
    pub(super) fn items<'n>(
        &mut self,
        nodes: &'n [SourceNode],
        parent: Option<&Element>,
    ) -> Vec<TextItem<'n>> {
        for node in nodes {
            if let SourceNode::Use(number) = node {
                self.arguments(*number);
            }
        }
        let merged = merged(nodes);
        let mut items: Vec<TextItem<'n>> = Vec::new();
        for (i, part) in merged.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|i| merged.get(i));
            let after = merged.get(i + 1);
            match part {
                ContentPart::Hole(code) => add(&mut items, Run::Hole(code)),
                ContentPart::Element(element) => self.element_item(&mut items, element),
                ContentPart::Text(text) if self.preserve => {
                    add(&mut items, Run::Fixed(decode(&text.replace("\r\n", "\n").replace('\r', "\n"))));
                }
                ContentPart::Text(text) => {
                    let text = collapsed(text, before, after, parent);
                    let spaces = text.chars().all(|c| c == ' ');
                    let arms = after.is_some_and(ContentPart::continues)
                        && before.is_some_and(ContentPart::conditional);
                    if !(text.is_empty() || spaces && (arms || parent.is_some_and(ignores_spaces))) {
                        add(&mut items, Run::Fixed(decode(&text)));
                    }
                }
            }
        }
        if parent.is_some_and(|parent| parent.is_html("table")) { bodies(items) } else { items }
    }

    fn element_item<'n>(&mut self, items: &mut Vec<TextItem<'n>>, element: &'n Element) {
        if let Some(arm) = ["live:else-if", "live:else"].iter().find_map(|name| element.attribute(name)) {
            match items.last_mut() {
                Some(TextItem::Chain(arms))
                    if arms.last().is_some_and(|last| last.attribute("live:else").is_none()) =>
                {
                    arms.push(element);
                }
                _ => self
                    .error(arm.at, format!("`{}` must directly follow an element with `live:if`", arm.name)),
            }
        } else if element.attribute("live:if").is_some() {
            items.push(TextItem::Chain(vec![element]));
        } else {
            items.push(TextItem::Element(element));
        }
    }
}

/// Appends to the current text.
fn add<'n>(items: &mut Vec<TextItem<'n>>, run: Run<'n>) {
    match items.last_mut() {
        Some(TextItem::Text(runs)) => runs.push(run),
        _ => items.push(TextItem::Text(vec![run])),
    }
}

enum ContentPart<'n> {
    Text(String),
    Hole(&'n Code),
    Element(&'n Element),
}

impl ContentPart<'_> {
    /// Returns whether it is inline content.
    fn is_inline(&self) -> bool {
        matches!(self, Self::Element(element)
            if !has_any(&element.name, CLOSES_P | BLOCK))
    }

    fn is_element(&self) -> bool {
        matches!(self, Self::Element(_))
    }

    /// Returns whether it is an arm that another arm can follow.
    fn conditional(&self) -> bool {
        matches!(self, Self::Element(element)
            if element.attribute("live:if").is_some() || element.attribute("live:else-if").is_some())
    }

    fn continues(&self) -> bool {
        matches!(self, Self::Element(element)
            if element.attribute("live:else").is_some() || element.attribute("live:else-if").is_some())
    }
}

/// Joins adjacent texts, because comments between them are dropped.
fn merged(nodes: &[SourceNode]) -> Vec<ContentPart<'_>> {
    let mut out: Vec<ContentPart<'_>> = Vec::new();
    for node in nodes {
        match node {
            SourceNode::Text(Piece::Text(text)) => match out.last_mut() {
                Some(ContentPart::Text(last)) => last.push_str(text),
                _ => out.push(ContentPart::Text(text.clone())),
            },
            SourceNode::Text(Piece::Hole(code)) => out.push(ContentPart::Hole(code)),
            SourceNode::Element(element) => out.push(ContentPart::Element(element)),
            SourceNode::Use(_) => {}
        }
    }
    out
}

fn collapsed(
    text: &str,
    before: Option<&ContentPart<'_>>,
    after: Option<&ContentPart<'_>>,
    parent: Option<&Element>,
) -> String {
    let body = text.trim_matches(|c: char| c.is_ascii_whitespace());
    if body.is_empty() {
        let gone = text.contains(['\n', '\r'])
            && match (before, after) {
                (Some(before), Some(after)) => {
                    let between = before.is_element() && after.is_element();
                    between && !(before.is_inline() && after.is_inline() && has_lines(parent))
                }
                _ => true,
            };
        return if gone { String::new() } else { " ".to_owned() };
    }
    let (leading, rest) = text.split_at(text.len() - text.trim_ascii_start().len());
    let trailing = rest.get(body.len()..).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let space =
        |run: &str, edge: bool| if run.is_empty() || edge && run.contains(['\n', '\r']) { "" } else { " " };
    out.push_str(space(leading, before.is_none()));
    for (i, word) in body.split(|c: char| c.is_ascii_whitespace()).filter(|word| !word.is_empty()).enumerate()
    {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.push_str(space(trailing, after.is_none()));
    out
}

/// Returns whether the content of an element is inline layout. Drawings and formulas position their
/// content themselves.
fn has_lines(parent: Option<&Element>) -> bool {
    parent.is_none_or(|parent| match parent.namespace {
        Namespace::Html => true,
        Namespace::Svg => matches!(&*parent.name, "text" | "tspan" | "textPath" | "a"),
        Namespace::MathMl => false,
    })
}

/// Returns whether white space between elements has no meaning, so that the browser could only move
/// it elsewhere.
fn ignores_spaces(parent: &Element) -> bool {
    const PARENTS: &[&str] = &[
        "html", "head", "table", "thead", "tbody", "tfoot", "tr", "colgroup", "select", "optgroup",
        "datalist",
    ];
    PARENTS.iter().any(|name| parent.is_html(name))
}

/// Puts rows that are directly in a table into bodies.
fn bodies(items: Vec<TextItem<'_>>) -> Vec<TextItem<'_>> {
    let mut out: Vec<TextItem<'_>> = Vec::new();
    for item in items {
        let row = match &item {
            TextItem::Element(element) => element.is_html("tr"),
            TextItem::Chain(arms) => arms.first().is_some_and(|arm| arm.is_html("tr")),
            TextItem::Text(_) | TextItem::Body(_) => false,
        };
        match out.last_mut() {
            Some(TextItem::Body(rows)) if row => rows.push(item),
            _ if row => out.push(TextItem::Body(vec![item])),
            _ => out.push(item),
        }
    }
    out
}
