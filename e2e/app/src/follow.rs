//! Controls without a field, each bound to state and with an event that calls an action: every kind
//! by every event.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "follow", template = "follow.html", open)]
pub(crate) struct Follow {
    on: bool,
    choice: String,
    text: String,
    level: u8,
    /// Whether what the controls ask for is not done.
    strict: bool,
    asked: u32,
}

#[actions]
impl Follow {
    fn mount(_props: FollowProps) -> Self {
        Self { choice: "a".into(), ..Self::default() }
    }

    /// Counts what is asked for; returns whether it is done.
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

    /// Sets everything, as another visitor would.
    #[action]
    fn put(&mut self, on: bool, choice: String, text: String, level: u8, strict: bool) {
        *self = Self { on, choice, text, level, strict, asked: self.asked };
    }
}
