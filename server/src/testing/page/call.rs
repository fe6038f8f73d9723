//! Messages that are on their way, and whatever comes of them.

use std::future::IntoFuture;
use std::pin::Pin;

use serde_json::Value;

use super::{Awaited, CallOutcome, Page};
use crate::testing::client::Refusal;

/// What a click, an edit or a call sent. It is on its way already, whether it is awaited or not;
/// awaited it gives the action's return value, or why it was refused. Cheap to clone.
///
/// # Panics
/// Awaiting it panics if there is no answer within a minute, or if the page has given up: the
/// server closed its connection for good, or broke the protocol.
#[derive(Clone, Debug)]
pub struct Call {
    page: Page,
    awaited: Vec<Awaited>,
}

impl Call {
    pub(in crate::testing) fn new(page: Page, awaited: Vec<Awaited>) -> Self {
        Self { page, awaited }
    }

    /// Whether everything that was sent has its answer.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answer().is_some()
    }

    /// Returns the last value or the first refusal, once everything that was sent has its answer.
    #[must_use]
    pub fn answer(&self) -> Option<Result<Option<Value>, Refusal>> {
        let answers = self.page.with(|state| {
            let answers = self.awaited.iter().map(|one| state.tab.outcome(one));
            answers.collect::<Option<Vec<CallOutcome>>>()
        });
        let mut last = Ok(None);
        for answer in answers? {
            last = answer;
            if last.is_err() {
                break;
            }
        }
        Some(last)
    }
}

impl IntoFuture for Call {
    type Output = Result<Option<Value>, Refusal>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.page.outcome(&self.awaited).await })
    }
}
