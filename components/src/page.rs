//! Pages: structs whose fields are the values of a page's template.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::shape::ShapeRef;
use crate::spec::TemplateSource;

/// A page. Derived from a struct; the server renders its template with the struct's fields.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a page", note = "add `#[derive(LivePage)]` to it")]
pub trait LivePage: Send {
    /// The description of the type.
    const SPEC: &'static PageSpec;

    /// Returns the values that the template reads, by their names.
    ///
    /// # Errors
    /// Returns an error if a field has no JSON form.
    fn values(&self) -> Result<Map<String, Value>, serde_json::Error>;
}

/// Converts a field of a page into the value that its template reads.
///
/// # Errors
/// Returns an error if the field has no JSON form.
pub fn page_value<T: Serialize + ?Sized>(field: &T) -> Result<Value, serde_json::Error> {
    serde_json::to_value(field)
}

/// The description of a page type.
#[derive(Debug)]
pub struct PageSpec {
    /// The type's full name in Rust.
    pub type_name: &'static str,
    /// The template.
    pub template: TemplateSource,
    /// The shape of the fields.
    pub shape: ShapeRef,
}

/// A page type that is linked into the program.
#[derive(Clone, Copy)]
pub struct PageRegistration(pub &'static PageSpec);

inventory::collect!(PageRegistration);

impl fmt::Debug for PageRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PageRegistration").field(&self.0.type_name).finish()
    }
}

/// Returns all page types that are linked into the program.
pub fn linked() -> impl Iterator<Item = &'static PageSpec> {
    inventory::iter::<PageRegistration>.into_iter().map(|registration| registration.0)
}
