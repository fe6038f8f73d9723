//! The presence of one component's user at a topic.

use std::time::Duration;

use super::reference::TopicRef;
use crate::error::Result;
use crate::identity::User;
use crate::tracking::next_version;

/// Makes the user of one component present at a topic until it is dropped.
#[derive(Debug)]
#[doc(hidden)]
#[must_use = "dropping it ends the presence"]
pub struct PresenceClaim {
    topic: TopicRef,
    id: u64,
    /// Whether a timer ends the claim instead of the drop.
    is_left: bool,
}

impl PresenceClaim {
    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }

    /// Stops the timer that would end the presence: the page is connected. Updates the user's name.
    ///
    /// # Errors
    /// Returns `too_large` if the topic would exceed its limit, and an error if the claim belongs
    /// to another user. Then the user is not present until the next call.
    pub fn renew(&self, user: &User) -> Result {
        self.topic.inner().enter(self.id, user)
    }

    /// Ends the presence after `grace`, unless it is renewed before: the page is disconnected.
    pub fn suspend(&self, grace: Duration) {
        self.topic.inner().leave_after(self.id, grace);
    }

    /// Ends the presence after that time. Does not keep the topic loaded until then.
    pub fn end_after(mut self, time: Duration) {
        self.suspend(time);
        self.is_left = true;
    }
}

impl Drop for PresenceClaim {
    fn drop(&mut self) {
        if !self.is_left {
            self.topic.inner().leave(self.id);
        }
    }
}

impl TopicRef {
    /// Makes a user present.
    ///
    /// # Errors
    /// Returns the errors of [`PresenceClaim::renew`], and an error if the topic has no presence.
    #[doc(hidden)]
    pub fn enter(&self, user: &User) -> Result<PresenceClaim> {
        // Created first, so that dropping it undoes a failure.
        let claim = PresenceClaim { topic: self.clone(), id: next_version(), is_left: false };
        claim.renew(user)?;
        Ok(claim)
    }
}
