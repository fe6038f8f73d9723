//! A template as a tree, as its author wrote it: elements, text and `{{ }}`, with the place of each.

mod entity;
mod parser;
mod tag;

pub(crate) use entity::decode;
pub(crate) use parser::{parse, pieces};

use crate::compiled::Namespace;

/// A child of an element.
#[derive(Debug)]
pub(crate) enum Node {
    /// An element.
    Element(Element),
    /// Text as written, with entities and line breaks.
    Text(Piece),
}

/// A part of text or of an attribute's value.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// Text as written.
    Text(String),
    /// What stands between `{{` and `}}`.
    Hole(Code),
}

/// An expression's source.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// Its text.
    pub(crate) text: String,
    /// Where it starts.
    pub(crate) at: u32,
}

/// An element.
#[derive(Debug)]
pub(crate) struct Element {
    /// In lower case, but for SVG and MathML, which keep their case.
    pub(crate) name: String,
    /// Where its `<` stands.
    pub(crate) at: u32,
    /// Which kind of element it is itself.
    pub(crate) namespace: Namespace,
    /// In the order of the source, no name twice.
    pub(crate) attributes: Vec<Attribute>,
    /// Its content.
    pub(crate) children: Vec<Node>,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// As written.
    pub(crate) name: String,
    /// Where its name starts.
    pub(crate) at: u32,
    /// Its value as written, and where it starts; none without `=`.
    pub(crate) value: Option<Code>,
}

impl Element {
    /// The attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The component's name, if this is `<live:NAME>`.
    pub(crate) fn component(&self) -> Option<&str> {
        self.name.strip_prefix("live:")
    }

    /// Whether it is this HTML element.
    pub(crate) fn is_html(&self, name: &str) -> bool {
        self.namespace == Namespace::Html && self.name == name
    }

    /// The element as it is named in messages.
    pub(crate) fn tag(&self) -> String {
        format!("<{}>", self.name)
    }
}

/// Elements without content and end tag.
pub(crate) const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// The namespace of a child named `name` of an element.
pub(crate) fn namespace(parent: Option<(&str, Namespace)>, name: &str) -> Namespace {
    let around = match parent {
        Some((parent, Namespace::Svg)) if !matches!(parent, "foreignObject" | "desc" | "title") => {
            Namespace::Svg
        }
        Some((parent, Namespace::MathMl)) if !matches!(parent, "mi" | "mo" | "mn" | "ms" | "mtext") => {
            Namespace::MathMl
        }
        _ => Namespace::Html,
    };
    if around != Namespace::Html {
        around
    } else if name.eq_ignore_ascii_case("svg") {
        Namespace::Svg
    } else if name.eq_ignore_ascii_case("math") {
        Namespace::MathMl
    } else {
        Namespace::Html
    }
}
