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

/// The fields of the wanted kinds as one JSON object.
///
/// # Errors
/// When a field has no JSON form.
pub(crate) fn write_object(fields: &mut dyn Fields, wanted: fn(FieldKind) -> bool) -> JsonResult<String> {
    struct Whole {
        wanted: fn(FieldKind) -> bool,
        out: ObjectWriter,
        failed: JsonResult,
    }
    impl Visitor for Whole {
        fn field(&mut self, name: &'static str, kind: FieldKind, field: &mut dyn Field) {
            if (self.wanted)(kind) && self.failed.is_ok() {
                self.failed = field.write(name, &mut self.out);
            }
        }
    }
    let mut visitor = Whole { wanted, out: ObjectWriter::default(), failed: Ok(()) };
    fields.visit(&mut visitor);
    visitor.failed?;
    Ok(visitor.out.finish())
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
