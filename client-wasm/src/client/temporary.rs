//! Items whose id only the server can give: what names one waits until it has its id.
//!
//! A message that names a temporary id, and what its component sends after it, is in `retries` without a timer. The answer
//! to the message that adds the item gives the id; see [`Stream::release`].

use super::Client;
use super::request::{Names, Request};
use crate::store::Stream;
use crate::value::Val;

impl Client {
    /// Looks for items in a message that have no id yet.
    pub(super) fn look_up(&self, request: &mut Request) {
        let mut look = |stream: &Stream| {
            for (_, edit) in &stream.guesses {
                // Put in its own place, it is only found.
                if let Some(temporary) = edit.added().and_then(|item| item.named("id"))
                    && request.body.rename(temporary, temporary)
                {
                    request.names = Names::Pending;
                }
            }
        };
        for (_, component) in self.components.iter() {
            look(&component.stream);
        }
        for topic in &self.topics {
            look(&topic.stream);
        }
    }

    /// An item whose id was a temporary one has its own, or will have none: null.
    pub(super) fn name(&mut self, temporary: &Val, id: &Val) {
        let (id, names) = if *id == Val::Null { (temporary, Names::Lost) } else { (id, Names::Nothing) };
        for request in &mut self.retries {
            if request.body.rename(temporary, id) {
                request.names = names;
            }
        }
    }

    /// Asks for what waits, as far as it can go by now.
    pub(super) fn ask_waiting(&mut self) {
        for request in std::mem::take(&mut self.retries) {
            if request.timer == 0 {
                self.ask(request);
            } else {
                self.retries.push(request);
            }
        }
        self.send_waiting();
    }
}
