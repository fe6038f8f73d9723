//! A template as a tree of its source: elements, text and `{{ }}`, each with its position.

mod entity;
mod parser;
mod tag;

pub(crate) use entity::decode;
pub(crate) use parser::{parse, parse_page, parse_partial, pieces};

use crate::compiled::Namespace;

/// A child of an element.
#[derive(Clone, Debug)]
pub(crate) enum SourceNode {
    /// An element.
    Element(Element),
    /// Text as written, with entities and line breaks.
    Text(Piece),
    /// The place at which the content of a partial without elements begins: the number of its use.
    Use(usize),
}

/// A part of a text or of an attribute's value.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// Text as written.
    Text(String),
    /// The source between `{{` and `}}`.
    Hole(Code),
}

/// An expression's source.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// Its text.
    pub(crate) text: String,
    /// Its offset.
    pub(crate) at: u32,
}

/// An element.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// In lower case, except for SVG and MathML, which keep their case.
    pub(crate) name: String,
    /// The offset of its `<`.
    pub(crate) at: u32,
    /// The namespace of the element itself.
    pub(crate) namespace: Namespace,
    /// In source order, each name once.
    pub(crate) attributes: Vec<Attribute>,
    /// Its content.
    pub(crate) children: Vec<SourceNode>,
    /// The uses of partials whose content begins here.
    pub(crate) uses: Vec<usize>,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    /// As written.
    pub(crate) name: String,
    /// The offset of its name.
    pub(crate) at: u32,
    /// Its value as written, with its offset; none without `=`.
    pub(crate) value: Option<Code>,
}

impl Element {
    /// Returns the attribute with that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Returns the component's name if this is `<live:NAME>`.
    pub(crate) fn component(&self) -> Option<&str> {
        self.name.strip_prefix("live:")
    }

    /// Returns whether it is this HTML element.
    pub(crate) fn is_html(&self, name: &str) -> bool {
        self.namespace == Namespace::Html && self.name == name
    }

    /// Returns the element's tag for messages.
    pub(crate) fn tag(&self) -> String {
        format!("<{}>", self.name)
    }
}

/// Returns the namespace of a child named `name` of an element.
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
