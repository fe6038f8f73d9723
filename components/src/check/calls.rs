//! What a template calls.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::compare::{is_variant, variants_of};
use super::message::{ConstMessage, Nearest};
use super::{Argument, Subject, equal, through, walk};
use crate::shape::Shape;
use crate::spec::{ActionSpec, ArgSpec};

pub(super) const fn call(subject: &Subject, name: &'static str, given: &[Argument]) -> Option<ConstMessage> {
    let (mut nearest, mut at) = (Nearest::to(name), 0);
    while at < subject.actions.len() {
        let action = &subject.actions[at];
        if equal(action.name, name) {
            return arguments(subject, action, given);
        }
        at += 1;
    }
    let mut at = 0;
    while at < subject.actions.len() {
        nearest = nearest.or(subject.actions[at].name);
        at += 1;
    }
    if let Some(message) = unmarked(subject, name) {
        return Some(message);
    }
    Some(
        nearest.ask(
            ConstMessage::new().text("no #[action] `").text(name).text("` on `").text(subject.ty).text("`"),
        ),
    )
}

/// Reports a method of that name that is not marked as an action.
const fn unmarked(subject: &Subject, name: &str) -> Option<ConstMessage> {
    let mut at = 0;
    while at < subject.methods.len() {
        if equal(subject.methods[at], name) {
            let message = ConstMessage::new().text("`").text(name).text("` of `").text(subject.ty);
            return Some(message.text("` exists, but is not marked `#[action]`"));
        }
        at += 1;
    }
    None
}

const fn arguments(subject: &Subject, action: &ActionSpec, given: &[Argument]) -> Option<ConstMessage> {
    let (mut least, most, mut at) = (0, action.args.len(), 0);
    while at < most {
        if !action.args[at].optional {
            least = at + 1;
        }
        at += 1;
    }
    if given.len() < least || given.len() > most {
        let message = ConstMessage::new().text("`").text(action.name).text("` takes ");
        let message = match (least, most) {
            (_, 0) => message.text("no arguments"),
            (1, 1) => message.text("1 argument"),
            (least, most) if least == most => message.number(most).text(" arguments"),
            (least, most) => message.number(least).text(" to ").number(most).text(" arguments"),
        };
        return Some(message.text(", ").number(given.len()).text(" given"));
    }
    let mut at = 0;
    while at < given.len() {
        let argument = &action.args[at];
        let message = ConstMessage::new().text("argument ").number(at + 1).text(" (`").text(argument.name);
        let message = message.text(": ").text(argument.ty).text("`) of `").text(action.name).text("`");
        if let Some(message) = refused(message, subject, argument, given[at]) {
            return Some(message);
        }
        at += 1;
    }
    None
}

/// Continues the message with the reason why the argument or prop cannot have the given value, if
/// it cannot.
pub(super) const fn refused(
    message: ConstMessage,
    subject: &Subject,
    argument: &ArgSpec,
    given: Argument,
) -> Option<ConstMessage> {
    if let (Argument::Word(word), Shape::Enum(name, variants)) = (given, through(argument.shape.get())) {
        // A form's empty text is null where that is possible.
        let is_null = word.is_empty() && matches!(argument.shape.get(), Shape::Option(_));
        if is_null || is_variant(word, variants) {
            return None;
        }
        let message = message.text(" cannot be '").text(word).text("': `").text(name).text("` is ");
        return Some(variants_of(message, argument.shape.get(), word, variants));
    }
    match not_taken(subject, argument, given) {
        Some(got) => Some(message.text(" cannot be ").text(got)),
        None => None,
    }
}

/// Returns the type of the given value, if the argument or prop cannot have it.
const fn not_taken(subject: &Subject, argument: &ArgSpec, given: Argument) -> Option<&'static str> {
    match given {
        Argument::Any => None,
        Argument::Path(steps) => match walk(subject, steps) {
            Ok(end) => does_not_take(argument, end.shape),
            // The path's own check says what is wrong with it.
            Err(_) => None,
        },
        Argument::Null if argument.optional => None,
        Argument::Null => match argument.shape.get() {
            Shape::Option(_) | Shape::Any | Shape::Unknown => None,
            _ => Some("null"),
        },
        Argument::Bool => does_not_take(argument, &Shape::Bool),
        Argument::Int => does_not_take(argument, &Shape::Int),
        Argument::Float => does_not_take(argument, &Shape::Float),
        Argument::Text | Argument::Word(_) => does_not_take(argument, &Shape::Str),
    }
}

/// Returns the type that the argument has, if it cannot have the given one.
pub(crate) const fn does_not_take(argument: &ArgSpec, given: &'static Shape) -> Option<&'static str> {
    let given = through(given);
    match (through(argument.shape.get()), given) {
        (Shape::Any | Shape::Unknown, _) | (_, Shape::Any | Shape::Unknown) => None,
        (Shape::Float, Shape::Int | Shape::Float) => None,
        (Shape::Bool, Shape::Bool) | (Shape::Int, Shape::Int) => None,
        (Shape::Str | Shape::Enum(..), Shape::Str | Shape::Enum(..)) => None,
        (Shape::List(_) | Shape::Keyed(_), Shape::List(_) | Shape::Keyed(_))
        | (Shape::Map(_), Shape::Map(_)) => None,
        (Shape::Struct(..) | Shape::Map(_), Shape::Struct(..)) | (Shape::Struct(..), Shape::Map(_)) => None,
        _ => Some(given.kind()),
    }
}

pub(super) const fn target(subject: &Subject, name: &'static str) -> Option<ConstMessage> {
    let (mut nearest, mut at) = (Nearest::to(name), 0);
    while at < subject.actions.len() {
        if equal(subject.actions[at].name, name) {
            return None;
        }
        nearest = nearest.or(subject.actions[at].name);
        at += 1;
    }
    let mut at = 0;
    while at < subject.fields.len() {
        let field = &subject.fields[at];
        if field.model {
            if equal(field.name, name) {
                return None;
            }
            nearest = nearest.or(field.name);
        }
        at += 1;
    }
    if let Some(message) = unmarked(subject, name) {
        return Some(message);
    }
    let message =
        ConstMessage::new().text("neither an #[action] nor a #[live(model)] field of `").text(subject.ty);
    Some(nearest.ask(message.text("` is named `").text(name).text("`")))
}
