//! Items whose id only the server can give: what names one waits until it has its id.
//!
//! A message that names a temporary id, and what its component sends after it, is in `retries`
//! without a timer. The patch that answers the message that adds the item gives the id; see
//! [`Stream::release`].

use super::Client;
use super::component::Progress;
use super::request::Request;
use crate::list::{retain, shift};
use crate::store::{Outcome, Stream};
use crate::value::{Key, Val, parse};

impl Client {
    /// Checks whether a message names an item that has no id yet.
    pub(super) fn is_pending(&self, request: &mut Request) -> bool {
        let mut pending = false;
        let mut look = |stream: &Stream| {
            for (_, edit) in &stream.guesses {
                if let Some(temporary) = edit.temporary() {
                    // Put in its own place, it is only found.
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

    /// The addition of an item is answered: puts its id in the place of the temporary one, wherever
    /// that waits. If the addition was refused, what waits for it is dropped. If the id is not
    /// known, what waits keeps the temporary one, and the server refuses it.
    pub(super) fn name(&mut self, temporary: &Val, id: &Val, is_refused: bool) {
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
                    // Without its item it showed nothing.
                    stream.release(edit.tag, &mut Outcome::default(), &mut Vec::new());
                }
                stays
            });
        }
    }

    /// Asks for what waits, as far as it can go by now.
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

/// Returns the path of a property with one id in the place of another. `None` if the path does not
/// have that id.
fn rename_path(path: Key, old: &Val, new: &Val) -> Option<Key> {
    let mut steps = parse(path.name())?;
    steps.rename(old, new).then(|| Key::of(&steps.json()))
}
