//! How a block is written as HTML on the server: the same pieces as its skeleton, with instructions in between.

use crate::containment::Open;
use crate::expr::Expr;

/// One instruction. Numbers are positions in the block's holes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// As it is.
    Html(String),
    /// Escaped text.
    Text(usize),
    /// Raw HTML, which is the content of the last one of these elements.
    Raw(usize, Vec<Open>),
    /// An attribute by its kind.
    Attribute(usize),
    /// `class`, put together from what never changes, a value and toggles.
    Class { fixed: String, value: Option<usize>, toggles: Vec<usize> },
    /// `hidden`, if it does not hold.
    Show(usize),
    /// Escaped text that no hole has: what a `textarea` with a `live:model` shows.
    ShowText(Expr),
    /// The same for an element with `contenteditable`.
    ShowLines(Expr),
    /// `value`, of an input with a `live:model`.
    Value(Expr),
    /// `checked`, if it holds.
    Checked(Expr),
    /// `checked`, if the first is a list that has the second, or holds and is no list: a checkbox with a `value`.
    Ticked(Expr, Expr),
    /// `checked`, if both are the same: a radio button and its model.
    Chosen(Expr, Expr),
    /// From here on options are selected by this value.
    SelectStart(Expr),
    /// `selected`, if the option's value is that (or one of those) of the `select` around it. It is the first expression,
    /// or the text of the option where that is null.
    Selected(Option<Expr>, Expr),
    /// The end of the `select`.
    SelectEnd,
    /// The rows of a `live:for`.
    For(usize),
    /// The arm of a `live:if` that holds.
    If(usize),
    /// A child component starts in these elements; up to [`Op::ChildEnd`] its own attributes.
    ChildStart(usize, Vec<Open>),
    /// The `id` among those.
    ChildId(Expr),
    /// Its place is known now.
    ChildEnd,
}
