//! Finding the fields that changed since the last patch.
//!
//! A [`Tracker`] keeps a [`Print`] of sixteen bytes and a size for each field that is public or
//! saved. Ordinary fields are compared by a print of their content, so application code assigns to
//! them like to any field. [`List`](crate::List) and [`Tracked`](crate::Tracked) record their
//! changes; their print is a version, and comparing it takes constant time.

mod errors;
mod json;
mod loaded;
mod print;
mod resent;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::Value;
use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::{json_len, to_tree};

pub use json::{JsonResult, StateWriter};
pub use loaded::Loaded;
pub use print::Print;
pub(crate) use resent::{ADVICE, Resent, not_reported};

use crate::Result;
use crate::error::NotSerializable;
use crate::shown::ShownValue;
use crate::spec::FieldKind;
use resent::{LargeArrays, is_change_of_one, items_of_large};

/// The print and the size of a field, as the page has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Identifies the content.
    pub print: Print,
    /// The size in bytes of JSON when it is saved, at most 4 GiB.
    pub bytes: u32,
}

impl Seen {
    /// Creates a value for content of that many bytes.
    #[must_use]
    pub fn new(print: Print, bytes: usize) -> Self {
        Self { print, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// A field without known content.
    pub const UNKNOWN: Self = Self { print: Print::UNKNOWN, bytes: 0 };
}

/// One field, without its type.
pub trait TrackedField {
    /// Writes the whole value into an object.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult;

    /// Returns the whole value as templates read it.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn shown(&self) -> JsonResult<ShownValue>;

    /// Does the same as [`shown`](Self::shown) for a value that is shown once: the items of a list
    /// are converted when they are read.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form; for an item of a list
    /// [`check_items`](ShownValue::check_items) returns it.
    fn shown_once(&self) -> JsonResult<ShownValue> {
        self.shown()
    }

    /// Returns the current value's print and size, and drops its recorded changes.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn baseline(&mut self) -> JsonResult<Seen>;

    /// If the value differs from `seen`, writes the change into a patch and returns the new print
    /// and size.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>>;

    /// Writes the whole value into an object from which the component is restored.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn save(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        self.write(name, out)
    }

    /// Returns a print of each item, if the value is an array that is sent whole.
    fn items(&self) -> Option<Vec<Print>> {
        None
    }

    /// If this field waits for the load, takes its outcome, and returns whether it succeeded.
    fn settle(&mut self, loaded: &mut Option<Loaded>) -> Option<Result> {
        let _ = loaded;
        None
    }
}

/// A value with named fields: a component, the state of a topic.
pub trait TrackedFields {
    /// Visits every field, always in the same order.
    fn visit(&mut self, visitor: &mut dyn Visitor);
}

/// A visitor of fields.
pub trait Visitor {
    /// Returns whether computed fields, which run application code, are visited too.
    fn computed(&self) -> bool {
        true
    }
    /// Visits a field.
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField);
}

/// Returns a number that is unique in this process: a version of a list or of a tracked value.
pub(crate) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The state that the page has and the size of the saved state: print and size of each field that
/// is public or saved.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    seen: Vec<Seen>,
    bytes: usize,
    arrays: LargeArrays,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Changes {
    /// The public fields that changed, as one patch object.
    pub patch: Option<String>,
    /// In debug builds: the fields that are sent whole for a change of one item.
    pub(crate) resent: Vec<Resent>,
    undo: Undo,
}

/// The prints and sizes of changed fields before the comparison.
#[derive(Debug, Default)]
struct Undo {
    seen: Vec<(usize, Seen)>,
    bytes: usize,
    arrays: Vec<(&'static str, Option<Vec<Print>>)>,
}

impl Tracker {
    /// Creates a tracker for a page that has the current fields.
    ///
    /// # Errors
    /// Returns an error that names the field without a JSON form.
    pub fn new(fields: &mut dyn TrackedFields) -> Result<Self, NotSerializable> {
        let mut visitor = Baseline {
            seen: Vec::new(),
            bytes: Size::default(),
            arrays: LargeArrays::default(),
            failed: Ok(()),
        };
        fields.visit(&mut visitor);
        visitor.failed?;
        // Allocated per component and session; shrunk, because most have fewer than 4 fields.
        visitor.seen.shrink_to_fit();
        Ok(Self { seen: visitor.seen, bytes: visitor.bytes.total(), arrays: visitor.arrays })
    }

    /// Returns the fields that differ from the page's state as one patch object. The page has them
    /// from now on.
    ///
    /// # Errors
    /// Returns an error that names the field without a JSON form. The tracker is unchanged then.
    pub fn changes(&mut self, fields: &mut dyn TrackedFields) -> Result<Changes, NotSerializable> {
        let mut visitor = Compare {
            seen: &mut self.seen,
            next: 0,
            bytes: Size::default(),
            patch: PatchWriter::new(),
            unseen: PatchWriter::new(),
            arrays: &mut self.arrays,
            resent: Vec::new(),
            undo: Undo { bytes: self.bytes, ..Undo::default() },
            failed: Ok(()),
        };
        fields.visit(&mut visitor);
        let Compare { bytes, patch, resent, undo, failed, .. } = visitor;
        let changes = Changes { patch: patch.finish(), resent, undo };
        if let Err(error) = failed {
            self.revert(changes);
            return Err(error);
        }
        self.bytes = bytes.total();
        Ok(changes)
    }

    /// Reverts a comparison whose patch is not sent.
    pub fn revert(&mut self, changes: Changes) {
        self.bytes = changes.undo.bytes;
        for (at, before) in changes.undo.seen {
            if let Some(seen) = self.seen.get_mut(at) {
                *seen = before;
            }
        }
        for (name, items) in changes.undo.arrays {
            self.arrays.replace(name, items);
        }
    }

    /// Returns the size of the saved fields as one JSON object, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the page's state: the next patch contains every field.
    pub fn forget(&mut self) {
        for seen in &mut self.seen {
            seen.print = Print::UNKNOWN;
        }
    }
}

/// Adds up the size of an object.
#[derive(Default)]
struct Size(usize);

impl Size {
    fn add(&mut self, name: &str, bytes: u32) {
        // Two quotes, a colon, and the comma or the brace before it.
        self.0 = self.0.saturating_add(name.len() + 4).saturating_add(bytes as usize);
    }

    fn total(&self) -> usize {
        // Without fields there are two braces, else one is counted with the first field.
        if self.0 == 0 { 2 } else { self.0 + 1 }
    }
}

struct Baseline {
    seen: Vec<Seen>,
    bytes: Size,
    arrays: LargeArrays,
    failed: Result<(), NotSerializable>,
}

impl Visitor for Baseline {
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField) {
        if is_tracked(kind) && self.failed.is_ok() {
            match field.baseline() {
                Ok(seen) => {
                    if kind.is_saved() {
                        self.bytes.add(name, seen.bytes);
                    }
                    if kind.is_public() {
                        self.arrays.replace(name, items_of_large(field, seen.bytes));
                    }
                    self.seen.push(seen);
                }
                Err(error) => self.failed = Err(NotSerializable::field(name, error)),
            }
        }
    }
}

struct Compare<'a> {
    seen: &'a mut Vec<Seen>,
    next: usize,
    bytes: Size,
    patch: PatchWriter,
    /// Changes of private fields: written for their size and for errors, and dropped.
    unseen: PatchWriter,
    arrays: &'a mut LargeArrays,
    resent: Vec<Resent>,
    undo: Undo,
    failed: Result<(), NotSerializable>,
}

impl Compare<'_> {
    /// Compares the items of a large array with those that the page had.
    fn note_items(&mut self, field: &'static str, value: &dyn TrackedField, bytes: u32) {
        let items = items_of_large(value, bytes);
        let before = self.arrays.replace(field, items.clone());
        if let (Some(before), Some(items)) = (&before, &items)
            && is_change_of_one(before, items)
        {
            self.resent.push(Resent { field, bytes });
        }
        self.undo.arrays.push((field, before));
    }
}

impl Visitor for Compare<'_> {
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField) {
        if !is_tracked(kind) || self.failed.is_err() {
            return;
        }
        let at = self.next;
        self.next += 1;
        if self.seen.len() <= at {
            self.seen.resize(at + 1, Seen::UNKNOWN);
        }
        let Some(seen) = self.seen.get_mut(at) else { return };
        let before = *seen;
        let patch = if kind.is_public() { &mut self.patch } else { &mut self.unseen };
        match field.change(name, before, patch) {
            Ok(Some(now)) => {
                self.undo.seen.push((at, before));
                *seen = now;
            }
            Ok(None) => {}
            Err(error) => self.failed = Err(NotSerializable::field(name, error)),
        }
        if kind.is_saved() {
            self.bytes.add(name, seen.bytes);
        }
        if cfg!(debug_assertions) && kind.is_public() && *seen != before {
            let bytes = seen.bytes;
            self.note_items(name, field, bytes);
        }
    }
}

fn is_tracked(kind: FieldKind) -> bool {
    kind.is_public() || kind.is_saved()
}

/// Writes the fields that a page reads as one JSON object.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn write_shown(fields: &mut dyn TrackedFields) -> Result<String, NotSerializable> {
    Ok(write_object(fields, StateWriter::default(), PUBLIC)?.finish())
}

/// Does the same as [`write_shown`] for an object of at most `limit` bytes. Returns `None` if it has
/// more.
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

/// Passes the outcome of a load to the field that waits for it. Returns `None` if no field does
/// (any more), else whether it succeeded.
pub(crate) fn settle(fields: &mut dyn TrackedFields, loaded: Loaded) -> Option<Result> {
    struct Settle {
        loaded: Option<Loaded>,
        outcome: Option<Result>,
    }
    impl Visitor for Settle {
        fn field(&mut self, _: &'static str, _: FieldKind, field: &mut dyn TrackedField) {
            if self.loaded.is_some() && self.outcome.is_none() {
                self.outcome = field.settle(&mut self.loaded);
            }
        }
    }
    let mut visitor = Settle { loaded: Some(loaded), outcome: None };
    fields.visit(&mut visitor);
    visitor.outcome
}

/// A field that records no changes: compared by a print of its content.
struct Plain<'a, T>(&'a mut T);

impl<T: Serialize> TrackedField for Plain<'_, T> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, self.0)
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        ShownValue::of(self.0)
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        Ok(Seen::new(Print::of(self.0)?, json_len(self.0)?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let print = Print::of(self.0)?;
        if print == seen.print {
            return Ok(None);
        }
        Ok(Some(Seen::new(print, patch.set_serialized(name, self.0)?)))
    }

    fn items(&self) -> Option<Vec<Print>> {
        match to_tree(self.0) {
            Ok(Value::Array(items)) => items.iter().map(|item| Print::of(item).ok()).collect(),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Chooses how a field is tracked by its type: `Pick(&mut field).field()` finds the inherent method
/// of types that record their changes, else the one of [`PickPlain`].
#[derive(Debug)]
pub struct Pick<'a, T>(pub &'a mut T);

/// Tracks all other types.
pub trait PickPlain<'a> {
    /// Returns the field.
    fn field(self) -> impl TrackedField + 'a;
}

impl<'a, T: Serialize> PickPlain<'a> for Pick<'a, T> {
    fn field(self) -> impl TrackedField + 'a {
        Plain(self.0)
    }
}

#[cfg(test)]
mod tests;
