//! Modifiers: the parts of a directive's name after a dot.

use super::Compiler;
use super::names::{EVENT_WORDS, KEYS, MODEL_WORDS, WIRE_WORDS};
use crate::code::held;
use crate::compiled::{EventTarget, ModelModifiers, ModelSend, Modifiers};
use crate::error::hint;

/// Default time of `.debounce` and `.throttle`, in milliseconds.
const DEFAULT_DELAY: u32 = 250;
/// Default time of `live:loading.delay`, in milliseconds.
const DEFAULT_WIRE_DELAY: u32 = 200;
/// The shortest interval of a `live:poll`, in milliseconds.
const SHORTEST_POLL: u32 = 1000;

/// The modifiers of a `live:loading`, `live:dirty` or `live:offline`.
#[derive(Default)]
pub(super) struct WireModifiers {
    /// `.class`
    pub(super) class: bool,
    /// `.attr`
    pub(super) attribute: bool,
    /// `.remove`
    pub(super) remove: bool,
    /// `.delay.200ms`, in milliseconds.
    pub(super) delay: Option<u32>,
}

/// The modifiers of an attribute, in order.
struct Words<'a> {
    rest: std::iter::Peekable<std::str::Split<'a, char>>,
}

impl<'a> Words<'a> {
    fn of(modifiers: Option<&'a str>) -> Self {
        let mut rest = modifiers.unwrap_or_default().split('.').peekable();
        if modifiers.is_none() {
            rest.next();
        }
        Self { rest }
    }

    /// Parses the time after `.debounce` or `.throttle`.
    fn delay(&mut self) -> u32 {
        self.time().unwrap_or(DEFAULT_DELAY)
    }

    /// Parses a time, if one follows.
    fn time(&mut self) -> Option<u32> {
        let time = self.rest.peek().and_then(|word| millis(word));
        if time.is_some() {
            self.rest.next();
        }
        time
    }
}

/// Parses `150ms`, `150` or `2s` as milliseconds.
fn millis(word: &str) -> Option<u32> {
    if let Some(millis) = word.strip_suffix("ms") {
        return millis.parse().ok();
    }
    match word.strip_suffix('s') {
        Some(seconds) => seconds.parse::<u32>().ok()?.checked_mul(1000),
        None => word.parse().ok(),
    }
}

impl Compiler {
    /// Parses the modifiers of the event `event`, whose attribute is at `at`.
    pub(super) fn event_modifiers(&mut self, at: u32, event: &str, modifiers: Option<&str>) -> Modifiers {
        let mut out = Modifiers { prevent: event == "submit", ..Modifiers::default() };
        let keyboard = matches!(event, "keydown" | "keyup" | "keypress");
        let mut words = Words::of(modifiers);
        while let Some(word) = words.rest.next() {
            let word = word.to_ascii_lowercase();
            match word.as_str() {
                "prevent" => out.prevent = true,
                "stop" => out.stop = true,
                "self" => out.only_self = true,
                "once" => out.once = true,
                "window" => out.target = EventTarget::Window,
                "outside" => out.target = EventTarget::Outside,
                "drop" => out.drop = true,
                "debounce" => out.debounce = Some(words.delay()),
                "throttle" => out.throttle = Some(words.delay()),
                "ctrl" => out.held |= 1 << held::CTRL,
                "shift" => out.held |= 1 << held::SHIFT,
                "alt" => out.held |= 1 << held::ALT,
                "meta" => out.held |= 1 << held::META,
                other => match key(other) {
                    Some(key) if keyboard => out.keys.push(key),
                    Some(_) => self.error(
                        at,
                        format!("`.{other}` is a key: it requires `live:keydown` or `live:keyup`"),
                    ),
                    None => {
                        let keys = KEYS.iter().map(|(name, _)| *name).filter(|_| keyboard);
                        let hint = hint(other, EVENT_WORDS.iter().copied().chain(keys));
                        self.error(at, format!("events have no modifier `.{other}`{hint}"));
                    }
                },
            }
        }
        if out.debounce.is_some() && out.throttle.is_some() {
            self.error(at, "`.debounce` and `.throttle` exclude each other");
        }
        out
    }

    /// Parses the modifiers of a `live:loading`, `live:dirty` or `live:offline`, whose name without
    /// modifiers is `base`. Returns `None` after an error.
    pub(super) fn wire_modifiers(
        &mut self,
        at: u32,
        base: &str,
        modifiers: Option<&str>,
    ) -> Option<WireModifiers> {
        let mut out = WireModifiers::default();
        let mut words = Words::of(modifiers);
        while let Some(word) = words.rest.next() {
            match word.to_ascii_lowercase().as_str() {
                "class" => out.class = true,
                "attr" => out.attribute = true,
                "remove" => out.remove = true,
                "delay" => out.delay = Some(words.time().unwrap_or(DEFAULT_WIRE_DELAY)),
                other => {
                    let hint = hint(other, WIRE_WORDS.iter().copied());
                    self.error(at, format!("`{base}` has no modifier `.{other}`{hint}"));
                    return None;
                }
            }
        }
        if out.attribute && (out.class || out.remove) {
            let other = if out.class { "class" } else { "remove" };
            self.error(at, format!("`.attr` and `.{other}` exclude each other"));
            return None;
        }
        Some(out)
    }

    /// Parses the modifiers of a `live:poll`.
    pub(super) fn poll_modifiers(&mut self, at: u32, modifiers: Option<&str>) -> Modifiers {
        let mut out = Modifiers { drop: true, ..Modifiers::default() };
        let mut words = Words::of(modifiers);
        out.poll = words.time();
        for word in words.rest {
            match word.to_ascii_lowercase().as_str() {
                "visible" => out.visible = true,
                other => {
                    let hint = hint(other, ["visible"]);
                    self.error(at, format!("`live:poll` has no modifier `.{other}`{hint}"));
                    return out;
                }
            }
        }
        match out.poll {
            None => self.error(at, "`live:poll` needs an interval: `live:poll.5s=\"refresh\"`"),
            Some(ms) if ms < SHORTEST_POLL => {
                self.error(at, "the shortest interval of a `live:poll` is one second");
            }
            Some(_) => {}
        }
        out
    }

    /// Parses the modifiers of a `live:model`.
    pub(super) fn model_modifiers(&mut self, at: u32, modifiers: Option<&str>) -> ModelModifiers {
        let mut out = ModelModifiers::default();
        let mut words = Words::of(modifiers);
        while let Some(word) = words.rest.next() {
            match word.to_ascii_lowercase().as_str() {
                "lazy" => out.send = ModelSend::Change,
                "blur" => out.send = ModelSend::Blur,
                "debounce" => out.debounce = Some(words.delay()),
                "trim" => out.trim = true,
                "number" => out.number = true,
                "force" => out.force = true,
                other => {
                    let hint = hint(other, MODEL_WORDS.iter().copied());
                    self.error(at, format!("`live:model` has no modifier `.{other}`{hint}"));
                }
            }
        }
        out
    }
}

/// Returns the `KeyboardEvent.key` of a key's name: an entry of the table, or a single character.
fn key(name: &str) -> Option<Box<str>> {
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == name) {
        return Some((*key).into());
    }
    let function_key =
        name.strip_prefix('f').is_some_and(|n| n.parse::<u8>().is_ok_and(|n| (1..=12).contains(&n)));
    if function_key {
        return Some(name.to_ascii_uppercase().into());
    }
    (name.chars().count() == 1).then(|| name.into())
}
