//! Forms that a browser sends without JavaScript: what the page's client would have sent.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::compile::Compiled;
use crate::compiled::Control;
use crate::program::FormInput;
use crate::render::{CollectedControl, CollectedModel, EvaluatedStatement, FormPass, PageRequest, render_at};

/// A field that a browser has sent: its name and its text.
pub type FormField = (String, String);

/// A submitted form.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmittedForm {
    /// The fields as `$form`: texts and lists of texts.
    pub fields: Value,
    /// The fields that a page shows again, those of visible controls, without passwords.
    pub shown: Value,
    /// The controls that differ from the state, in document order.
    pub edits: Vec<FormEdit>,
    /// The statements of the form's event.
    pub calls: Vec<SubmittedCall>,
}

/// An edit of a property by a control.
#[derive(Clone, Debug, PartialEq)]
pub struct FormEdit {
    /// The names of fields and the keys of items.
    pub path: Vec<Value>,
    /// The new value.
    pub value: Value,
}

/// A statement of a submitted form.
#[derive(Clone, Debug, PartialEq)]
pub enum SubmittedCall {
    /// A call of an action with these arguments.
    Action(Box<str>, Vec<Value>),
    /// An edit of a field.
    Edit(Box<str>, Value),
}

/// Evaluates the form at a place, as it was rendered from this state, with the fields that a
/// browser has sent. Returns `None` if the template has no such form in this state.
///
/// ```
/// use serde_json::json;
/// use vivaz_template::{SubmittedCall, compile, submit_form};
///
/// let source = "<form method='post' live:submit='add($form.name)'><input name='name'></form>";
/// let compiled = compile(source).expect("a valid template");
/// let fields = [("name".to_owned(), "Ada".to_owned())];
/// let form = submit_form(&compiled, &json!({}), None, "[0]", &fields).expect("the form");
/// assert_eq!(form.calls, [SubmittedCall::Action("add".into(), vec![json!("Ada")])]);
/// ```
pub fn submit_form(
    compiled: &Compiled,
    state: &Value,
    user: Option<&Value>,
    place: &str,
    sent: &[FormField],
) -> Option<SubmittedForm> {
    let request = PageRequest { path: "", user, flash: None };
    let collected = render_at(compiled, state, &request, &[], FormPass::Collect(place)).form;
    if !collected.is_found {
        return None;
    }
    let controls = collected.controls;
    let fields = fields(&controls, sent);
    let evaluated = render_at(compiled, state, &request, &[], FormPass::Evaluate(place, &fields)).form;
    let calls = evaluated.statements.into_iter().map(|statement| match statement {
        EvaluatedStatement::Call(action, args) => SubmittedCall::Action(action, args),
        EvaluatedStatement::Edit(field, value) => SubmittedCall::Edit(field, value),
    });
    let mut shown = fields.clone();
    if let Value::Object(shown) = &mut shown {
        shown.retain(|name, _| {
            let mut named = controls.iter().filter(|control| control.name == *name).peekable();
            named.peek().is_some() && named.all(|control| control.input != FormInput::Unshown)
        });
    }
    Some(SubmittedForm { calls: calls.collect(), edits: edits(controls, sent), shown, fields })
}

/// Returns the fields as the page's client does: those of several choices are lists, and files are
/// left out.
fn fields(controls: &[CollectedControl<Value>], sent: &[FormField]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    let mut boxes = Vec::new();
    for CollectedControl { name, input, .. } in controls.iter().filter(|control| !control.name.is_empty()) {
        let is_box = *input == FormInput::Checkbox;
        if *input == FormInput::SelectMultiple || is_box && boxes.contains(&name) {
            fields.insert(name.clone(), Value::Array(Vec::new()));
        }
        if is_box {
            boxes.push(name);
        }
    }
    let is_file =
        |name: &str| controls.iter().any(|control| control.name == name && control.input == FormInput::File);
    for (name, text) in sent.iter().filter(|(name, _)| !is_file(name)) {
        let text = Value::from(text.as_str());
        match fields.get_mut(name) {
            Some(Value::Array(items)) => items.push(text),
            Some(first) => *first = Value::Array(vec![first.take(), text]),
            None => {
                fields.insert(name.clone(), text);
            }
        }
    }
    Value::Object(fields)
}

/// Returns the edits that controls with a `live:model` have made.
fn edits(controls: Vec<CollectedControl<Value>>, sent: &[FormField]) -> Vec<FormEdit> {
    let mut texts: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, text) in sent.iter().rev() {
        texts.entry(name).or_default().push(text);
    }
    // The last value of each property: the boxes of one list edit it one after the other.
    let mut edited: Vec<(FormEdit, Value)> = Vec::new();
    for CollectedControl { name, input, own, is_disabled, model } in controls {
        let Some(CollectedModel { path, value, control, trim, number }) = model else { continue };
        if is_disabled || name.is_empty() {
            continue;
        }
        let is_sent = |text: &str| sent.iter().any(|(field, sent)| *field == name && sent == text);
        let earlier = edited.iter().find(|(edit, _)| edit.path == path).map(|(edit, _)| edit.value.clone());
        let now = earlier.unwrap_or_else(|| value.clone());
        let new = match (input, control) {
            (FormInput::Checkbox, Control::Choice) if now.is_array() || now.is_null() => {
                Some(ticked(now, &own, is_sent(&own)))
            }
            (FormInput::Checkbox, _) => Some(Value::Bool(is_sent(&own))),
            (FormInput::Radio, _) if !is_sent(&own) => None,
            (FormInput::Radio, _) => Some(Value::from(own)),
            (FormInput::SelectMultiple, _) => {
                let chosen = sent.iter().filter(|(field, _)| *field == name);
                Some(chosen.map(|(_, text)| Value::from(text.as_str())).collect())
            }
            // Each control takes the next of the texts with its name.
            (FormInput::Text | FormInput::Unshown | FormInput::Textarea | FormInput::Select, _) => {
                let text = texts.get_mut(&*name).and_then(Vec::pop);
                text.map(|text| {
                    let text = if trim { text.trim() } else { text };
                    let is_number = control == Control::Number || number;
                    if is_number && text.is_empty() { Value::Null } else { Value::from(text) }
                })
            }
            (FormInput::File, _) => None,
        };
        let Some(new) = new else { continue };
        match edited.iter_mut().find(|(edit, _)| edit.path == path) {
            Some((edit, _)) => edit.value = new,
            None => edited.push((FormEdit { path, value: new }, value)),
        }
    }
    let is_changed = |(edit, before): &(FormEdit, Value)| !is_same(&edit.value, before);
    edited.into_iter().filter(is_changed).map(|(edit, _)| edit).collect()
}

/// Checks or unchecks a box of a list.
fn ticked(list: Value, own: &str, is_ticked: bool) -> Value {
    let mut items = if let Value::Array(items) = list { items } else { Vec::new() };
    let is_own = |item: &Value| text(item) == own;
    if !is_ticked {
        items.retain(|item| !is_own(item));
    } else if !items.iter().any(is_own) {
        items.push(Value::from(own));
    }
    Value::Array(items)
}

/// Returns whether a control that shows `state` would send `sent`.
fn is_same(sent: &Value, state: &Value) -> bool {
    match (sent, state) {
        (Value::Array(sent), Value::Array(state)) => {
            sent.len() == state.len() && sent.iter().zip(state).all(|(sent, state)| is_same(sent, state))
        }
        (Value::Array(items), Value::Null) => items.is_empty(),
        (Value::Bool(sent), state) => *sent == crate::eval::truthy(&crate::Data::kind(state)),
        (sent, state) => lines(&text(sent)) == lines(&text(state)),
    }
}

/// Returns a text with the line breaks of a control.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn text(value: &Value) -> String {
    let mut text = String::new();
    crate::eval::write(&crate::Data::kind(value), &mut text);
    text
}
