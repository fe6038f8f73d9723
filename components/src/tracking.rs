//! What changed since the page was last told.
//!
//! A [`Tracker`] keeps sixteen bytes for each public field: a [`Print`]. Ordinary fields are compared by a print of
//! their content, so that application code assigns to them as to any field. [`List`](crate::List) and
//! [`Tracked`](crate::Tracked) know by themselves what was done to them; their print is a version, and comparing it
//! costs nothing, however long they are.

mod json;
mod print;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use vivaz_protocol::PatchWriter;

pub use json::{JsonResult, ObjectWriter};
pub use print::Print;

use crate::Result;
use crate::loading::Loaded;
use crate::spec::FieldKind;
use crate::topic::AnyShared;

/// One field, its type forgotten.
pub trait Field {
    /// Adds the whole value to an object.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn write(&self, name: &str, out: &mut ObjectWriter) -> JsonResult;

    /// The print of the value as it is now; whatever it recorded is forgotten.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn baseline(&mut self) -> JsonResult<Print>;

    /// If the value is not what `seen` stands for: adds the change to a patch, and says what the page has then.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn change(&mut self, name: &str, seen: Print, patch: &mut PatchWriter) -> JsonResult<Option<Print>>;

    /// Adds the whole value to an object that is read again when the component is restored.
    ///
    /// # Errors
    /// When the value has no JSON form.
    fn save(&self, name: &str, out: &mut ObjectWriter) -> JsonResult {
        self.write(name, out)
    }

    /// If this is the field that a load is for: takes what it came to, and says why it failed.
    fn settle(&mut self, loaded: &mut Option<Loaded>) -> Option<Result> {
        let _ = loaded;
        None
    }
}

/// Something with named fields: a component, the state of a topic.
pub trait Fields {
    /// Shows every field, in an order that never changes.
    fn visit(&mut self, visitor: &mut dyn Visitor);
}

/// What is done to each field.
pub trait Visitor {
    /// An ordinary field.
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn Field);
    /// A shared field, with the name of the topic that it should show.
    fn shared(&mut self, name: &'static str, topic: fmt::Arguments<'_>, field: &mut dyn AnyShared) {
        let _ = (name, topic, field);
    }
}

/// Numbers that are never given twice in a process: versions of lists and of tracked values.
pub(crate) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What the page has, a print for each public field.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    prints: Vec<Print>,
}

impl Tracker {
    /// Takes the fields as they are for what the page has.
    ///
    /// # Errors
    /// When a field has no JSON form.
    pub fn new(fields: &mut dyn Fields) -> JsonResult<Self> {
        let mut visitor = Baseline { prints: Vec::new(), failed: Ok(()) };
        fields.visit(&mut visitor);
        visitor.failed?;
        // There is one for each session's each component, and most have fewer fields than a vector begins with room for.
        visitor.prints.shrink_to_fit();
        Ok(Self { prints: visitor.prints })
    }

    /// The fields that are not what the page has, as one patch object; from now on the page has them.
    ///
    /// # Errors
    /// When a field has no JSON form. Nothing is known of the page then: the next patch carries every field.
    pub fn changes(&mut self, fields: &mut dyn Fields) -> JsonResult<Option<String>> {
        let mut visitor =
            Changes { prints: &mut self.prints, next: 0, patch: PatchWriter::new(), failed: Ok(()) };
        fields.visit(&mut visitor);
        let (patch, failed) = (visitor.patch, visitor.failed);
        if let Err(error) = failed {
            self.forget();
            return Err(error);
        }
        Ok(patch.finish())
    }

    /// Nothing is known of the page: the next patch carries every field.
    pub fn forget(&mut self) {
        self.prints.fill(Print::UNKNOWN);
    }
}

struct Baseline {
    prints: Vec<Print>,
    failed: JsonResult,
}

impl Visitor for Baseline {
    fn field(&mut self, _: &'static str, kind: FieldKind, field: &mut dyn Field) {
        if kind.is_public() && self.failed.is_ok() {
            match field.baseline() {
                Ok(print) => self.prints.push(print),
                Err(error) => self.failed = Err(error),
            }
        }
    }
}

struct Changes<'a> {
    prints: &'a mut Vec<Print>,
    next: usize,
    patch: PatchWriter,
    failed: JsonResult,
}

impl Visitor for Changes<'_> {
    fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn Field) {
        if !kind.is_public() || self.failed.is_err() {
            return;
        }
        let at = self.next;
        self.next += 1;
        if self.prints.len() <= at {
            self.prints.resize(at + 1, Print::UNKNOWN);
        }
        let Some(seen) = self.prints.get_mut(at) else { return };
        match field.change(name, *seen, &mut self.patch) {
            Ok(Some(print)) => *seen = print,
            Ok(None) => {}
            Err(error) => self.failed = Err(error),
        }
    }
}

/// The fields that a page sees as one JSON object.
///
/// # Errors
/// When a field has no JSON form.
pub(crate) fn write_shown(fields: &mut dyn Fields) -> JsonResult<String> {
    write_object(fields, |name, kind, field, out| match kind.is_public() {
        true => field.write(name, out),
        false => Ok(()),
    })
}

/// The fields that are saved as one JSON object.
///
/// # Errors
/// When a field has no JSON form.
pub(crate) fn write_saved(fields: &mut dyn Fields) -> JsonResult<String> {
    write_object(fields, |name, kind, field, out| match kind.is_saved() {
        true => field.save(name, out),
        false => Ok(()),
    })
}

type Write = fn(&'static str, FieldKind, &dyn Field, &mut ObjectWriter) -> JsonResult;

fn write_object(fields: &mut dyn Fields, write: Write) -> JsonResult<String> {
    struct Whole {
        write: Write,
        out: ObjectWriter,
        failed: JsonResult,
    }
    impl Visitor for Whole {
        fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn Field) {
            if self.failed.is_ok() {
                self.failed = (self.write)(name, kind, field, &mut self.out);
            }
        }
    }
    let mut visitor = Whole { write, out: ObjectWriter::default(), failed: Ok(()) };
    fields.visit(&mut visitor);
    visitor.failed?;
    Ok(visitor.out.finish())
}

/// Gives what a load came to to the field that waits for it. `None` if none does (any more), else why it failed.
pub(crate) fn settle(fields: &mut dyn Fields, loaded: Loaded) -> Option<Result> {
    struct Settle {
        loaded: Option<Loaded>,
        outcome: Option<Result>,
    }
    impl Visitor for Settle {
        fn field(&mut self, _: &'static str, _: FieldKind, field: &mut dyn Field) {
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

impl<T: Serialize> Field for Plain<'_, T> {
    fn write(&self, name: &str, out: &mut ObjectWriter) -> JsonResult {
        out.member(name, self.0)
    }

    fn baseline(&mut self) -> JsonResult<Print> {
        Print::of(self.0)
    }

    fn change(&mut self, name: &str, seen: Print, patch: &mut PatchWriter) -> JsonResult<Option<Print>> {
        let print = Print::of(self.0)?;
        if print == seen {
            return Ok(None);
        }
        patch.set_serialized(name, self.0)?;
        Ok(Some(print))
    }
}

/// Chooses how a field is tracked by its type: `Pick(&mut field).field()` finds the inherent method of the types that
/// know what was done to them, else the one of [`PickPlain`].
#[derive(Debug)]
pub struct Pick<'a, T>(pub &'a mut T);

/// The way of every type that has no better one.
pub trait PickPlain<'a> {
    /// The field.
    fn field(self) -> impl Field + 'a;
}

impl<'a, T: Serialize> PickPlain<'a> for Pick<'a, T> {
    fn field(self) -> impl Field + 'a {
        Plain(self.0)
    }
}

#[cfg(test)]
mod tests;
