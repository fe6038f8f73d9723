//! The presence of a handler's component at the topics that it shows.

use super::Context;
use crate::error::Result;
use crate::shared::Shared;
use crate::topic::{HasPresence, Topic};

/// The presence of the component at the topic of a shared field; see [`Context::presence`].
#[derive(Debug)]
#[must_use = "nothing has changed before `enter` or `leave`"]
pub struct PresenceAt<'a> {
    cx: &'a Context,
    is_present: &'a mut bool,
}

impl Context {
    /// Returns the presence of this component's user at the topic of the field. From `enter` to
    /// `leave` it follows the field: if the field names another topic, the user is present there.
    ///
    /// It is saved with the component: when the page resumes, in this process or the next one, the
    /// user is present again without a call. [`Presence`](crate::Presence) describes how long a
    /// disconnected page stays present.
    pub fn presence<'a, T: Topic + HasPresence>(&'a self, shared: &'a mut Shared<T>) -> PresenceAt<'a> {
        PresenceAt { cx: self, is_present: shared.is_present_mut() }
    }
}

impl PresenceAt<'_> {
    /// Makes the user present when the handler succeeds. Entering again has no effect.
    ///
    /// If the topic would exceed its limit, the user is not added. The error is logged, and the
    /// next handler of the component tries again.
    ///
    /// # Errors
    /// Returns `unauthenticated` if there is no user.
    pub fn enter(self) -> Result {
        self.cx.user()?;
        *self.is_present = true;
        Ok(())
    }

    /// Ends the component's presence when the handler succeeds. The user stays present through
    /// other components.
    pub fn leave(self) {
        *self.is_present = false;
    }
}
