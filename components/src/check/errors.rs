//! Names of the form's errors in a template.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::message::{ConstMessage, Nearest};
use super::{PathStep, Subject, equal, through};
use crate::shape::{Shape, ShapeField};
use crate::spec::FieldKind;

/// The depth of nested structs that are searched.
const DEPTH: usize = 3;

/// Returns whether the step leads to the form's errors.
pub(super) const fn are_errors(subject: &Subject, step: &PathStep) -> bool {
    let PathStep::Field((name, _)) = step else { return false };
    let mut at = 0;
    while at < subject.fields.len() {
        if equal(subject.fields[at].name, name) {
            return matches!(subject.fields[at].kind, FieldKind::Errors);
        }
        at += 1;
    }
    false
}

/// Returns why there is never an error of that name: no field, no argument and no nested field has
/// it, and no method of the `#[actions]` block mentions it.
pub(super) const fn unnamed(subject: &Subject, wanted: &'static str) -> Option<ConstMessage> {
    let mut search = Search { wanted, nearest: Nearest::to(wanted), found: false };
    let mut at = 0;
    while at < subject.fields.len() {
        search = search.name(subject.fields[at].name);
        at += 1;
    }
    search = search.inside(subject.shape.get(), DEPTH);
    let mut at = 0;
    while at < subject.actions.len() {
        let args = subject.actions[at].args;
        let mut arg = 0;
        while arg < args.len() {
            search = search.name(args[arg].name);
            search = match through(args[arg].shape.get()) {
                // The names within it are not known.
                Shape::Any | Shape::Unknown | Shape::Map(_) => Search { found: true, ..search },
                shape => search.inside(shape, DEPTH),
            };
            arg += 1;
        }
        at += 1;
    }
    let mut at = 0;
    while at < subject.words.len() && !search.found {
        search.found = is_named(subject.words[at], wanted);
        at += 1;
    }
    if search.found {
        return None;
    }
    let message = ConstMessage::new().text("no field of `").text(subject.ty);
    let message = message.text("` and no argument of its actions is named `").text(wanted);
    let message = search.nearest.ask(message.text("`, so no error has that name"));
    Some(message.text(" (#[live(errors, opaque)] allows any name)"))
}

/// A search for the name of an error.
#[derive(Clone, Copy)]
struct Search {
    wanted: &'static str,
    nearest: Nearest,
    found: bool,
}

impl Search {
    const fn name(self, name: &'static str) -> Self {
        if is_named(name, self.wanted) {
            return Self { found: true, ..self };
        }
        Self { nearest: self.nearest.or(name), ..self }
    }

    /// Searches the fields of a struct, and those of nested structs and lists.
    const fn inside(self, shape: &'static Shape, depth: usize) -> Self {
        let mut search = self;
        match through(shape) {
            Shape::List(inner) | Shape::Keyed(inner) | Shape::Map(inner) if depth > 0 => {
                search.inside(inner.get(), depth - 1)
            }
            Shape::Struct(_, fields) if depth > 0 => {
                let mut at = 0;
                while at < fields.len() && !search.found {
                    let ShapeField { name, shape, .. } = fields[at];
                    search = search.name(name).inside(shape.get(), depth - 1);
                    at += 1;
                }
                search
            }
            _ => search,
        }
    }
}

/// Returns whether the path of an error begins with that name. A validation uses the Rust names of
/// fields, the template the serialised ones: `_` and case are ignored.
const fn is_named(name: &str, path: &str) -> bool {
    let (name, path) = (name.as_bytes(), path.as_bytes());
    let (mut i, mut j) = (0, 0);
    loop {
        while i < name.len() && matches!(name[i], b'_' | b'-') {
            i += 1;
        }
        while j < path.len() && matches!(path[j], b'_' | b'-') {
            j += 1;
        }
        let is_end = j == path.len() || matches!(path[j], b'.' | b'[');
        if i == name.len() || is_end {
            return i == name.len() && is_end;
        }
        if !name[i].eq_ignore_ascii_case(&path[j]) {
            return false;
        }
        i += 1;
        j += 1;
    }
}
