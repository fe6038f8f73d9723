//! Routes: structs whose fields are the parameters of a URL.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::spec::RouteSpec;

/// A route of the application. Derived from a struct whose fields are its parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a route",
    note = "add `#[derive(LiveRoute)]` to it"
)]
pub trait LiveRoute {
    /// The description of the type.
    const SPEC: &'static RouteSpec;

    /// Returns the URL, percent-encoded. A parameter that no path can contain (an empty one, `.`
    /// and `..`) makes it `about:invalid`.
    fn url(&self) -> String;
}

/// A route type that is linked into the program.
#[derive(Clone, Copy)]
pub struct RouteRegistration(pub &'static RouteSpec);

inventory::collect!(RouteRegistration);

impl fmt::Debug for RouteRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RouteRegistration").field(&self.0.type_name).finish()
    }
}

/// Returns all route types that are linked into the program.
pub fn linked() -> impl Iterator<Item = &'static RouteSpec> {
    inventory::iter::<RouteRegistration>.into_iter().map(|registration| registration.0)
}

/// Returns the text of a parameter; none for null, and for a value that is not a scalar.
pub fn route_value<T: Serialize + ?Sized>(field: &T) -> Option<String> {
    match serde_json::to_value(field).ok()? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
