//! Checks of values that several targets share.

use serde_json::{Number, Value};

/// The depth of nesting that the protocol permits.
const DEPTH: usize = 64;

/// Whether a page accepts the value.
pub fn can_hold(value: &Value) -> bool {
    holds(value, DEPTH)
}

fn holds(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(items) => depth > 0 && items.iter().all(|item| holds(item, depth - 1)),
        Value::Object(fields) => depth > 0 && fields.values().all(|item| holds(item, depth - 1)),
    }
}

/// Whether a page treats two values as equal: `1.0` equals `1`.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || as_float(one) == as_float(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

fn as_float(number: &Number) -> Option<f64> {
    number.as_f64()
}
