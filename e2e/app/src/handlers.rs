//! Controls whose handlers count, and one whose value all pages share.

use std::sync::{Mutex, PoisonError};

use vivaz::prelude::*;

/// The value that all pages share.
static CHOICE: Mutex<String> = Mutex::new(String::new());

#[derive(LiveComponent, Clone)]
#[live(name = "handlers", template = "handlers.html")]
pub(crate) struct Handlers {
    ran: u32,
    #[live(model)]
    choice: String,
}

#[actions]
impl Handlers {
    fn mount(_props: HandlersProps) -> Self {
        Self { ran: 0, choice: CHOICE.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    fn updated(&mut self, _property: &str) {
        CHOICE.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.choice);
    }

    #[action]
    fn run(&mut self) {
        self.ran += 1;
    }
}
