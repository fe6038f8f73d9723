//! Forms that also work without JavaScript: `live:submit` with `method="post"`.

use super::Compiler;
use super::element::StartTag;
use super::events::EventAttribute;
use super::names::FORM_PROPERTIES;
use crate::compiled::ModelStep;
use crate::escape;
use crate::expr::{Expr, Literal};
use crate::program::{FormControl, FormInput, RenderOp};
use crate::source::{Attribute, Element};

impl Compiler {
    /// Returns whether a form is sent to its own page without JavaScript. Checks that it can be.
    pub(super) fn posts(&mut self, element: &Element, events: &[EventAttribute]) -> bool {
        if !is_posted(element) || self.page.is_some() {
            return false;
        }
        if !events.iter().any(EventAttribute::runs_on_submit) {
            return false;
        }
        if let Some(kind) = element.attribute("enctype")
            && kind.value.as_ref().is_some_and(|kind| kind.text.trim().eq_ignore_ascii_case("text/plain"))
        {
            self.error(kind.at, "a form with `enctype=\"text/plain\"` cannot be read: leave `enctype` out");
        }
        self.has_forms = true;
        true
    }

    /// Begins a control of a posted form. Returns the position of its instruction.
    pub(super) fn control_start(&mut self, element: &Element) -> Option<usize> {
        if !self.post {
            return None;
        }
        if element.is_html("fieldset") {
            let disabled = self.disabled(element);
            self.op(RenderOp::FieldsetStart(disabled));
        }
        let input = input(element)?;
        let name = element.attribute("name").map_or(NULL, |name| self.value_again(name));
        let own =
            element.attribute("value").filter(|_| matches!(input, FormInput::Checkbox | FormInput::Radio));
        let own = own.map_or(NULL, |own| self.value_again(own));
        let disabled = self.disabled(element);
        self.op(RenderOp::Control(Box::new(FormControl { name, input, own, disabled, model: None })));
        Some(self.block().ops.len() - 1)
    }

    /// Ends the attributes of a control. A control without a name that edits a field of the
    /// component gets the field's name.
    pub(super) fn control_model(&mut self, element: &Element, started: Option<usize>, tag: &mut StartTag) {
        let Some(at) = started else { return };
        let mut given = None;
        if let Some(model) = &tag.model
            && element.attribute("name").is_none()
        {
            let fields = model.property.iter().map(|step| match step {
                ModelStep::Field(name) => Some(&*name.text),
                ModelStep::Key(_) => None,
            });
            given = fields.collect::<Option<Vec<_>>>().map(|fields| fields.join("."));
            if given.as_deref().is_none_or(|name| FORM_PROPERTIES.contains(&name)) {
                self.error(
                    element.at,
                    "a control with `live:model` in a form with `method=\"post\"` needs a `name` here, such as \
                     `name=\"text-{{ item.id }}\"`",
                );
            }
        }
        if let Some(name) = &given {
            self.html(&format!(" name=\"{}\"", escape::attribute(name)));
        }
        let model = tag.model.take();
        if let Some(RenderOp::Control(control)) = self.block().ops.get_mut(at) {
            control.model = model;
            if let Some(name) = given {
                control.name = Expr::Literal(Literal::Str(name.into()));
            }
        }
        self.op(RenderOp::ControlEnd);
    }

    /// Returns whether an attribute is the default of a control's value.
    pub(super) fn is_default(&self, element: &Element, name: &str) -> bool {
        let is_text = || input(element).is_some_and(|input| input == FormInput::Text);
        match name {
            "value" => is_text(),
            "checked" => element.is_html("input"),
            "selected" => element.is_html("option"),
            _ => false,
        }
    }

    fn disabled(&mut self, element: &Element) -> Expr {
        match element.attribute("disabled") {
            Some(disabled @ Attribute { value: Some(value), .. }) if value.text.contains("{{") => {
                self.value_again(disabled)
            }
            Some(_) => Expr::Literal(Literal::Bool(true)),
            None => NULL,
        }
    }
}

const NULL: Expr = Expr::Literal(Literal::Null);

/// Returns whether a form is sent to the address of its page by the method `POST`.
pub(super) fn is_posted(element: &Element) -> bool {
    let method = element.attribute("method").and_then(|method| method.value.as_ref());
    element.is_html("form")
        && method.is_some_and(|method| method.text.trim().eq_ignore_ascii_case("post"))
        && element.attribute("action").is_none()
}

/// Returns how a browser sends an element of a form; none if it is no control with a value.
fn input(element: &Element) -> Option<FormInput> {
    if element.is_html("textarea") {
        return Some(FormInput::Textarea);
    }
    if element.is_html("select") {
        let is_multiple = element.attribute("multiple").is_some();
        return Some(if is_multiple { FormInput::SelectMultiple } else { FormInput::Select });
    }
    if !element.is_html("input") {
        return None;
    }
    let kind = element.attribute("type").and_then(|kind| kind.value.as_ref());
    let kind = kind.map(|kind| kind.text.trim().to_ascii_lowercase());
    match kind.as_deref() {
        // It may be that of a password.
        Some(kind) if kind.contains("{{") => Some(FormInput::Unshown),
        Some("checkbox") => Some(FormInput::Checkbox),
        Some("radio") => Some(FormInput::Radio),
        Some("file") => Some(FormInput::File),
        Some("password" | "hidden") => Some(FormInput::Unshown),
        Some("submit" | "button" | "reset" | "image") => None,
        Some(_) | None => Some(FormInput::Text),
    }
}
