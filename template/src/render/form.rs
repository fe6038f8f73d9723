//! Forms that also work without JavaScript: reading their controls, evaluating their statements,
//! and showing typed values again.

use super::frame::RenderFrame;
use super::{has_text, text_of};
use crate::compiled::{Control, ModelStep, Statement};
use crate::data::{Data, Kind};
use crate::escape;
use crate::eval::Value;
use crate::program::{FormControl, FormInput};

/// The values that were typed into a form, which it shows again.
#[derive(Debug)]
pub struct TypedForm<'a, D> {
    /// The form's place.
    pub place: &'a str,
    /// The fields of the form: texts and lists of texts.
    pub fields: &'a D,
    /// Whether controls with a `live:model` show these values too, in place of the state.
    pub replaces_models: bool,
}

/// What is done with one form while the template is rendered.
pub(crate) enum FormPass<'a, D> {
    /// Nothing.
    None,
    /// Its controls are collected.
    Collect(&'a str),
    /// Its statements are evaluated with these fields.
    Evaluate(&'a str, &'a D),
    /// It shows typed values.
    Show(TypedForm<'a, D>),
}

impl<'a, D> FormPass<'a, D> {
    /// Returns the value of `$form`.
    pub(super) fn fields(&self) -> Option<&'a D> {
        match self {
            Self::Evaluate(_, fields) => Some(fields),
            Self::None | Self::Collect(_) | Self::Show(_) => None,
        }
    }

    fn place(&self) -> Option<&'a str> {
        match self {
            Self::None => None,
            Self::Collect(place) | Self::Evaluate(place, _) => Some(place),
            Self::Show(typed) => Some(typed.place),
        }
    }
}

/// A control of a form, with its values in the state from which the form was rendered.
pub(crate) struct CollectedControl<D> {
    pub(crate) name: String,
    pub(crate) input: FormInput,
    /// The value of a checkbox or radio button.
    pub(crate) own: String,
    pub(crate) is_disabled: bool,
    pub(crate) model: Option<CollectedModel<D>>,
}

/// The property that a control edits.
pub(crate) struct CollectedModel<D> {
    /// The names of fields and the keys of items.
    pub(crate) path: Vec<D>,
    pub(crate) value: D,
    pub(crate) control: Control,
    pub(crate) trim: bool,
    pub(crate) number: bool,
}

/// A statement of a submitted form, with its values.
pub(crate) enum EvaluatedStatement<D> {
    /// A call of an action.
    Call(Box<str>, Vec<D>),
    /// An edit of a field.
    Edit(Box<str>, D),
}

/// The part of the renderer for the one form.
pub(crate) struct FormRenderer<'a, D> {
    pass: FormPass<'a, D>,
    /// Whether the renderer is inside of the form.
    is_inside: bool,
    /// Whether the form was found.
    pub(crate) is_found: bool,
    pub(crate) controls: Vec<CollectedControl<D>>,
    pub(crate) statements: Vec<EvaluatedStatement<D>>,
    /// The attribute that is replaced in the current control.
    replaced: Option<&'static str>,
    /// Whether the current `select` shows typed values.
    in_select: bool,
    /// The typed text of the current `textarea`.
    content: Option<String>,
    /// The offset of that content.
    content_start: usize,
    /// The enclosing fieldsets, and whether each is disabled.
    fieldsets: Vec<bool>,
}

impl<'a, D: Data> FormRenderer<'a, D> {
    pub(super) fn new(pass: FormPass<'a, D>) -> Self {
        Self {
            pass,
            is_inside: false,
            is_found: false,
            controls: Vec::new(),
            statements: Vec::new(),
            replaced: None,
            in_select: false,
            content: None,
            content_start: 0,
            fieldsets: Vec::new(),
        }
    }

    /// Enters a form. The statements of its submit event are evaluated if that is the pass.
    pub(super) fn start(&mut self, place: &str, run: &[Statement], frame: &RenderFrame<'_, D>) {
        if self.pass.place() != Some(place) || self.is_found {
            return;
        }
        (self.is_inside, self.is_found) = (true, true);
        if let FormPass::Evaluate(..) = self.pass {
            self.statements = run
                .iter()
                .filter_map(|statement| match statement {
                    Statement::Call { action, args } => {
                        let args = args.iter().map(|arg| arg.eval(frame).into_data()).collect();
                        Some(EvaluatedStatement::Call(action.clone(), args))
                    }
                    Statement::Edit { field, value } => {
                        let value = value.eval(frame).into_data();
                        Some(EvaluatedStatement::Edit(field.text.clone(), value))
                    }
                    // Page-local state has no page.
                    Statement::Set { .. } => None,
                })
                .collect();
        }
    }

    pub(super) fn end(&mut self, place: &str) {
        if self.pass.place() == Some(place) {
            self.is_inside = false;
        }
    }

    pub(super) fn start_fieldset(&mut self, is_disabled: bool) {
        self.fieldsets.push(is_disabled);
    }

    pub(super) fn end_fieldset(&mut self) {
        self.fieldsets.pop();
    }

    /// Begins a control: collects it, or shows its typed value. Returns the value of a `select`.
    pub(super) fn control(
        &mut self,
        control: &FormControl,
        frame: &RenderFrame<'_, D>,
        html: &mut String,
    ) -> Option<D> {
        if !self.is_inside {
            return None;
        }
        let name = text_of(&control.name.eval(frame));
        match &self.pass {
            FormPass::Collect(_) => {
                let own = own_text(control, frame);
                let is_disabled = self.is_disabled(control, frame);
                let model = control.model.as_ref().map(|model| CollectedModel {
                    path: path(&model.property, frame),
                    value: model.value.eval(frame).into_data(),
                    control: model.control,
                    trim: model.trim,
                    number: model.number,
                });
                self.controls.push(CollectedControl { name, input: control.input, own, is_disabled, model });
                None
            }
            // The browser sends no disabled controls.
            FormPass::Show(_) if self.is_disabled(control, frame) => None,
            FormPass::Show(typed) if control.model.is_none() || typed.replaces_models => {
                self.show(control, typed.fields.get(&name), frame, html)
            }
            FormPass::Show(_) | FormPass::Evaluate(..) | FormPass::None => None,
        }
    }

    fn is_disabled(&self, control: &FormControl, frame: &RenderFrame<'_, D>) -> bool {
        control.disabled.eval(frame).truthy() || self.fieldsets.iter().any(|disabled| *disabled)
    }

    /// Shows the typed value of a control.
    fn show(
        &mut self,
        control: &FormControl,
        typed: Option<&D>,
        frame: &RenderFrame<'_, D>,
        html: &mut String,
    ) -> Option<D> {
        let list = typed.map_or(&[][..], |typed| {
            crate::eval::items(&typed.kind()).unwrap_or_else(|| std::slice::from_ref(typed))
        });
        match control.input {
            FormInput::Text => {
                let typed = list.first()?;
                self.replaced = Some("value");
                html.push_str(" value=\"");
                escape::push_attribute(html, &text_of(&Value::Borrowed(typed)));
                html.push('"');
            }
            FormInput::Textarea => self.content = Some(text_of(&Value::Borrowed(list.first()?))),
            FormInput::Checkbox | FormInput::Radio => {
                self.replaced = Some("checked");
                let own = own_text(control, frame);
                if has_text(list, &own) {
                    html.push_str(" checked");
                }
            }
            FormInput::Select | FormInput::SelectMultiple => {
                self.in_select = true;
                return typed.cloned();
            }
            FormInput::Unshown | FormInput::File => {}
        }
        None
    }

    /// Returns whether the current control shows a typed value in place of this attribute.
    pub(super) fn replaces(&self, name: &str) -> bool {
        self.replaced == Some(name) || self.in_select && name == "selected"
    }

    pub(super) fn end_control(&mut self) {
        self.replaced = None;
    }

    pub(super) fn end_select(&mut self) {
        self.in_select = false;
    }

    pub(super) fn start_content(&mut self, offset: usize) {
        self.content_start = offset;
    }

    /// Replaces the content of a `textarea` by the typed text.
    pub(super) fn end_content(&mut self, html: &mut String) {
        if let Some(typed) = self.content.take() {
            html.truncate(self.content_start);
            escape::push_text(html, &typed);
        }
    }
}

/// Returns the text that a box sends if it is checked.
fn own_text<D: Data>(control: &FormControl, frame: &RenderFrame<'_, D>) -> String {
    let own = control.own.eval(frame);
    if matches!(own.kind(), Kind::Null) { "on".to_owned() } else { text_of(&own) }
}

/// Evaluates the path to a property.
fn path<D: Data>(steps: &[ModelStep], frame: &RenderFrame<'_, D>) -> Vec<D> {
    let step = |step: &ModelStep| match step {
        ModelStep::Field(name) => D::from_text(name.text.to_string()),
        ModelStep::Key(key) => key.eval(frame).into_data(),
    };
    steps.iter().map(step).collect()
}
