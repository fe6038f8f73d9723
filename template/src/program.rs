//! The server's instructions for a block: the parts of its skeleton with holes in between.

use crate::containment::OpenElement;
use crate::expr::Expr;

/// One instruction. Numbers are positions in the block's holes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RenderOp {
    /// Unchanged HTML.
    Html(String),
    /// Escaped text.
    Text(usize),
    /// Raw HTML, which is the content of the last one of these elements.
    Raw(usize, Vec<OpenElement>),
    /// An attribute, by its kind.
    Attribute(usize),
    /// `class`, composed of fixed classes, a value and toggles.
    Class { fixed: String, value: Option<usize>, toggles: Vec<usize> },
    /// `hidden`, if the value is false.
    Show(usize),
    /// Escaped text without a hole: the content of a `textarea` with a `live:model`.
    ShowText(Expr),
    /// The same for an element with `contenteditable`.
    ShowLines(Expr),
    /// `value`, of an input with a `live:model`.
    Value(Expr),
    /// `checked`, if the value is true.
    Checked(Expr),
    /// `checked`, if the first value is a list that contains the second, or is true and not a list:
    /// a checkbox with a `value`.
    Ticked(Expr, Expr),
    /// `checked`, if both values are equal: a radio button and its model.
    Chosen(Expr, Expr),
    /// The start of a `select`, whose options are selected by this value.
    SelectStart(Expr),
    /// `selected`, if the option's value is that (or one of those) of the enclosing `select`. The
    /// value is the first expression, or the text of the option if that is null.
    Selected(Option<Expr>, Expr),
    /// The end of the `select`.
    SelectEnd,
    /// The rows of a `live:for`.
    For(usize),
    /// The active arm of a `live:if`.
    If(usize),
    /// The start of a child component in these elements; its own attributes follow up to
    /// [`RenderOp::ChildEnd`].
    ChildStart(usize, Vec<OpenElement>),
    /// The `id` among those attributes.
    ChildId(Expr),
    /// The end of a child component's attributes.
    ChildEnd,
    /// The place of a page's capture script.
    Head,
    /// The place of the elements that load a page's client, if it has a capture script.
    Client,
    /// `aria-current`, if the link with that address leads to the current page, or (the second
    /// value) above it.
    Current(Expr, bool),
}
