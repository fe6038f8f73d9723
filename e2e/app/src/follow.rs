//! Controls without a model field, bound to state and with an event that calls an action: each kind
//! of control with each event.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "follow", template = "follow.html", open)]
pub(crate) struct Follow {
    on: bool,
    choice: String,
    text: String,
    level: u8,
    /// Whether the action ignores the value of the control.
    strict: bool,
    asked: u32,
}

#[actions]
impl Follow {
    fn mount(_props: FollowProps) -> Self {
        Self { choice: "a".into(), ..Self::default() }
    }

    /// Counts the calls; returns whether the value is applied.
    fn takes(&mut self) -> bool {
        self.asked += 1;
        !self.strict
    }

    #[action]
    fn tick(&mut self, on: bool) {
        if self.takes() {
            self.on = on;
        }
    }

    #[action]
    fn toggle(&mut self) {
        if self.takes() {
            self.on = !self.on;
        }
    }

    #[action]
    fn choose(&mut self, choice: String) {
        if self.takes() {
            self.choice = choice;
        }
    }

    #[action]
    fn write(&mut self, text: String) {
        if self.takes() {
            self.text = text;
        }
    }

    #[action]
    fn slide(&mut self, level: String) {
        if self.takes() {
            self.level = level.parse().unwrap_or_default();
        }
    }

    #[action]
    fn touch(&mut self) {
        self.asked += 1;
    }

    /// Sets all values, as another visitor could.
    #[action]
    fn put(&mut self, on: bool, choice: String, text: String, level: u8, strict: bool) {
        *self = Self { on, choice, text, level, strict, asked: self.asked };
    }
}
