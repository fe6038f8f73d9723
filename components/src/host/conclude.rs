//! The end of a job: the component is compared with the state that the page has, and the changes of
//! shared state are made.

use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use super::{Concluded, HandlerOutcome, Host, HostedComponent, ShownTopics, topics};
use crate::component::Return;
use crate::effect::Effect;
use crate::instance::Finished;
use crate::shared::Cause;
use crate::topic::{StagedUpdate, Unsent};
use crate::tracking::Changes;
use crate::{Context, Result};

/// The outcome of a handler, compared with the state that the page has. Shared state is not changed
/// yet.
struct ComparedOutcome {
    cx: Context,
    result: Return,
    topics: Option<ShownTopics>,
    before: Option<HostedComponent>,
    unsent: Vec<Unsent>,
    effects: Vec<Effect>,
    updates: Vec<StagedUpdate>,
    changes: Result<Changes>,
}

impl ComparedOutcome {
    /// Takes out the changes of shared state. There are none if the component cannot be kept.
    fn take_updates(&mut self) -> Vec<StagedUpdate> {
        let updates = std::mem::take(&mut self.updates);
        if self.changes.is_ok() { updates } else { Vec::new() }
    }
}

impl Host {
    /// Compares the component with the state that the page has, and makes the changes of shared
    /// state. If the state cannot be written, or is too large, reverts the changes of the handler,
    /// and if that is not enough the page's edits before it.
    pub(super) fn finish(mut self: Box<Self>, outcome: HandlerOutcome) -> Finished {
        let concluded = self.conclude(outcome);
        self.finished(concluded)
    }

    /// Does the same as [`finish`](Self::finish), and waits for the other nodes if they share the
    /// state.
    pub(super) async fn finish_agreed(mut self: Box<Self>, mut outcome: HandlerOutcome) -> Finished {
        if !self.needs_agreement(&mut outcome) {
            return self.finish(outcome);
        }
        let mut compared = self.compare_outcome(outcome);
        let agreed = StagedUpdate::agree_all(compared.take_updates(), compared.cx.by()).await;
        let concluded = self.conclude_compared(compared, agreed);
        self.finished(concluded)
    }

    /// Returns whether a handler has changed state that nodes share. Changes that belong to a
    /// commit are agreed on with the commit.
    pub(super) fn needs_agreement(&self, outcome: &mut HandlerOutcome) -> bool {
        self.record.is_none() && outcome.cx.effects().need_agreement()
    }

    pub(super) fn finished(self: Box<Self>, concluded: Concluded) -> Finished {
        let Concluded { effects, patch, topics, result, unsent } = concluded;
        Finished { instance: self, effects, patch, topics, result, unsent, committed: false }
    }

    pub(super) fn conclude(&mut self, outcome: HandlerOutcome) -> Concluded {
        let mut compared = self.compare_outcome(outcome);
        let published = StagedUpdate::publish_all(compared.take_updates(), compared.cx.by());
        self.conclude_compared(compared, published)
    }

    /// Compares the component. Nothing is published yet.
    fn compare_outcome(&mut self, outcome: HandlerOutcome) -> ComparedOutcome {
        let HandlerOutcome { mut cx, result, topics, before } = outcome;
        self.called = None;
        let unsent = cx.cause().map(Cause::take_unsent).unwrap_or_default();
        let mut effects = cx.effects().take();
        // The updates of a committed job are made with the commit.
        let commits = |effect: &Effect| matches!(effect, Effect::Commit(_));
        let is_committed = self.record.take().is_some() || effects.iter().any(commits);
        let updates = if is_committed { Vec::new() } else { Effect::take_updates(&mut effects) };
        let joins = Effect::bytes_of_joins(&effects);
        let changes = self.compare().and_then(|changes| match self.account.has_left(joins) {
            Ok(()) => Ok(changes),
            Err(error) => {
                self.revert(changes);
                Err(error)
            }
        });
        ComparedOutcome { cx, result, topics, before, unsent, effects, updates, changes }
    }

    fn conclude_compared(&mut self, compared: ComparedOutcome, published: Result<Vec<Unsent>>) -> Concluded {
        let ComparedOutcome { mut result, mut topics, before, mut unsent, mut effects, changes, .. } =
            compared;
        let mut compared = match (changes, published) {
            (Ok(changes), Ok(later)) => {
                unsent.extend(later);
                Ok(changes)
            }
            (Ok(changes), Err(error)) => {
                self.revert(changes);
                Err(error)
            }
            (Err(error), _) => Err(error),
        };
        // Reverts the handler's changes, then the page's edits before it, then only the requests.
        for earlier in [before, self.unedited.take()].into_iter().flatten().map(Some).chain([None]) {
            let Err(error) = compared else { break };
            let name = self.component.spec().name;
            if error.code() == ErrorCode::TooLarge {
                // A client can cause this at any rate, so the sender of the answer logs it,
                // rate-limited.
                tracing::debug!(component = name, error = %Escaped(&error), "a handler was refused");
            } else {
                tracing::error!(component = name, error = %Escaped(&error), "the state after a handler cannot be kept");
            }
            effects.clear();
            if let Some(earlier) = earlier {
                self.component = earlier;
                topics = topics.map(|_| topics::of(self.component.as_mut()));
                result = Err(error);
            } else if result.is_ok() {
                result = Err(error);
            }
            compared = self.compare();
        }
        let patch = compared.map_or_else(|error| {
            // The state was accepted before, so a computed field panics now.
            tracing::error!(component = self.component.spec().name, error = %Escaped(&error), "the state cannot be compared");
            None
        }, |changes| changes.patch);
        Concluded { effects, patch, topics, result, unsent }
    }
}
