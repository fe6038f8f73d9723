//! Modifiers: the parts of a directive's name after a dot.

use super::Compiler;
use super::names::{EVENT_WORDS, KEYS, MODEL_WORDS};
use crate::code::held;
use crate::compiled::{EventTarget, ModelModifiers, ModelSend, Modifiers};
use crate::error::hint;

/// Default time of `.debounce` and `.throttle`, in milliseconds.
const DEFAULT_DELAY: u32 = 250;

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
        match self.rest.peek().and_then(|word| millis(word)) {
            Some(delay) => {
                self.rest.next();
                delay
            }
            None => DEFAULT_DELAY,
        }
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
