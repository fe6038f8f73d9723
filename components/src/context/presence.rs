//! The presence of a handler's component at the topics that it shows.

use super::Context;
use crate::error::Result;
use crate::shared::Shared;
use crate::topic::{HasPresence, Topic};

/// The presence of the component at the topic that a shared field shows; see [`Context::presence`].
#[derive(Debug)]
#[must_use = "nothing has changed before `enter` or `leave`"]
pub struct PresenceAt<'a> {
    cx: &'a Context,
    is_present: &'a mut bool,
}

impl Context {
    /// The presence of this component's user at the topic that the field shows. From `enter` to
    /// `leave` it follows the field: when that shows another topic, the user is present there.
    ///
    /// It is kept with the component: a page that comes back, to this process or the next one, is
    /// present again without a call. [`Presence`](crate::Presence) says how long a page is that loses its connection.
    pub fn presence<'a, T: Topic + HasPresence>(&'a self, shared: &'a mut Shared<T>) -> PresenceAt<'a> {
        PresenceAt { cx: self, is_present: shared.is_present_mut() }
    }
}

impl PresenceAt<'_> {
    /// The user is present when the handler has succeeded; again is the same as once.
    ///
    /// A topic that is as large as it may be takes nobody in: that is logged, and tried again after
    /// the component's next handler.
    ///
    /// # Errors
    /// `unauthenticated` when there is no user.
    pub fn enter(self) -> Result {
        self.cx.user()?;
        *self.is_present = true;
        Ok(())
    }

    /// The component is not present any more when the handler has succeeded. The user is, if another
    /// of their components is.
    pub fn leave(self) {
        *self.is_present = false;
    }
}
