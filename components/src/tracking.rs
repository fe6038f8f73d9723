//! What changed since the page was last told.
//!
//! A [`Tracker`] keeps a [`Print`] of sixteen bytes and a size for each field that is public or
//! saved. Ordinary fields are compared by a print of
//! their content, so that application code assigns to them as to any field. [`List`](crate::List) and
//! [`Tracked`](crate::Tracked) know by themselves what was done to them; their print is a version, and comparing it
//! costs nothing, however long they are.

mod errors;
mod json;
mod loaded;
mod print;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::json_len;

pub use json::{JsonResult, StateWriter};
pub use loaded::Loaded;
pub use print::Print;

use crate::Result;
use crate::error::NotSerializable;
use crate::spec::FieldKind;

/// What is known of a field: what the page has of it, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Stands for the content.
    pub print: Print,
    /// How many bytes of JSON it has when it is saved. More than 4 GiB count as that.
    pub bytes: u32,
}

impl Seen {
    /// A content of that many bytes.
    #[must_use]
    pub fn new(print: Print, bytes: usize) -> Self {
        Self { print, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// Of nothing.
    pub const UNKNOWN: Self = Self { print: Print::UNKNOWN, bytes: 0 };
}

/// One field, its type forgotten.
pub trait TrackedField {
    /// Adds the whole value to an object.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult;

    /// The value as it is now; whatever it recorded is forgotten.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn baseline(&mut self) -> JsonResult<Seen>;

    /// If the value is not what `seen` stands for: adds the change to a patch, and says what the page has then.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>>;

    /// Adds the whole value to an object that is read again when the component is restored.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn save(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        self.write(name, out)
    }

    /// If this is the field that a load is for: takes what it came to, and says why it failed.
    fn settle(&mut self, loaded: &mut Option<Loaded>) -> Option<Result> {
        let _ = loaded;
        None
    }
}

/// Something with named fields: a component, the state of a topic.
pub trait TrackedFields {
    /// Shows every field, in an order that never changes.
    fn visit(&mut self, visitor: &mut dyn Visitor);
}

/// What is done to each field.
pub trait Visitor {
    /// Whether computed fields, which are the application's code, are to be shown too.
    fn computed(&self) -> bool {
        true
    }
    /// An ordinary field.
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField);
}

/// Numbers that are never given twice in a process: versions of lists and of tracked values.
pub(crate) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What the page has and what would be stored: what is known of each field that is public or saved.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    seen: Vec<Seen>,
    bytes: usize,
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub struct Changes {
    /// The public fields that are not what the page had, as one patch object.
    pub patch: Option<String>,
    undo: Undo,
}

impl Changes {
    /// Takes out what it takes to revert the comparison. Without it, a revert does nothing.
    #[must_use]
    pub fn take_undo(&mut self) -> Self {
        Self { patch: None, undo: std::mem::take(&mut self.undo) }
    }
}

/// What was known of the fields that a comparison found changed.
#[derive(Debug, Default)]
struct Undo {
    seen: Vec<(usize, Seen)>,
    bytes: usize,
}

impl Tracker {
    /// Takes the fields as they are for what the page has.
    ///
    /// # Errors
    /// When a field has no JSON form; the error names it.
    pub fn new(fields: &mut dyn TrackedFields) -> Result<Self, NotSerializable> {
        let mut visitor = Baseline { seen: Vec::new(), bytes: Size::default(), failed: Ok(()) };
        fields.visit(&mut visitor);
        visitor.failed?;
        // Allocated per component and session; shrunk, because most have fewer than 4 fields.
        visitor.seen.shrink_to_fit();
        Ok(Self { seen: visitor.seen, bytes: visitor.bytes.total() })
    }

    /// Returns the fields that are not what the page has, as one patch object; from now on the page
    /// has them.
    ///
    /// # Errors
    /// When a field has no JSON form; the error names it, and the tracker is as it was.
    pub fn changes(&mut self, fields: &mut dyn TrackedFields) -> Result<Changes, NotSerializable> {
        let mut visitor = Compare {
            seen: &mut self.seen,
            next: 0,
            bytes: Size::default(),
            patch: PatchWriter::new(),
            unseen: PatchWriter::new(),
            undo: Undo { seen: Vec::new(), bytes: self.bytes },
            failed: Ok(()),
        };
        fields.visit(&mut visitor);
        let Compare { bytes, patch, undo, failed, .. } = visitor;
        let changes = Changes { patch: patch.finish(), undo };
        if let Err(error) = failed {
            self.revert(changes);
            return Err(error);
        }
        self.bytes = bytes.total();
        Ok(changes)
    }

    /// Takes a comparison back: the page never gets its patch.
    pub fn revert(&mut self, changes: Changes) {
        self.bytes = changes.undo.bytes;
        for (at, before) in changes.undo.seen {
            if let Some(seen) = self.seen.get_mut(at) {
                *seen = before;
            }
        }
    }

    /// Returns how many bytes the fields have that are saved, as one JSON object.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing is known of the page: the next patch carries every field.
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
    /// Changes of private fields: written to be measured and checked, and dropped.
    unseen: PatchWriter,
    undo: Undo,
    failed: Result<(), NotSerializable>,
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
        let patch = if kind.is_public() { &mut self.patch } else { &mut self.unseen };
        match field.change(name, *seen, patch) {
            Ok(Some(now)) => {
                self.undo.seen.push((at, *seen));
                *seen = now;
            }
            Ok(None) => {}
            Err(error) => self.failed = Err(NotSerializable::field(name, error)),
        }
        if kind.is_saved() {
            self.bytes.add(name, seen.bytes);
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
    let object = write_object(fields, |name, kind, field, out| match kind.is_public() {
        true => field.write(name, out),
        false => Ok(()),
    })?;
    Ok(object.finish())
}

/// Writes the fields that are saved into one JSON object, to which the caller may add.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(crate) fn write_saved(fields: &mut dyn TrackedFields) -> Result<StateWriter, NotSerializable> {
    write_object(fields, |name, kind, field, out| match kind.is_saved() {
        true => field.save(name, out),
        false => Ok(()),
    })
}

type WriteField = fn(&'static str, FieldKind, &dyn TrackedField, &mut StateWriter) -> JsonResult;

fn write_object(fields: &mut dyn TrackedFields, write: WriteField) -> Result<StateWriter, NotSerializable> {
    struct Whole {
        write: WriteField,
        out: StateWriter,
        failed: Result<(), NotSerializable>,
    }
    impl Visitor for Whole {
        fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn TrackedField) {
            if self.failed.is_ok() {
                let written = (self.write)(name, kind, field, &mut self.out);
                self.failed = written.map_err(|error| NotSerializable::field(name, error));
            }
        }
    }
    let mut visitor = Whole { write, out: StateWriter::default(), failed: Ok(()) };
    fields.visit(&mut visitor);
    visitor.failed?;
    Ok(visitor.out)
}

/// Gives what a load came to to the field that waits for it. `None` if none does (any more), else why it failed.
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

/// A field that knows nothing of itself: compared by a print of its content.
struct Plain<'a, T>(&'a mut T);

impl<T: Serialize> TrackedField for Plain<'_, T> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, self.0)
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
}

/// Chooses how a field is tracked by its type: `Pick(&mut field).field()` finds the inherent method of the types that
/// know what was done to them, else the one of [`PickPlain`].
#[derive(Debug)]
pub struct Pick<'a, T>(pub &'a mut T);

/// The way of every type that has no better one.
pub trait PickPlain<'a> {
    /// The field.
    fn field(self) -> impl TrackedField + 'a;
}

impl<'a, T: Serialize> PickPlain<'a> for Pick<'a, T> {
    fn field(self) -> impl TrackedField + 'a {
        Plain(self.0)
    }
}

#[cfg(test)]
mod tests;
