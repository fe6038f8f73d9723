//! Items whose id only the server can assign. Requests that name such an item wait for its id.
//!
//! A request that names a temporary id, and later requests of its component, are in `retries`
//! without a timer. The patch that answers the addition of the item contains the id; see
//! [`Stream::release`].

use super::Client;
use super::component::Progress;
use super::request::Request;
use crate::list::{retain, shift};
use crate::store::{Outcome, Stream, UpdateEnd};
use crate::value::{Key, Val, parse};

impl Client {
    /// Checks whether a request names an item that has no id yet.
    pub(super) fn is_pending(&self, request: &mut Request) -> bool {
        let mut pending = false;
        let mut look = |stream: &Stream| {
            for (_, edit) in &stream.optimistic {
                if let Some(temporary) = edit.temporary() {
                    // Replacing the id with itself only searches for it.
                    pending |= request.body.rename(temporary, temporary);
                }
            }
        };
        for (_, component) in self.components.iter() {
            look(&component.stream);
        }
        for topic in &self.topics {
            look(&topic.stream);
        }
        pending
    }

    /// Replaces a temporary id with the item's id in waiting requests and edits, after the reply to
    /// the item's addition. If the addition was refused, they are dropped. If the id is unknown,
    /// they keep the temporary id, and the server refuses them.
    pub(super) fn resolve_temporary(&mut self, temporary: &Val, id: &Val, ending: UpdateEnd) {
        let is_refused = ending == UpdateEnd::Refused;
        for request in &mut self.retries {
            if request.body.rename(temporary, id) {
                request.is_lost |= is_refused;
                if let Some(field) = rename_path(request.name, temporary, id) {
                    request.name = field;
                    request.fields = vec![field];
                }
            }
        }
        for (_, component) in self.components.iter_mut() {
            let stream = &mut component.stream;
            retain(&mut component.edits, &mut |edit| {
                let Some(field) = rename_path(edit.field, temporary, id) else { return true };
                edit.named = std::mem::replace(&mut edit.field, field);
                let stays = !is_refused || edit.progress == Progress::Sent;
                if !stays {
                    // Without its item the edit has no visible changes.
                    stream.release(edit.tag, &mut Outcome::default(), &mut Vec::new());
                }
                stays
            });
        }
    }

    /// Queues waiting requests again and sends those that can be sent by now.
    pub(super) fn ask_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.retries);
        while let Some(request) = shift(&mut waiting) {
            if request.timer == 0 {
                self.ask(request);
            } else {
                self.retries.push(request);
            }
        }
        self.send_waiting();
    }
}

/// Returns the path of a property with `new` in place of `old`, or `None` if the path does not
/// contain `old`.
fn rename_path(path: Key, old: &Val, new: &Val) -> Option<Key> {
    let mut steps = parse(path.name())?;
    steps.rename(old, new).then(|| Key::of(&steps.json()))
}
