//! Fields that are bound to parameters of the page's URL.
//!
//! A component reads its bound fields from the URL when it is mounted and when the page goes back
//! or forward. Its state contains the parameters that its fields require ([`UrlQuery`]), and the
//! page writes them into the URL.

mod params;
mod query;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use vivaz_protocol::json::to_raw_json;

pub use params::UrlParams;
pub use query::UrlQuery;

use crate::check::message::ConstMessage;
use crate::shape::{Shape, ShapeRef};
use crate::spec::{HistoryEntry, Hook, Spec, UrlParam};
use crate::tracking::JsonResult;

/// The name under which a page writes the URL's query, and under which a state contains the
/// parameters of its bound fields.
pub const QUERY: &str = "?";

/// Returns whether a component of that type follows the URL.
#[must_use]
pub fn is_bound(spec: &Spec) -> bool {
    !spec.url.is_empty() || spec.has(Hook::Params)
}

/// Reads a bound field from its parameter: without the parameter, or if its text does not fit the
/// type, the field gets its default. Adds the field's name to `changed` if its value is another
/// one now.
///
/// # Errors
/// Returns an error if a value has no JSON form.
pub fn read_param<T: Serialize + DeserializeOwned>(
    (name, field): (&'static str, &mut T),
    (param, shape): (&str, ShapeRef),
    params: &UrlParams,
    default: impl FnOnce() -> T,
    changed: &mut Vec<&'static str>,
) -> JsonResult {
    let value = params.read(param, shape).unwrap_or_else(default);
    if to_raw_json(&value)?.get() != to_raw_json(field)?.get() {
        *field = value;
        changed.push(name);
    }
    Ok(())
}

/// Describes to the page how a component of that type follows the URL, as JSON: 1 if it has the
/// method `params`, else 0, then for each bound parameter its name, 1 if it replaces the entry in
/// the history, and its delay in milliseconds. `None` if it does not follow the URL.
#[must_use]
pub fn describe_params(spec: &Spec) -> Option<String> {
    if !is_bound(spec) {
        return None;
    }
    let describe = |param: &UrlParam| {
        json!([param.name, u8::from(param.history == HistoryEntry::Replace), param.debounce_ms])
    };
    let params: Vec<_> = spec.url.iter().map(describe).collect();
    Some(json!([u8::from(spec.has(Hook::Params)), params]).to_string())
}

/// Returns the message for a field whose type has no form in a URL.
#[must_use]
pub const fn not_bound(owner: &str, name: &str, shape: ShapeRef) -> Option<ConstMessage> {
    if is_param(shape.get()) {
        return None;
    }
    Some(
        ConstMessage::new()
            .text("`")
            .text(name)
            .text("` of `")
            .text(owner)
            .text("` is ")
            .text(shape.get().kind())
            .text(
                " and cannot be a parameter of a URL: bind a text, a number, a truth value, an enum without fields, \
                 an option of these, or a list of these",
            ),
    )
}

const fn is_param(shape: &Shape) -> bool {
    match shape {
        Shape::Option(inner) | Shape::List(inner) => is_scalar(inner.get()),
        Shape::Any
        | Shape::Unknown
        | Shape::Bool
        | Shape::Int
        | Shape::Float
        | Shape::Str
        | Shape::Keyed(_)
        | Shape::Map(_)
        | Shape::Struct(..)
        | Shape::Enum(..) => is_scalar(shape),
    }
}

/// A type without a known shape may be written as a text.
const fn is_scalar(shape: &Shape) -> bool {
    match shape {
        Shape::Unknown | Shape::Bool | Shape::Int | Shape::Float | Shape::Str | Shape::Enum(..) => true,
        Shape::Any
        | Shape::Option(_)
        | Shape::List(_)
        | Shape::Keyed(_)
        | Shape::Map(_)
        | Shape::Struct(..) => false,
    }
}
