//! Sent requests and their outcomes.

use std::future::IntoFuture;
use std::pin::Pin;

use serde_json::Value;

use super::{Awaited, CallOutcome, Page};
use crate::testing::client::Refusal;

/// The requests of a click, an edit or a call. They are sent even if this future is not awaited. It
/// resolves to the action's return value, or the refusal. Cheap to clone.
///
/// # Panics
/// Awaiting it panics if there is no reply within a minute, or if the page no longer reconnects:
/// the server closed its connection permanently, or broke the protocol.
#[derive(Clone, Debug)]
pub struct Call {
    page: Page,
    awaited: Vec<Awaited>,
}

impl Call {
    pub(in crate::testing) fn new(page: Page, awaited: Vec<Awaited>) -> Self {
        Self { page, awaited }
    }

    /// Checks whether all requests are answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answer().is_some()
    }

    /// Returns the last value or the first refusal, once all requests are answered.
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
