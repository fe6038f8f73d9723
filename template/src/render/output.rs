//! The result of rendering a template.

use crate::containment::OpenElement;

/// The result of rendering.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered<D> {
    /// The content of the component's element.
    pub html: String,
    /// The choices, in document order, so that the page can adopt HTML of an older state: for each
    /// `live:for` the number of its items, for each `live:if` the number of its arm counted from 1,
    /// or 0; those inside rows and arms directly after their own row or arm begins.
    pub shape: Vec<u32>,
    /// The child components, in document order; `html` does not contain them yet.
    pub children: Vec<ChildSlot<D>>,
    /// The forms that also work without JavaScript, in document order.
    pub forms: Vec<FormSlot>,
    /// The offset at which a page's capture script is inserted into `html`.
    pub head: Option<usize>,
    /// The offset at which the elements that load a page's client are inserted into `html`, if it
    /// has a capture script.
    pub client: Option<usize>,
}

/// The end of the content of a form that also works without JavaScript.
#[derive(Clone, Debug, PartialEq)]
pub struct FormSlot {
    /// The offset in [`Rendered::html`] at which its hidden controls are inserted.
    pub offset: usize,
    /// Its place, like [`ChildSlot::place`].
    pub place: String,
}

/// The position of a child component.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildSlot<D> {
    /// The offset at which its `<live-component …>…</live-component>` is inserted into
    /// [`Rendered::html`].
    pub offset: usize,
    /// The child's registered name.
    pub component: Box<str>,
    /// Its props.
    pub props: Vec<(Box<str>, D)>,
    /// Attributes of its start tag, escaped, each with a space before it: `id`, `class`, `data-…`.
    pub attributes: String,
    /// The `id` among them.
    pub id: Option<String>,
    /// The enclosing elements, outermost first: those of this template, and those around the
    /// component.
    pub around: Vec<OpenElement>,
    /// Its place as a JSON array: hole numbers, row keys and arm numbers, as for
    /// [`child_at`](crate::child_at).
    pub place: String,
    /// The names of those [`props`](Self::props) that read page-local state, which the page sends
    /// itself.
    pub page: Vec<Box<str>>,
}
