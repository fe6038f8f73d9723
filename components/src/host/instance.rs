//! A component as its session sees it.

use super::{Host, topics};
use crate::fault::guard_now;
use crate::instance::{Instance, Job, Started};
use crate::saved::Saved;
use crate::spec::Spec;
use crate::topic::TopicRef;
use crate::tracking::{show_once, write_shown, write_shown_within};
use crate::{Context, Result, ShownValue};

impl Instance for Host {
    fn spec(&self) -> &'static Spec {
        self.component.spec()
    }

    fn run(self: Box<Self>, mut cx: Context, job: Job) -> Started {
        match cx.take_journal() {
            Some(journal) => self.run_durably(journal, cx, job),
            None => self.run_job(cx, job),
        }
    }

    fn state(&mut self) -> Result<String> {
        guard_now("writing a component", || Ok(write_shown(self.component.as_mut())?))
    }

    fn state_within(&mut self, limit: usize) -> Result<Option<String>> {
        guard_now("writing a component", || Ok(write_shown_within(self.component.as_mut(), limit)?))
    }

    fn shown(&mut self) -> Result<ShownValue> {
        guard_now("showing a component", || Ok(show_once(self.component.as_mut())?))
    }

    fn topics(&mut self) -> Vec<(&'static str, TopicRef)> {
        topics::of(self.component.as_mut())
    }

    fn presences(&mut self) -> Vec<TopicRef> {
        topics::presences(self.component.as_mut())
    }

    fn recall_presences(&mut self, saved: &[u8]) {
        if let Ok(saved) = Saved::read(saved) {
            topics::recall_presences(self.component.as_mut(), &saved);
        }
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        guard_now("saving a component", || Ok(topics::save(self.component.as_mut())?.into_bytes()))
    }

    fn save_within(&mut self, limit: usize) -> Result<Option<String>> {
        // The saved state has at least the bytes that are counted against the budget.
        if self.tracker.bytes() > limit {
            return Ok(None);
        }
        guard_now("saving a component", || Ok(topics::save_within(self.component.as_mut(), limit)?))
    }
}
