//! Encodes holes for the DOM side, and JSON strings.

use std::fmt::Write;

use super::masks::wants;
use crate::code::{self, DomHole};
use crate::compiled::{
    Control, EventTarget, Hole, HoleKind, ModelSend, ModelStep, Modifiers, WalkStep, WireEffect,
};

/// Encodes a hole for the DOM side. `event` is the address of the event's effect.
pub(super) fn place(hole: &Hole, event: usize) -> String {
    let (place, rest) = match &hole.kind {
        HoleKind::Text { after, .. } => (DomHole::Text, vec![step(*after)]),
        HoleKind::Content { .. } => (DomHole::Content, vec![]),
        HoleKind::Html { .. } => (DomHole::Html, vec![]),
        HoleKind::Attribute { name, kind, .. } => {
            (DomHole::Attribute, vec![quoted(name), (*kind as u8).to_string()])
        }
        HoleKind::Class { name, .. } => (DomHole::Class, vec![quoted(name)]),
        HoleKind::Style { property, .. } => (DomHole::Style, vec![quoted(property)]),
        HoleKind::Show { .. } => (DomHole::Show, vec![]),
        HoleKind::For { start, end, .. } | HoleKind::If { start, end, .. } => {
            (DomHole::Instances, vec![step(*start), end.map_or(-1, i32::from).to_string()])
        }
        HoleKind::Event { event: name, modifiers, .. } => {
            let Modifiers { held, debounce, throttle, poll, keys, .. } = modifiers;
            let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
            let flags = flags(modifiers) | wants(&hole.kind);
            let words = [
                quoted(name),
                flags.to_string(),
                held.to_string(),
                pause(*debounce),
                pause(throttle.or(*poll)),
            ];
            (DomHole::Event, [&words[..], &[array(&keys), event.to_string()]].concat())
        }
        HoleKind::Model { property, control, modifiers, .. } => {
            let send = match modifiers.send {
                ModelSend::Input => code::model::INPUT,
                ModelSend::Change => code::model::CHANGE,
                ModelSend::Blur => code::model::BLUR,
            };
            let number = modifiers.number || *control == Control::Number;
            let flags = send
                | bit(modifiers.trim, code::model::TRIM)
                | bit(number, code::model::NUMBER)
                | bit(modifiers.force, code::model::FORCE);
            let control = (*control as u8).to_string();
            (
                DomHole::Model,
                vec![control, self::property(property), flags.to_string(), pause(modifiers.debounce)],
            )
        }
        HoleKind::Wire { effect, delay, .. } => {
            let (effect, argument) = match effect {
                WireEffect::Show => (code::wire::SHOW, ""),
                WireEffect::Hide => (code::wire::HIDE, ""),
                WireEffect::Class(names) => (code::wire::CLASS, &**names),
                WireEffect::WithoutClass(names) => (code::wire::WITHOUT_CLASS, &**names),
                WireEffect::Attribute(name) => (code::wire::ATTRIBUTE, &**name),
            };
            let mut words = vec![effect.to_string(), quoted(argument)];
            words.extend(delay.map(|_| pause(*delay)));
            (DomHole::Wire, words)
        }
        HoleKind::Ref { name } => (DomHole::Ref, vec![quoted(name)]),
        HoleKind::Hook { name } => (DomHole::Hook, vec![quoted(name)]),
        HoleKind::Child { component, .. } => (DomHole::Child, vec![quoted(component)]),
    };
    array(&[vec![(place as u8).to_string(), path(&hole.path)], rest].concat())
}

/// Encodes a field's name, or the list of a path: names, and numbers of keys.
fn property(steps: &[ModelStep]) -> String {
    let mut keys = 0..;
    let mut words = steps.iter().map(|step| match step {
        ModelStep::Field(name) => quoted(&name.text),
        ModelStep::Key(_) => keys.next().unwrap_or(0).to_string(),
    });
    match (words.next(), steps.len()) {
        (Some(name), 1) => name,
        (first, _) => array(&first.into_iter().chain(words).collect::<Vec<_>>()),
    }
}

pub(super) fn path(steps: &[WalkStep]) -> String {
    array(&steps.iter().map(|one| step(*one)).collect::<Vec<_>>())
}

fn step(step: WalkStep) -> String {
    (u32::from(step.comments) << 16 | u32::from(step.elements)).to_string()
}

fn flags(modifiers: &Modifiers) -> u32 {
    use code::event::{CONFIRM, ONCE, OUTSIDE, POLL, PREVENT, SELF, STOP, VISIBLE, WINDOW};
    bit(modifiers.prevent, PREVENT)
        | bit(modifiers.stop, STOP)
        | bit(modifiers.only_self, SELF)
        | bit(modifiers.once, ONCE)
        | bit(modifiers.confirm, CONFIRM)
        | bit(modifiers.poll.is_some(), POLL)
        | bit(modifiers.visible, VISIBLE)
        | match modifiers.target {
            EventTarget::Element => 0,
            EventTarget::Window => WINDOW,
            EventTarget::Outside => OUTSIDE,
        }
}

/// Returns a flag's bit if it is set, or else 0.
fn bit(is_set: bool, bit: u32) -> u32 {
    if is_set { bit } else { 0 }
}

/// Encodes a pause in milliseconds, plus one: 0 is none.
fn pause(ms: Option<u32>) -> String {
    ms.map_or(0, |ms| ms.saturating_add(1)).to_string()
}

pub(super) fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(text, &mut out);
    out
}

/// Appends text as a JSON string.
pub(crate) fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
