//! The content of an element as what will be laid out: white space collapsed, entities decoded, arms of a `live:if`
//! together, and the table body that a browser would add.
//!
//! White space: a run of it is one space, as a browser shows it. A run that contains a line break disappears where it
//! could not be seen or is an indentation: at the start and at the end of an element's content, and between two elements
//! of which one is not in a line of text. Inside `pre` and `textarea` it stays.

use super::Compiler;
use super::nesting::CLOSES_P;
use crate::compiled::Namespace;
use crate::source::{Code, Element, Node, Piece, decode};

/// One thing to be laid out.
pub(super) enum Item<'n> {
    /// Text, static or not, up to the next element: one text node.
    Text(Vec<Run<'n>>),
    /// An element, maybe one with a `live:for`.
    Element(&'n Element),
    /// `live:if`, `live:else-if`, `live:else`.
    Chain(Vec<&'n Element>),
    /// Rows of a table that stand in it directly: a browser puts them into a `tbody`.
    Body(Vec<Item<'n>>),
}

/// A part of a text.
pub(super) enum Run<'n> {
    /// Static, decoded.
    Fixed(String),
    /// A `{{ }}`.
    Hole(&'n Code),
}

impl Compiler {
    /// The content of `parent`; of the component if there is none.
    pub(super) fn items<'n>(&mut self, nodes: &'n [Node], parent: Option<&Element>) -> Vec<Item<'n>> {
        let merged = merged(nodes);
        let mut items: Vec<Item<'n>> = Vec::new();
        for (i, part) in merged.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|i| merged.get(i));
            let after = merged.get(i + 1);
            match part {
                Part::Hole(code) => add(&mut items, Run::Hole(code)),
                Part::Element(element) => self.element_item(&mut items, element),
                Part::Text(text) if self.preserve => {
                    add(&mut items, Run::Fixed(decode(&text.replace("\r\n", "\n").replace('\r', "\n"))));
                }
                Part::Text(text) => {
                    let text = collapsed(text, before, after, parent);
                    let spaces = text.chars().all(|c| c == ' ');
                    let arms = after.is_some_and(Part::continues) && before.is_some_and(Part::conditional);
                    if !(text.is_empty() || spaces && (arms || parent.is_some_and(ignores_spaces))) {
                        add(&mut items, Run::Fixed(decode(&text)));
                    }
                }
            }
        }
        if parent.is_some_and(|parent| parent.is_html("table")) { bodies(items) } else { items }
    }

    fn element_item<'n>(&mut self, items: &mut Vec<Item<'n>>, element: &'n Element) {
        if let Some(arm) = ["live:else-if", "live:else"].iter().find_map(|name| element.attribute(name)) {
            match items.last_mut() {
                Some(Item::Chain(arms))
                    if arms.last().is_some_and(|last| last.attribute("live:else").is_none()) =>
                {
                    arms.push(element);
                }
                _ => self.error(
                    arm.at,
                    format!("`{}` has to follow directly after an element with `live:if`", arm.name),
                ),
            }
        } else if element.attribute("live:if").is_some() {
            items.push(Item::Chain(vec![element]));
        } else {
            items.push(Item::Element(element));
        }
    }
}

/// Adds to the text that is being gathered.
fn add<'n>(items: &mut Vec<Item<'n>>, run: Run<'n>) {
    match items.last_mut() {
        Some(Item::Text(runs)) => runs.push(run),
        _ => items.push(Item::Text(vec![run])),
    }
}

enum Part<'n> {
    Text(String),
    Hole(&'n Code),
    Element(&'n Element),
}

impl Part<'_> {
    /// Whether it is an element that stands in a line of text, as words do.
    fn is_inline(&self) -> bool {
        matches!(self, Self::Element(element)
            if ![CLOSES_P, ALSO_BLOCKS].iter().any(|blocks| blocks.contains(&&*element.name)))
    }

    fn is_element(&self) -> bool {
        matches!(self, Self::Element(_))
    }

    /// Whether it is an arm that can be followed by another.
    fn conditional(&self) -> bool {
        matches!(self, Self::Element(element)
            if element.attribute("live:if").is_some() || element.attribute("live:else-if").is_some())
    }

    fn continues(&self) -> bool {
        matches!(self, Self::Element(element)
            if element.attribute("live:else").is_some() || element.attribute("live:else-if").is_some())
    }
}

/// Adjacent texts become one: comments between them are gone.
fn merged(nodes: &[Node]) -> Vec<Part<'_>> {
    let mut out: Vec<Part<'_>> = Vec::new();
    for node in nodes {
        match node {
            Node::Text(Piece::Text(text)) => match out.last_mut() {
                Some(Part::Text(last)) => last.push_str(text),
                _ => out.push(Part::Text(text.clone())),
            },
            Node::Text(Piece::Hole(code)) => out.push(Part::Hole(code)),
            Node::Element(element) => out.push(Part::Element(element)),
        }
    }
    out
}

fn collapsed(
    text: &str,
    before: Option<&Part<'_>>,
    after: Option<&Part<'_>>,
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

/// HTML elements that end the line of text before them, as browsers display them if no style says otherwise: those
/// that end a paragraph, and these.
const ALSO_BLOCKS: &[&str] = &[
    "br", "caption", "col", "colgroup", "legend", "listing", "optgroup", "option", "source", "tbody", "td",
    "tfoot", "th", "thead", "tr", "track", "xmp",
];

/// Returns whether the content of an element is laid out in lines of text. Drawings and formulas place theirs.
fn has_lines(parent: Option<&Element>) -> bool {
    parent.is_none_or(|parent| match parent.namespace {
        Namespace::Html => true,
        Namespace::Svg => matches!(&*parent.name, "text" | "tspan" | "textPath" | "a"),
        Namespace::MathMl => false,
    })
}

/// Where white space between elements has no meaning, and could only be moved elsewhere by the browser.
fn ignores_spaces(parent: &Element) -> bool {
    const PARENTS: &[&str] =
        &["table", "thead", "tbody", "tfoot", "tr", "colgroup", "select", "optgroup", "datalist"];
    PARENTS.iter().any(|name| parent.is_html(name))
}

/// Puts rows that stand directly in a table into bodies.
fn bodies(items: Vec<Item<'_>>) -> Vec<Item<'_>> {
    let mut out: Vec<Item<'_>> = Vec::new();
    for item in items {
        let row = match &item {
            Item::Element(element) => element.is_html("tr"),
            Item::Chain(arms) => arms.first().is_some_and(|arm| arm.is_html("tr")),
            Item::Text(_) | Item::Body(_) => false,
        };
        match out.last_mut() {
            Some(Item::Body(rows)) if row => rows.push(item),
            _ if row => out.push(Item::Body(vec![item])),
            _ => out.push(item),
        }
    }
    out
}
