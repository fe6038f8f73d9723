//! Settles requests: replies and refusals.

use vivaz_protocol::words;

use super::Client;
use super::component::{Component, ComponentPhase, Progress};
use super::failure::{BAD_SEAL, Failure, NOT_MOUNTED, OVERLOADED, RATE_LIMITED};
use super::output::Output;
use super::receive::Message;
use super::request::{Reply, Request, RequestKind, Verdict};
use crate::list::retain;
use crate::slots::Slot;
use crate::store::UpdateEnd;
use crate::value::{Key, Val};

/// Maximum number of retries of a message that a busy server rejects.
const TRIES: u32 = 8;

impl Client {
    pub(super) fn error(&mut self, message: &Message<'_>, failure: Failure) {
        let code = failure.text_of(words::payload::CODE);
        // Messages sent after a mount that has to be retried are retried after that mount.
        let is_mounting = |component: &Component| {
            matches!(component.phase, ComponentPhase::Mounting | ComponentPhase::Painted)
        };
        let mounting = |slot| self.component(slot).is_some_and(is_mounting);
        let later = match code {
            NOT_MOUNTED => message.slot.is_some_and(mounting),
            RATE_LIMITED | OVERLOADED => true,
            _ => false,
        };
        if later
            && let Some(at) = self.asked(message)
            && self.requests.get(at).is_some_and(|request| request.tries < TRIES)
        {
            let mut request = self.requests.remove(at);
            request.tries += 1;
            self.unacknowledged += 1;
            self.take_back(&mut request);
            let asked = failure.int_of(words::payload::RETRY_MS).unwrap_or(500).min(30_000) as u32;
            let pause = if self.link.is_hurried { 0 } else { asked + 50 * request.tries };
            request.timer = self.after(pause);
            self.retries.push(request);
            return self.send_waiting();
        }
        self.answer(message, Reply::Failure, failure);
    }

    /// Returns the index of the request that a message answers.
    #[inline(never)]
    fn asked(&self, message: &Message<'_>) -> Option<usize> {
        self.requests.iter().position(|request| Some(request.reference) == message.reference)
    }

    /// Queues the edits of a message again that the server did not apply. Edits that have a newer
    /// edit of the same field are dropped.
    pub(super) fn take_back(&mut self, request: &mut Request) {
        request.again();
        let tags = std::mem::take(&mut request.tags);
        for tag in &tags {
            let Some(component) = self.component_mut(request.slot) else { return };
            let Some(at) = component.edit_of(*tag) else {
                request.tags.push(*tag);
                continue;
            };
            if component.edits.get(at).is_some_and(|edit| component.has_newer(edit.field, *tag)) {
                component.edits.remove(at);
                self.release(request.slot, *tag, UpdateEnd::Included);
            } else if let Some(edit) = component.edits.get_mut(at) {
                edit.progress = Progress::Due;
            }
        }
    }

    /// Removes and settles the request that a reply answers.
    pub(super) fn answer(&mut self, message: &Message<'_>, reply: Reply, value: Val) {
        let Some(at) = self.asked(message) else { return };
        let request = self.requests.remove(at);
        self.unacknowledged += 1;
        match reply {
            Reply::Success => {
                self.conclude(&request, Verdict::Done);
                self.settle(&request, Reply::Success, value);
            }
            Reply::Failure => self.refuse(&request, &value),
        }
        self.ask_waiting();
    }

    /// Settles a request that failed.
    pub(super) fn refuse(&mut self, request: &Request, failure: &Failure) {
        let code = failure.text_of(words::payload::CODE);
        self.conclude(request, Verdict::of_failure(request.kind, code));
        match request.kind {
            RequestKind::Mount => {
                // The page is too old, or the user has changed. A reload gives a valid seal.
                if code == BAD_SEAL {
                    self.out.push(Output::Reload);
                }
                self.fail(request.slot, failure.clone());
            }
            RequestKind::Unmount => {}
            RequestKind::Action | RequestKind::Property | RequestKind::Props => self.report(request, failure),
        }
    }

    /// Marks a component as failed; it is not mounted and not retried.
    pub(super) fn fail(&mut self, slot: Slot, failure: Failure) {
        if let Some(component) = self.component_mut(slot) {
            component.phase = ComponentPhase::Failed;
            self.out.push(Output::Failed { slot, failure });
        }
    }

    /// Reports a failed request under its ticket, or as a failed action if it has none.
    pub(super) fn report(&mut self, request: &Request, failure: &Failure) {
        let failure = failure.clone();
        if request.ticket != 0 {
            return self.settle(request, Reply::Failure, failure);
        }
        let action = if request.kind == RequestKind::Action { request.name } else { Key::NONE };
        self.out.push(Output::ActionFailed { slot: request.slot, action, failure });
    }

    /// Removes the optimistic updates of a request and releases its edits.
    pub(super) fn conclude(&mut self, request: &Request, verdict: Verdict) {
        let accepted = verdict != Verdict::Refused;
        let failed = verdict != Verdict::Done;
        let slot = request.slot;
        if request.kind == RequestKind::Unmount {
            return self.forget(slot);
        }
        let mut due = Vec::new();
        // Optimistic updates to remove: those of the request and of older edits, except those of
        // edits that are queued again.
        let mut gone = Vec::new();
        if let Some(component) = self.component_mut(slot) {
            retain(&mut component.edits, &mut |edit| {
                let then = request.then.contains(&edit.tag) && edit.progress == Progress::Waiting;
                // The action has often set the same value already.
                let done = then
                    && (failed || component.stream.confirmed(edit.field).as_deref() == Some(&edit.value));
                if done {
                    gone.push(edit.tag);
                } else if then {
                    due.push(edit.field);
                }
                !done
            });
            for tag in &request.tags {
                let Some(at) = component.edit_of(*tag) else {
                    gone.push(*tag);
                    continue;
                };
                let mut edit = component.edits.remove(at);
                // An action may have consumed the value and changed it, as a chat clears its
                // draft.
                let confirmed = component.stream.confirmed(edit.field).cloned();
                if accepted {
                    retain(&mut component.edits, &mut |older| {
                        let old = older.field == edit.field && older.tag < *tag;
                        if old {
                            gone.push(older.tag);
                        }
                        !old
                    });
                    // The action failed, perhaps before the server applied its edits.
                    if failed
                        && confirmed.as_ref() != Some(&edit.value)
                        && !component.has_newer(edit.field, *tag)
                    {
                        edit.progress = Progress::Waiting;
                        component.edits.push(edit);
                        continue;
                    }
                }
                gone.push(*tag);
                component.typed.remove(edit.field);
                if let Some(value) = confirmed
                    && accepted
                    && (request.kind == RequestKind::Property || value == edit.value)
                {
                    component.typed.set(edit.field, value);
                }
            }
            for edit in &component.edits {
                if edit.progress == Progress::Due && request.fields.contains(&edit.field) {
                    due.push(edit.field);
                }
            }
        }
        if !accepted {
            for field in &request.fields {
                self.out.push(Output::Refused { slot, field: *field });
            }
        }
        for tag in &gone {
            self.release(slot, *tag, if failed { UpdateEnd::Refused } else { UpdateEnd::Included });
        }
        for field in &due {
            self.commit(slot, *field, 0);
        }
        if request.origin.node != 0 {
            self.out.push(Output::Answered { slot, origin: request.origin, ok: !failed });
        }
        self.out.push(Output::Wire { slot });
    }
}
