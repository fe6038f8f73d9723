//! Whole states: as JSON for pages and for stores, and as values for templates.

use super::{JsonResult, StateWriter, TrackedField, TrackedFields, Visitor};
use crate::error::NotSerializable;
use crate::shown::ShownValue;
use crate::spec::FieldKind;

/// Writes the fields that a page reads as one JSON object.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn write_shown(fields: &mut dyn TrackedFields) -> Result<String, NotSerializable> {
    Ok(write_object(fields, StateWriter::default(), PUBLIC)?.finish())
}

/// Does the same as [`write_shown`] for an object of at most `limit` bytes. Returns `None` if it
/// has more.
///
/// # Errors
/// Returns the same errors as [`write_shown`].
pub(crate) fn write_shown_within(
    fields: &mut dyn TrackedFields,
    limit: usize,
) -> Result<Option<String>, NotSerializable> {
    Ok(write_object(fields, StateWriter::bounded(limit), PUBLIC)?.finish_within())
}

/// Writes the fields that are saved into an object, to which the caller may add.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn write_saved(
    fields: &mut dyn TrackedFields,
    out: StateWriter,
) -> Result<StateWriter, NotSerializable> {
    write_object(fields, out, |name, kind, field, out| match kind.is_saved() {
        true => field.save(name, out),
        false => Ok(()),
    })
}

/// Returns the fields that a page reads as an object that templates read.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn show(fields: &mut dyn TrackedFields) -> Result<ShownValue, NotSerializable> {
    show_each(fields, |field| field.shown())
}

/// Does the same as [`show`] for fields that are shown once: see [`TrackedField::shown_once`].
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn show_once(fields: &mut dyn TrackedFields) -> Result<ShownValue, NotSerializable> {
    show_each(fields, |field| field.shown_once())
}

fn show_each(
    fields: &mut dyn TrackedFields,
    shown: impl Fn(&dyn TrackedField) -> JsonResult<ShownValue>,
) -> Result<ShownValue, NotSerializable> {
    let mut members = Vec::new();
    visit_each(fields, |name, kind, field| {
        if kind.is_public() {
            members.push((name.into(), shown(field)?));
        }
        Ok(())
    })?;
    Ok(ShownValue::map(members))
}

type WriteField = fn(&'static str, FieldKind, &dyn TrackedField, &mut StateWriter) -> JsonResult;

/// Writes a field if a page reads it.
const PUBLIC: WriteField = |name, kind, field, out| match kind.is_public() {
    true => field.write(name, out),
    false => Ok(()),
};

fn write_object(
    fields: &mut dyn TrackedFields,
    mut out: StateWriter,
    write: WriteField,
) -> Result<StateWriter, NotSerializable> {
    visit_each(fields, |name, kind, field| write(name, kind, field, &mut out))?;
    Ok(out)
}

/// Visits the fields until one fails.
///
/// # Errors
/// Returns the error of that field, with its name.
fn visit_each(
    fields: &mut dyn TrackedFields,
    visit: impl FnMut(&'static str, FieldKind, &dyn TrackedField) -> JsonResult,
) -> Result<(), NotSerializable> {
    struct Each<F> {
        visit: F,
        failed: Result<(), NotSerializable>,
    }
    impl<F: FnMut(&'static str, FieldKind, &dyn TrackedField) -> JsonResult> Visitor for Each<F> {
        fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField) {
            if self.failed.is_ok() {
                let visited = (self.visit)(name, kind, field);
                self.failed = visited.map_err(|error| NotSerializable::field(name, error));
            }
        }
    }
    let mut visitor = Each { visit, failed: Ok(()) };
    fields.visit(&mut visitor);
    visitor.failed
}
