//! What a `live:model` edits, and which fields can be marked.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::message::{ConstMessage, Nearest};
use super::{Edits, PathEnd, PathStep, ShapeField, Subject, equal, field, is_inside_loop, through, walk};
use crate::shape::{Access, Shape, ShapeRef};
use crate::spec::FieldKind;

/// Checks that a control may edit the property at the end of a path, and that it suits the
/// property's type.
pub(super) const fn model(subject: &Subject, steps: &[PathStep], edits: Edits) -> Option<ConstMessage> {
    if let Some(message) = root(subject, steps) {
        return Some(message);
    }
    let end = match walk(subject, steps) {
        Ok(end) => end,
        // Said at the loop.
        Err((at, _)) if is_inside_loop(steps, at) => return None,
        Err((_, message)) => return Some(message),
    };
    match not_led(subject, steps) {
        Some(message) => Some(message),
        None => suits(end, edits),
    }
}

/// Returns why the page may not write the field at the beginning of the path, if it may not.
const fn root(subject: &Subject, steps: &[PathStep]) -> Option<ConstMessage> {
    let PathStep::Field((name, hash)) = steps[0] else { return None };
    let (mut nearest, mut at) = (Nearest::to(name), 0);
    while at < subject.fields.len() {
        let field = &subject.fields[at];
        if equal(field.name, name) {
            if field.model {
                return None;
            }
            if matches!(field.kind, FieldKind::Shared) {
                let message = ConstMessage::new().text("`").text(name).text("` of `").text(subject.ty);
                return Some(message.text("` is shared state, which an action changes, with `update`"));
            }
            return Some(unmarked(name, subject.ty));
        }
        if field.model {
            nearest = nearest.or(field.name);
        }
        at += 1;
    }
    if field("", &[], subject.computed, name, hash).is_ok() {
        let message = ConstMessage::new().text("`").text(name).text("` of `").text(subject.ty);
        return Some(message.text("` is computed: a page cannot write it"));
    }
    Some(
        nearest
            .ask(ConstMessage::new().text("no field `").text(name).text("` on `").text(subject.ty).text("`")),
    )
}

const fn unmarked(name: &str, owner: &str) -> ConstMessage {
    let message = ConstMessage::new().text("`").text(name).text("` of `").text(owner);
    if equal(name, "id") {
        return message.text("` identifies it, so a page cannot write it");
    }
    message.text("` is not the page's to write: mark it #[live(model)]")
}

/// Returns why the path does not lead to a property that the page may write: each step leads to a
/// marked field of a struct or to an item of a keyed list. The path is valid.
const fn not_led(subject: &Subject, steps: &[PathStep]) -> Option<ConstMessage> {
    let mut shape = subject.shape.get();
    let (mut name, mut access, mut at) = (subject.ty, Access::Parts, 0);
    while at < steps.len() {
        match (steps[at], shape) {
            (_, Shape::Any) => return None,
            (PathStep::Field((next, hash)), Shape::Struct(owner, fields))
                if matches!(access, Access::Parts) =>
            {
                let mut one = 0;
                while !(fields[one].hash == hash && equal(fields[one].name, next)) {
                    one += 1;
                }
                (name, access) = (next, fields[one].access);
                if matches!(access, Access::Read) {
                    return Some(unmarked(next, owner));
                }
                shape = fields[one].shape.get();
            }
            (PathStep::Each, Shape::Keyed(inner)) if matches!(access, Access::Parts) => shape = inner.get(),
            (_, other) => {
                let message = ConstMessage::new().text("`").text(name).text("` is ");
                let message = match other {
                    Shape::Keyed(_) | Shape::Struct(..) => {
                        message.text("written as a whole, for its type marks no fields #[live(model)]")
                    }
                    Shape::List(_) => message.text("a list without keys"),
                    _ => message.text(other.kind()),
                };
                return Some(message.text(
                    ": `live:model` leads through structs and keyed lists (`List`) that mark fields, \
                     and through nothing else",
                ));
            }
        }
        at += 1;
    }
    match access {
        Access::Parts => {
            let message =
                ConstMessage::new().text("`").text(name).text("` is written field by field: `live:model` ");
            Some(message.text("names one of the fields that its type marks #[live(model)]"))
        }
        Access::Read | Access::Whole => None,
    }
}

const fn suits(end: PathEnd, edits: Edits) -> Option<ConstMessage> {
    let shape = through(end.shape);
    let says = match (edits, shape) {
        (_, Shape::Any | Shape::Unknown) | (Edits::Any, _) => return None,
        // The server reads texts as numbers.
        (Edits::Text, Shape::Str | Shape::Enum(..) | Shape::Int | Shape::Float) => return None,
        (Edits::Number, Shape::Int | Shape::Float) => return None,
        (Edits::Bool, Shape::Bool) => return None,
        (Edits::List, Shape::List(_)) => return None,
        (Edits::Choice, Shape::Bool) if !matches!(end.shape, Shape::Option(_)) => return None,
        (Edits::Choice, Shape::Bool) => {
            "where it is null, a checkbox with a `value` means an item of a list: leave out the `value`"
        }
        (Edits::Choice, Shape::List(inner)) => match through(inner.get()) {
            Shape::Str | Shape::Enum(..) | Shape::Int | Shape::Float | Shape::Any | Shape::Unknown => {
                return None;
            }
            _ => "the `value` of a checkbox is a text, a number or a variant, and its items are others",
        },
        (Edits::Choice, _) => "a checkbox with a `value` gives a list or a truth value",
        (Edits::Bool, Shape::List(_)) => {
            "a checkbox that ticks one of its items needs that item as its `value`"
        }
        (Edits::Text, _) => "it is given text",
        (Edits::Number, _) => "it is given a number",
        (Edits::Bool, _) => "it is given a truth value",
        (Edits::List, _) => "a `select` with `multiple` gives a list",
    };
    Some(end.is(shape).text(": ").text(says))
}

/// Returns why a field of that type cannot be marked `model`, if it cannot: a page could write more
/// of it than the types mark.
#[must_use]
pub const fn not_written(owner: &str, name: &str, shape: ShapeRef, access: Access) -> Option<ConstMessage> {
    if matches!(access, Access::Parts) {
        return None;
    }
    let mut shape = shape.get();
    loop {
        let says = match shape {
            Shape::Option(inner) | Shape::List(inner) | Shape::Map(inner) => {
                shape = inner.get();
                continue;
            }
            Shape::Keyed(_) => {
                "a page does not replace a keyed list: mark the fields of its items that it may write \
                 #[live(model)]; the list is a field of its own, not in an `Option`, `Vec`, `Arc` or map"
            }
            Shape::Struct(_, fields) if marks(fields) => {
                "its type marks fields, and a page reaches those through structs and `List`s alone, not through an \
                 `Option`, `Vec`, `Arc` or map"
            }
            _ => return None,
        };
        let message = ConstMessage::new().text("`").text(name).text("` of `").text(owner);
        return Some(message.text("` cannot be `model`: ").text(says));
    }
}

const fn marks(fields: &[ShapeField]) -> bool {
    let mut at = 0;
    while at < fields.len() {
        if !matches!(fields[at].access, Access::Read) {
            return true;
        }
        at += 1;
    }
    false
}
