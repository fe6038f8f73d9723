//! Comparisons of a template that can never hold.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::errors::{are_errors, unnamed};
use super::message::{ConstMessage, Nearest};
use super::{Argument, Comparison, PathStep, Subject, equal, through, walk};
use crate::shape::Shape;

/// Returns why the value equals none of the others.
pub(super) const fn compared(
    subject: &Subject,
    one: Argument,
    among: &[Argument],
    how: Comparison,
) -> Option<ConstMessage> {
    let mut at = 0;
    while at < among.len() {
        if can_meet(subject, one, among[at], how) {
            return None;
        }
        at += 1;
    }
    let mut at = 0;
    while at < among.len() {
        if let Argument::Path(steps) = among[at] {
            return match walk(subject, steps) {
                Ok(end) => {
                    let message = end.is_named();
                    Some(explained(message, end.shape, subject, one, how))
                }
                Err(_) => None,
            };
        }
        at += 1;
    }
    None
}

/// Returns why the list at the path never contains the value.
pub(super) const fn contained(subject: &Subject, steps: &[PathStep], one: Argument) -> Option<ConstMessage> {
    let Ok(end) = walk(subject, steps) else { return None };
    match through(end.shape) {
        Shape::List(inner) | Shape::Keyed(inner) => {
            let inner = inner.get();
            if shapes_meet(subject, one, inner, Comparison::Equal) {
                return None;
            }
            let message = ConstMessage::new().text("an item of `").text(end.name).text("` ");
            Some(explained(message, inner, subject, one, Comparison::Equal))
        }
        _ => match (steps, one) {
            ([first], Argument::Word(word)) if are_errors(subject, first) => unnamed(subject, word),
            _ => None,
        },
    }
}

const fn can_meet(subject: &Subject, one: Argument, other: Argument, how: Comparison) -> bool {
    match (one, other) {
        (_, Argument::Null) => false,
        (_, Argument::Any) => true,
        (Argument::Word(a), Argument::Word(b)) => matches!(how, Comparison::Order) || equal(a, b),
        (_, Argument::Path(steps)) => match walk(subject, steps) {
            Ok(end) => shapes_meet(subject, one, end.shape, how),
            // The path's own check reports it.
            Err(_) => true,
        },
        (_, Argument::Bool) => shapes_meet(subject, one, &Shape::Bool, how),
        (_, Argument::Int | Argument::Float) => shapes_meet(subject, one, &Shape::Float, how),
        (_, Argument::Text | Argument::Word(_)) => shapes_meet(subject, one, &Shape::Str, how),
    }
}

/// Returns whether the value can equal one of that shape.
const fn shapes_meet(subject: &Subject, one: Argument, other: &'static Shape, how: Comparison) -> bool {
    let other = through(other);
    if let (Argument::Word(word), Shape::Enum(_, variants), Comparison::Equal) = (one, other, how) {
        return is_variant(word, variants);
    }
    let Some(one) = shape_of(subject, one) else { return true };
    match (one, other) {
        (Shape::Bool, Shape::Bool) => true,
        (Shape::Int | Shape::Float, Shape::Int | Shape::Float) => true,
        (Shape::Str | Shape::Enum(..), Shape::Str | Shape::Enum(..)) => true,
        (
            Shape::Bool | Shape::Int | Shape::Float | Shape::Str | Shape::Enum(..),
            Shape::Bool | Shape::Int | Shape::Float | Shape::Str | Shape::Enum(..),
        ) => false,
        // What equals nothing is reported with its path.
        _ => true,
    }
}

/// Returns the shape of a value, if it is known.
const fn shape_of(subject: &Subject, given: Argument) -> Option<&'static Shape> {
    match given {
        Argument::Null | Argument::Any => None,
        Argument::Bool => Some(&Shape::Bool),
        Argument::Int => Some(&Shape::Int),
        Argument::Float => Some(&Shape::Float),
        Argument::Text | Argument::Word(_) => Some(&Shape::Str),
        Argument::Path(steps) => match walk(subject, steps) {
            Ok(end) => Some(through(end.shape)),
            Err(_) => None,
        },
    }
}

/// Continues "`mood` " with the possible values, and the value of the comparison.
const fn explained(
    message: ConstMessage,
    shape: &'static Shape,
    subject: &Subject,
    one: Argument,
    how: Comparison,
) -> ConstMessage {
    if let (Argument::Word(word), Shape::Enum(name, variants), Comparison::Equal) = (one, through(shape), how)
    {
        let message = message.text("is never '").text(word).text("': `").text(name).text("` is ");
        return variants_of(message, shape, word, variants);
    }
    let message = message.text("is ").text(through(shape).kind());
    let message = match how {
        Comparison::Equal => message.text(": it never equals "),
        Comparison::Order => message.text(": it cannot be compared with "),
    };
    match (one, through(shape)) {
        (Argument::Word(word), Shape::Bool) if equal(word, "true") || equal(word, "false") => {
            message.text("the text '").text(word).text("'; write `").text(word).text("` without quotes")
        }
        (Argument::Word(word), Shape::Int | Shape::Float) if is_number(word) => {
            message.text("the text '").text(word).text("'; write `").text(word).text("` without quotes")
        }
        (Argument::Word(word), _) => message.text("the text '").text(word).text("'"),
        (Argument::Path(steps), _) => match walk(subject, steps) {
            Ok(end) => message.text("`").text(end.name).text("`, which is ").text(through(end.shape).kind()),
            Err(_) => message,
        },
        (Argument::Int | Argument::Float, Shape::Str) => message.text("a number; write it in quotes"),
        (one, _) => match shape_of(subject, one) {
            Some(shape) => message.text(shape.kind()),
            None => message,
        },
    }
}

/// Lists the variants of an enum, and the most similar one.
pub(super) const fn variants_of(
    mut message: ConstMessage,
    shape: &Shape,
    word: &'static str,
    variants: &'static [&'static str],
) -> ConstMessage {
    let (mut nearest, mut at) = (Nearest::to(word), 0);
    while at < variants.len() {
        nearest = nearest.or(variants[at]);
        if at < MOST_LISTED {
            let before = if at == 0 {
                ""
            } else if at + 1 == variants.len() {
                " or "
            } else {
                ", "
            };
            message = message.text(before).text("'").text(variants[at]).text("'");
        }
        at += 1;
    }
    if variants.len() > MOST_LISTED {
        message = message.text(" or one of ").number(variants.len() - MOST_LISTED).text(" more");
    }
    if let Shape::Option(_) = shape {
        message = message.text(", or null");
    }
    nearest.ask_for_text(message)
}

const MOST_LISTED: usize = 12;

pub(super) const fn is_variant(word: &str, variants: &[&str]) -> bool {
    let mut at = 0;
    while at < variants.len() {
        if equal(variants[at], word) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_number(word: &str) -> bool {
    let (bytes, mut at) = (word.as_bytes(), 0);
    while at < bytes.len() {
        if !matches!(bytes[at], b'0'..=b'9' | b'.' | b'-') {
            return false;
        }
        at += 1;
    }
    !word.is_empty()
}
