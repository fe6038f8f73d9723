//! The server's instructions for a block: the parts of its skeleton with holes in between.

use crate::compiled::{Control, ModelStep};
use crate::containment::OpenElement;
use crate::expr::Expr;

/// A control of a posted form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FormControl {
    /// The name; null for a control that is not sent.
    pub(crate) name: Expr,
    pub(crate) input: FormInput,
    /// The `value` of a checkbox or radio button.
    pub(crate) own: Expr,
    /// Whether the control is disabled, so that it is not sent.
    pub(crate) disabled: Expr,
    pub(crate) model: Option<ControlModel>,
}

/// The property that a control of a posted form edits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ControlModel {
    pub(crate) property: Vec<ModelStep>,
    pub(crate) value: Expr,
    pub(crate) control: Control,
    pub(crate) trim: bool,
    pub(crate) number: bool,
}

/// How a control of a posted form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormInput {
    /// An `input` with a text.
    Text,
    /// An `input` whose text is not written into a page: a password, one that is hidden, or one
    /// whose type is an expression.
    Unshown,
    Textarea,
    Checkbox,
    Radio,
    Select,
    SelectMultiple,
    /// Files, which are not sent.
    File,
}

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
    /// The start of a posted form's content, with the hole of its submit event.
    FormStart(usize),
    /// The end of that content.
    FormEnd(usize),
    /// A control of a posted form, before its attributes.
    Control(Box<FormControl>),
    /// The end of its attributes.
    ControlEnd,
    /// The start of a `fieldset` in a posted form, and whether it is disabled.
    FieldsetStart(Expr),
    /// The end of a `fieldset` in a posted form.
    FieldsetEnd,
    /// A fixed attribute of a control that is left out while the control shows a typed value.
    Default(String),
    /// The start of the content of a `textarea` in a posted form.
    TypedStart,
    /// The end of that content.
    TypedEnd,
    /// `aria-current`, if the link with that address leads to the current page, or (the second
    /// value) above it.
    Current(Expr, bool),
}
