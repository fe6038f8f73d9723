//! The requests of a handler, until the handler succeeds or fails.

use crate::effect::Effect;
use crate::error::Errors;
use crate::fault::discard;
use crate::topic::StagedUpdate;

/// The requests of the handlers of one job, and the errors of the component's form.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    staged: Vec<Effect>,
    /// The number of effects of handlers that have succeeded: the first ones of `staged`.
    kept: usize,
    errors: Option<Errors>,
}

impl Effects {
    /// Adds a request of the handler that is running.
    pub(crate) fn stage(&mut self, effect: Effect) {
        self.staged.push(effect);
    }

    /// Returns the form's errors, which the handler may change.
    pub(super) fn errors(&mut self) -> &mut Errors {
        self.errors.get_or_insert_default()
    }

    /// Takes the form's errors out, if the handler has changed them.
    pub(crate) fn take_errors(&mut self) -> Option<Errors> {
        self.errors.take()
    }

    /// Keeps the requests of a handler that has succeeded.
    pub(crate) fn keep(&mut self) {
        self.kept = self.staged.len();
    }

    /// Drops the requests of a handler that has failed.
    pub(crate) fn drop_staged(&mut self) {
        let dropped = self.staged.split_off(self.kept.min(self.staged.len()));
        discard("dropping the effects of a handler", dropped);
    }

    /// Takes the changes of shared state out.
    pub(crate) fn take_updates(&mut self) -> Vec<StagedUpdate> {
        let is_update = |effect: &&Effect| matches!(effect, Effect::Update(_));
        self.kept -= self.staged.iter().take(self.kept).filter(is_update).count();
        Effect::take_updates(&mut self.staged)
    }

    /// Returns whether nodes have to agree on changes of shared state, which are not made with a
    /// commit.
    pub(crate) fn need_agreement(&self) -> bool {
        self.staged.iter().any(|effect| matches!(effect, Effect::Update(update) if update.is_replicated()))
            && !self.staged.iter().any(|effect| matches!(effect, Effect::Commit(_)))
    }

    /// Takes everything out that was not done yet.
    pub(crate) fn take(&mut self) -> Vec<Effect> {
        self.kept = 0;
        std::mem::take(&mut self.staged)
    }

    /// Returns how many bytes the names of the rooms take that the component is about to enter.
    pub(crate) fn bytes_of_joins(&self) -> usize {
        Effect::bytes_of_joins(&self.staged)
    }

    /// Returns whether nothing was requested.
    pub(crate) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }
}
