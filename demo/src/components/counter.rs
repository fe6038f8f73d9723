//! A minimal component: two fields, three actions.

use vivaz::prelude::*;

/// A number that does not go below zero.
#[derive(LiveComponent, Clone)]
#[live(name = "counter", template = "counter.html", open, durable)]
pub(crate) struct Counter {
    #[live(prop, default = "Live Counter".into())]
    title: String,
    #[live(prop, default)]
    count: i64,
}

#[actions]
impl Counter {
    #[action(amount = 1)]
    fn increment(&mut self, amount: u64) {
        self.count = self.count.saturating_add_unsigned(amount);
        tracing::info!(count = self.count, amount, "incremented");
    }

    #[action(amount = 1)]
    fn decrement(&mut self, amount: u64) {
        self.count = self.count.saturating_sub_unsigned(amount).max(0);
    }

    #[action]
    fn reset(&mut self) {
        self.count = 0;
    }
}
