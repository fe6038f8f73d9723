//! Form controls: `live:model`, and which option of a `select` is selected.

use super::Compiler;
use super::directives::code;
use super::element::{Tag, blank};
use super::resolve::Moment;
use super::scope::Found;
use crate::check::{CheckKind, PathStep, Want};
use crate::compiled::{Control, HoleKind, ModelSend, ModelStep, Namespace, Step};
use crate::error::hint;
use crate::expr::{Expr, Literal};
use crate::program::Op;
use crate::source::{Attribute, Code, Element, Node, Piece, VOID};
use crate::syntax::{self, AstKind};

/// Types of `input`.
const TYPES: &[&str] = &[
    "text",
    "search",
    "email",
    "url",
    "tel",
    "password",
    "number",
    "range",
    "date",
    "time",
    "datetime-local",
    "month",
    "week",
    "color",
    "checkbox",
    "radio",
    "hidden",
    "file",
    "submit",
    "button",
    "reset",
    "image",
];

impl Compiler {
    /// `live:model`
    pub(super) fn model(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        modifiers: Option<&str>,
        path: &[Step],
        tag: &mut Tag,
    ) {
        let mut modifiers = self.model_modifiers(attribute.at, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let Some(control) = self.control(element, attribute) else { return };
        let Some(code) = code(attribute) else {
            self.error(attribute.at, "`live:model` names a field: `live:model=\"draft\"`");
            return;
        };
        let Some((value, steps)) = self.property(&code) else { return };
        if control == Control::Editable && modifiers.send == ModelSend::Change {
            // A browser tells of no `change` there.
            modifiers.send = ModelSend::Blur;
        }
        let mut rooted = value.clone();
        self.scopes.id_path(&mut rooted);
        let property = model_steps(rooted);
        let is_number = modifiers.number || control == Control::Number;
        self.check(code.at, CheckKind::Model { steps, control, is_number });
        let hole = HoleKind::Model { property, value: value.clone(), control, modifiers };
        match control {
            Control::Text | Control::Number if element.is_html("textarea") => tag.shows = Some(value),
            Control::Editable => tag.shows = Some(value),
            Control::Text | Control::Number => self.op(Op::Value(value)),
            Control::Checkbox => self.op(Op::Checked(value)),
            Control::Choice => {
                let own = self.own_value(element, attribute);
                self.op(Op::Ticked(value, own));
            }
            Control::Radio => {
                let own = self.own_value(element, attribute);
                self.op(Op::Chosen(value, own));
            }
            Control::Select | Control::SelectMultiple => {
                self.op(Op::SelectStart(value));
                self.options = true;
                self.late.push((path.to_vec(), hole));
                return;
            }
        }
        self.hole(path, hole);
    }

    /// The property that a `live:model` names: its value, and its path from the component.
    fn property(&mut self, code: &Code) -> Option<(Expr, Vec<PathStep>)> {
        let ast = self.parsed(syntax::expression(&code.text, code.at))?;
        let mut first = &ast;
        while let AstKind::Field(of, _) = &first.kind {
            first = of;
        }
        let AstKind::Name(name) = &first.kind else {
            self.error(code.at, "`live:model` names a field that is marked `model`, or the path to one, as `item.text`; it is no expression");
            return None;
        };
        let is_item = match self.scopes.find(name) {
            _ if name.starts_with('$') => {
                self.error(
                    code.at,
                    format!("`{name}` is not the component's; `live:model` names a field of the component"),
                );
                return None;
            }
            Some(Found::Own(_)) => {
                self.error(
                    code.at,
                    format!("`{name}` belongs to the template; `live:model` names a field of the component"),
                );
                return None;
            }
            Some(Found::Item(..)) => true,
            None => false,
        };
        if is_item && matches!(ast.kind, AstKind::Name(_)) {
            self.error(
                code.at,
                format!("`{name}` is an item of a list; `live:model` names a field of it, as `{name}.text`"),
            );
            return None;
        }
        let (value, steps) = self.path(&ast, Moment::Render);
        if steps.is_none() {
            self.error(code.at, format!("`{name}` is an item of a list that is no field of the component; `live:model` leads through its fields alone"));
        }
        Some((value, steps?))
    }

    fn control(&mut self, element: &Element, attribute: &Attribute) -> Option<Control> {
        match element.name.as_str() {
            "textarea" => return Some(Control::Text),
            "select" if element.attribute("multiple").is_some() => return Some(Control::SelectMultiple),
            "select" => return Some(Control::Select),
            "input" => {}
            _ => return self.editable(element, attribute),
        }
        let kind = element.attribute("type").and_then(|kind| kind.value.as_ref());
        let Some(kind) = kind else { return Some(Control::Text) };
        let name = kind.text.trim().to_ascii_lowercase();
        match name.as_str() {
            "checkbox" if element.attribute("value").is_some() => Some(Control::Choice),
            "checkbox" => Some(Control::Checkbox),
            "radio" => Some(Control::Radio),
            "number" | "range" => Some(Control::Number),
            "file" | "submit" | "button" | "reset" | "image" => {
                self.error(
                    attribute.at,
                    format!("an input of type `{name}` has no value that `live:model` could keep"),
                );
                None
            }
            _ if name.contains("{{") => {
                self.error(kind.at, "with `live:model` the type of an input has to be fixed");
                None
            }
            _ if TYPES.contains(&name.as_str()) => Some(Control::Text),
            _ => {
                let hint = hint(&name, TYPES.iter().copied());
                self.error(kind.at, format!("there is no input of type `{name}`{hint}"));
                None
            }
        }
    }

    /// An element whose text the visitor edits in its place.
    fn editable(&mut self, element: &Element, attribute: &Attribute) -> Option<Control> {
        let marked = element.attribute("contenteditable").filter(|_| element.namespace == Namespace::Html);
        let Some(marked) = marked else {
            self.error(
                attribute.at,
                format!(
                    "`live:model` belongs to `<input>`, `<textarea>`, `<select>` or an element with `contenteditable`, not to `{}`",
                    element.tag()
                ),
            );
            return None;
        };
        let how = marked.value.as_ref().map(|how| how.text.trim().to_ascii_lowercase()).unwrap_or_default();
        if !matches!(&*how, "" | "true" | "plaintext-only") && !how.contains("{{") {
            let why = "is `true` or `plaintext-only` where `live:model` edits the text";
            self.error(marked.at, format!("`contenteditable` {why}"));
        }
        let name = element.name.as_str();
        if VOID.contains(&name)
            || matches!(name, "script" | "style" | "iframe" | "template" | "title" | "option")
        {
            let tag = element.tag();
            self.error(marked.at, format!("`{tag}` has no text that `live:model` could edit"));
            return None;
        }
        self.text_allowed(Some(element), None);
        if has_content(element) || !blank(&element.children) {
            let tag = element.tag();
            self.error(
                element.at,
                format!("`live:model` sets the content of `{tag}` itself: leave it empty"),
            );
            return None;
        }
        Some(Control::Editable)
    }

    /// Refuses content from the state in an element whose text the visitor edits: the next patch
    /// would overwrite what is typed.
    pub(super) fn overwrites_edits(&mut self, element: &Element) {
        let can_be_edited = is_editable(element) == Some(true);
        if can_be_edited && (has_content(element) || element.children.iter().any(depends_on_state)) {
            let tag = element.tag();
            self.error(
                element.at,
                format!(
                    "the state would overwrite what is typed into `{tag}`: edit its text with `live:model`"
                ),
            );
        }
    }

    /// The value that a radio button or a box of a group stands for.
    fn own_value(&mut self, element: &Element, attribute: &Attribute) -> Expr {
        let Some(value) = element.attribute("value") else {
            self.error(attribute.at, "a radio button with `live:model` needs its `value`");
            return Expr::Literal(Literal::Null);
        };
        self.value_again(value)
    }

    /// The value of an attribute that is compiled as an attribute too, which reports what is wrong with it and what
    /// it asks for.
    pub(super) fn value_again(&mut self, attribute: &Attribute) -> Expr {
        let checks = self.checks.len();
        let errors = std::mem::take(&mut self.errors);
        let pieces = self.pieces(attribute);
        let (value, _) = self.value(pieces, Want::Text);
        self.errors = errors;
        self.checks.truncate(checks);
        value
    }

    /// Whether an option is selected, written by the server.
    pub(super) fn selected(&mut self, element: &Element, content: Expr) {
        if !self.options {
            return;
        }
        let value = element.attribute("value").map(|value| self.value_again(value));
        self.op(Op::Selected(value, content));
    }
}

/// The steps of a path that starts at the component.
fn model_steps(path: Expr) -> Vec<ModelStep> {
    let (mut steps, mut rest) = (Vec::new(), path);
    loop {
        #[expect(clippy::wildcard_enum_match_arm, reason = "a path to a property has nothing else")]
        let of = match rest {
            Expr::Field(of, name) => {
                steps.push(ModelStep::Field(name));
                of
            }
            Expr::At(of, key) => {
                steps.push(ModelStep::Key(*key));
                of
            }
            Expr::Root(name) => {
                steps.push(ModelStep::Field(name));
                break;
            }
            _ => break,
        };
        rest = *of;
    }
    steps.reverse();
    steps
}

/// Whether a visitor can edit what stands in an element, or could when the state says so. Nothing
/// where it is as in the elements around.
fn is_editable(element: &Element) -> Option<bool> {
    let marked = element.attribute("contenteditable").filter(|_| element.namespace == Namespace::Html)?;
    let how = marked.value.as_ref().map(|how| how.text.trim().to_ascii_lowercase()).unwrap_or_default();
    Some(how != "false")
}

/// Whether a directive sets the content of an element.
fn has_content(element: &Element) -> bool {
    ["live:text", "live:html"].iter().any(|name| element.attribute(name).is_some())
}

/// Whether what a visitor edits in a node comes from the state.
fn depends_on_state(node: &Node) -> bool {
    match node {
        Node::Text(piece) => matches!(piece, Piece::Hole(_)),
        Node::Element(element) => {
            is_editable(element).is_none()
                && (has_content(element) || element.children.iter().any(depends_on_state))
        }
    }
}
