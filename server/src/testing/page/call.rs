//! Messages that are on their way, and whatever comes of them.

use std::future::IntoFuture;
use std::pin::Pin;

use serde_json::Value;
use vivaz_protocol::Ref;

use super::Page;
use crate::testing::client::Refusal;

/// What a click, an edit or a call sent. It is on its way already, whether it is awaited or not; awaited it gives the
/// action's return value, or why it was refused.
///
/// # Panics
/// Awaiting it panics if there is no answer within a minute, or if the page has given up: the server closed its
/// connection for good, or broke the protocol.
#[derive(Debug)]
pub struct Call {
    page: Page,
    references: Vec<Ref>,
}

impl Call {
    pub(super) fn new(page: Page, references: Vec<Ref>) -> Self {
        Self { page, references }
    }

    /// Whether everything that was sent has its answer.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.page.client(|client| self.references.iter().all(|one| client.answer(*one).is_some()))
    }

    /// Waits for the answers, whatever they are.
    pub(in crate::testing) async fn settled(&self) {
        for reference in &self.references {
            // Whoever wants to know looks at what is shown.
            let _ = self.page.answers(&[*reference]).await;
        }
    }

    /// The numbers under which the messages were sent first.
    #[must_use]
    pub fn references(&self) -> &[Ref] {
        &self.references
    }
}

impl IntoFuture for Call {
    type Output = Result<Option<Value>, Refusal>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.page.outcome(&self.references).await })
    }
}
