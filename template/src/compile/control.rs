//! Form controls: `live:model`, and which option of a `select` is selected.

use super::Compiler;
use super::directives::code;
use super::element::Tag;
use crate::check::{CheckKind, Want};
use crate::compiled::{Control, HoleKind, Step};
use crate::data::Name;
use crate::error::hint;
use crate::expr::{Binary, Expr, Literal};
use crate::program::Op;
use crate::source::{Attribute, Element};

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
        let modifiers = self.model_modifiers(attribute.at, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let Some(control) = self.control(element, attribute) else { return };
        let Some(code) = code(attribute) else {
            self.error(attribute.at, "`live:model` names a field: `live:model=\"draft\"`");
            return;
        };
        let field = code.text.trim();
        if !field.chars().all(|c| c.is_alphanumeric() || c == '_')
            || field.starts_with(|c: char| c.is_ascii_digit())
        {
            self.error(code.at, "`live:model` names one field of the component that is marked `model`, no path and no expression");
            return;
        }
        if self.scopes.find(field).is_some() {
            self.error(
                code.at,
                format!("`{field}` belongs to the template; `live:model` names a field of the component"),
            );
            return;
        }
        self.check(code.at, CheckKind::Model { field: field.to_owned(), control });
        let name = Name::from(field);
        let value = Expr::Root(name.clone());
        let hole = HoleKind::Model { field: name, control, modifiers };
        match control {
            Control::Text | Control::Number if element.is_html("textarea") => tag.shows = Some(value),
            Control::Text | Control::Number => self.op(Op::Value(value)),
            Control::Checkbox => self.op(Op::Checked(value)),
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

    fn control(&mut self, element: &Element, attribute: &Attribute) -> Option<Control> {
        match element.name.as_str() {
            "textarea" => return Some(Control::Text),
            "select" if element.attribute("multiple").is_some() => return Some(Control::SelectMultiple),
            "select" => return Some(Control::Select),
            "input" => {}
            _ => {
                self.error(
                    attribute.at,
                    format!(
                        "`live:model` belongs to `<input>`, `<textarea>` or `<select>`, not to `{}`",
                        element.tag()
                    ),
                );
                return None;
            }
        }
        let kind = element.attribute("type").and_then(|kind| kind.value.as_ref());
        let Some(kind) = kind else { return Some(Control::Text) };
        let name = kind.text.trim().to_ascii_lowercase();
        match name.as_str() {
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

    /// The value that a radio button stands for.
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
        // An option without a value, or whose value is null, stands for its text.
        let value = match element.attribute("value") {
            Some(value) => Expr::Binary(Binary::Coalesce, self.value_again(value).into(), content.into()),
            None => content,
        };
        self.op(Op::Selected(value));
    }
}
