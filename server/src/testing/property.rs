//! Finds properties by name: the name of a field, or the path of a property inside of a field as a
//! JSON array.

use serde_json::Value;
use vivaz_protocol::{Key, PropertyPath};

/// Parses the name of a property.
///
/// # Panics
/// Panics if the name begins with `[` and is not a valid path.
pub(super) fn path(name: &str) -> PropertyPath<'_> {
    if !name.starts_with('[') {
        return name.into();
    }
    let steps = serde_json::from_str::<Vec<Value>>(name).unwrap_or_default();
    let mut steps = steps.into_iter().map(|step| match step {
        Value::String(text) => Key::Text(text.into()),
        Value::Number(number) if number.is_i64() => Key::Int(number.as_i64().unwrap_or_default()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            panic!("{name} is not the path of a property")
        }
    });
    let Some(Key::Text(field)) = steps.next() else { panic!("{name} is not the path of a property") };
    PropertyPath { field: String::from(field).into(), steps: steps.collect() }
}

/// Returns a property of a state, if it exists.
pub(super) fn find<'s>(state: &'s Value, name: &str) -> Option<&'s Value> {
    let path = path(name);
    let mut at = state.get(&*path.field)?;
    for step in &path.steps {
        at = if let Value::Array(items) = at {
            items.iter().find(|item| is_key(&item["id"], step))?
        } else {
            at.get(text(step)?)?
        };
    }
    Some(at)
}

fn is_key(id: &Value, step: &Key) -> bool {
    match step {
        Key::Int(number) => id.as_i64() == Some(*number),
        Key::Text(text) => id.as_str() == Some(text),
    }
}

fn text(step: &Key) -> Option<&str> {
    match step {
        Key::Text(text) => Some(text),
        Key::Int(_) => None,
    }
}
