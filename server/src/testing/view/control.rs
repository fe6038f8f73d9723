//! Controls of forms: what stands in them.

use std::collections::{HashMap, HashSet};

use scraper::{ElementRef, Selector};
use serde_json::{Map, Value};
use vivaz_template::compiled::{Control, ModelModifiers};

use super::memory::Typed;

/// What the rendering says of a control: text, a list for several choices, or whether it is checked.
pub(super) fn rendered(element: ElementRef<'_>) -> Value {
    let value = element.value();
    match value.name() {
        "textarea" => {
            let text: String = element.text().collect();
            Value::String(text.strip_prefix('\n').unwrap_or(&text).to_owned())
        }
        "select" => {
            let options = options(element);
            let mut chosen =
                options.iter().filter(|option| option.attr("selected").is_some()).map(|one| own(*one));
            if value.attr("multiple").is_some() {
                chosen.map(Value::String).collect()
            } else {
                let first = options.first().map(|option| own(*option));
                chosen.next_back().or(first).map_or(Value::Null, Value::String)
            }
        }
        _ if is_editable(element) => {
            let text: String = element.text().collect();
            Value::String(text.strip_suffix('\n').unwrap_or(&text).to_owned())
        }
        _ if is_tick(element) => Value::Bool(value.attr("checked").is_some()),
        _ => Value::String(value.attr("value").unwrap_or_default().to_owned()),
    }
}

/// Whether it is a control that is ticked.
pub(super) fn is_tick(element: ElementRef<'_>) -> bool {
    element.value().name() == "input" && matches!(element.attr("type"), Some("checkbox" | "radio"))
}

/// Whether it is a control that something can be typed into, or chosen from.
pub(super) fn is_control(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "input" | "textarea" | "select") || is_editable(element)
}

/// Whether its text can be edited in its place.
fn is_editable(element: ElementRef<'_>) -> bool {
    let how = element.attr("contenteditable");
    let is_control = matches!(element.value().name(), "input" | "textarea" | "select");
    !is_control && how.is_some_and(|how| !how.eq_ignore_ascii_case("false"))
}

/// What stands in it now.
pub(super) fn now(element: ElementRef<'_>, key: &str, typed: &HashMap<String, Typed>) -> Value {
    let rendered = rendered(element);
    match typed.get(key) {
        Some(typed) if typed.rendered.as_ref().is_none_or(|says| *says == rendered) => typed.now.clone(),
        _ => rendered,
    }
}

/// The `value` of a control that is ticked.
pub(super) fn own(element: ElementRef<'_>) -> String {
    match element.attr("value") {
        Some(value) => value.to_owned(),
        None if element.value().name() == "option" => element.text().collect::<String>().trim().to_owned(),
        None => "on".to_owned(),
    }
}

/// What `live:model` makes of what stands in a control; `None` where that says nothing.
pub(super) fn model(
    element: ElementRef<'_>,
    now: Value,
    control: Control,
    how: &ModelModifiers,
) -> Option<Value> {
    let text = |now: Value| match now {
        Value::String(text) if how.trim => text.trim().to_owned(),
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let number = |text: String| {
        if text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str::<serde_json::Number>(&text).map_or(Value::String(text), Value::Number)
    };
    Some(match control {
        Control::Checkbox | Control::Choice | Control::SelectMultiple => now,
        Control::Radio if now == Value::Bool(true) => Value::String(own(element)),
        Control::Radio => return None,
        Control::Number => number(text(now)),
        Control::Text | Control::Select | Control::Editable if how.number => number(text(now)),
        Control::Text | Control::Select | Control::Editable => Value::String(text(now)),
    })
}

/// What a checkbox with a `value` makes of its field: a list with the value or without it, or a truth value.
pub(super) fn choice(element: ElementRef<'_>, now: Value, field: Value) -> Value {
    let items = match field {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return now,
    };
    let own = own(element);
    // Texts, as the page sends them: the server reads them as the type of the items.
    let texts = items.into_iter().map(|item| match item {
        Value::String(text) => text,
        item @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            item.to_string()
        }
    });
    let mut texts: Vec<String> = texts.collect();
    if now != Value::Bool(true) {
        texts.retain(|text| *text != own);
    } else if !texts.contains(&own) {
        texts.push(own);
    }
    texts.into()
}

/// The fields of a form by their names.
pub(super) fn form(form: ElementRef<'_>, now: impl Fn(ElementRef<'_>) -> Value) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    // Several choices are a list, however many of them are made.
    let mut boxes = HashSet::new();
    for control in form.descendent_elements() {
        let Some(name) = control.attr("name").filter(|name| !name.is_empty()) else { continue };
        let is_box = control.value().name() == "input" && control.attr("type") == Some("checkbox");
        let is_multiple = control.value().name() == "select" && control.attr("multiple").is_some();
        if is_multiple || is_box && !boxes.insert(name) {
            fields.insert(name.to_owned(), Value::Array(Vec::new()));
        }
    }
    for control in form.descendent_elements().filter(|element| is_control(*element)) {
        let Some(name) = control.attr("name") else { continue };
        let skipped = matches!(control.attr("type"), Some("submit" | "button" | "reset" | "file" | "image"));
        if skipped || control.attr("disabled").is_some() {
            continue;
        }
        let values = match now(control) {
            Value::Bool(true) => vec![Value::String(own(control))],
            Value::Bool(false) | Value::Null => Vec::new(),
            Value::Array(values) => values,
            value @ (Value::String(_) | Value::Number(_) | Value::Object(_)) => vec![value],
        };
        for value in values {
            match fields.get_mut(name) {
                None => drop(fields.insert(name.to_owned(), value)),
                Some(Value::Array(all)) => all.push(value),
                Some(one) => *one = Value::Array(vec![one.take(), value]),
            }
        }
    }
    Value::Object(fields)
}

fn options(select: ElementRef<'_>) -> Vec<ElementRef<'_>> {
    match Selector::parse("option") {
        Ok(selector) => select.descendent_elements().filter(|element| selector.matches(element)).collect(),
        Err(_) => Vec::new(),
    }
}
