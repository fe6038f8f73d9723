//! Replies that wait for patches of topics.
//!
//! A topic with an interval sends the change of an action at the end of the interval, and the
//! action's reply follows that patch. The component's later patches and replies queue behind the
//! held reply, so that the page receives all messages of one component in order.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use foldhash::fast::RandomState;
use futures_util::future::join_all;
use vivaz_components::Unsent;
use vivaz_protocol::{ComponentId, Ref, Rev, StreamId, TopicName};

use crate::session::Session;
use crate::session::completion::Completion;
use crate::session::reply::cache::CachedReply;

/// The waiting messages by component. Most sessions never have any.
#[derive(Default)]
pub(in crate::session) struct HeldReplies {
    last: u64,
    of: HashMap<ComponentId, VecDeque<HeldMessage>, RandomState>,
}

/// A message that waits.
struct HeldMessage {
    number: u64,
    until: HoldUntil,
    content: HeldContent,
}

/// What a held message waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HoldUntil {
    /// Only for the held messages before it.
    PriorSent,
    /// Also for patches of topics.
    TopicsSent,
}

/// The content of a held message.
enum HeldContent {
    /// A patch that is not a reply.
    Patch(Rev, Bytes),
    /// A reply with its patch. Without one it is sent in the form of a repeated reply.
    Reply { reference: Ref, reply: CachedReply, patch: Option<(Rev, Bytes)> },
}

impl HeldReplies {
    /// Checks whether messages of a component wait.
    pub(in crate::session) fn holds(&self, id: &ComponentId) -> bool {
        self.of.contains_key(id)
    }

    /// Queues a patch behind the waiting messages.
    pub(in crate::session) fn push_patch(&mut self, id: &ComponentId, rev: Rev, frame: Bytes) {
        self.push(id, HoldUntil::PriorSent, HeldContent::Patch(rev, frame));
    }

    /// Drops the patches, because the page is gone. A page that resumes receives them from the
    /// streams.
    pub(in crate::session) fn drop_patches(&mut self) {
        for held in self.of.values_mut() {
            for one in held.iter_mut() {
                if let HeldContent::Reply { patch, .. } = &mut one.content {
                    *patch = None;
                }
            }
            held.retain(|one| matches!(one.content, HeldContent::Reply { .. }));
        }
        self.of.retain(|_, held| !held.is_empty());
    }

    /// Withholds the replies that may have data of a topic that the user may not see.
    pub(in crate::session) fn withhold(&mut self, is_refused: impl Fn(&TopicName) -> bool) {
        for one in self.of.values_mut().flatten() {
            if let HeldContent::Reply { reference, reply, .. } = &mut one.content {
                reply.withhold(*reference, &is_refused);
            }
        }
    }

    /// Queues a message and returns its number.
    fn push(&mut self, id: &ComponentId, until: HoldUntil, content: HeldContent) -> u64 {
        self.last += 1;
        let held = HeldMessage { number: self.last, until, content };
        self.of.entry(id.clone()).or_default().push_back(held);
        self.last
    }

    /// Marks a message as waiting only for those before it.
    fn mark_due(&mut self, id: &ComponentId, number: u64) {
        if let Some(held) = self.of.get_mut(id)
            && let Some(one) = held.iter_mut().find(|one| one.number == number)
        {
            one.until = HoldUntil::PriorSent;
        }
    }

    /// Takes the first message, if it is due.
    fn take_due(&mut self, id: &ComponentId) -> Option<HeldContent> {
        let held = self.of.get_mut(id)?;
        let next = held.pop_front_if(|one| one.until == HoldUntil::PriorSent)?;
        if held.is_empty() {
            self.of.remove(id);
        }
        Some(next.content)
    }
}

impl Session {
    /// Sends a component's reply: at once, or after the messages and topic patches before it.
    pub(in crate::session) fn reply_in_order(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        reply: CachedReply,
        patch: Option<(Rev, Bytes)>,
        unsent: Vec<Unsent>,
    ) {
        if unsent.is_empty() && !self.held_replies.holds(id) {
            return self.send_reply(id, reference, reply, patch);
        }
        self.replies.hold(reference, reply.clone());
        let until = if unsent.is_empty() { HoldUntil::PriorSent } else { HoldUntil::TopicsSent };
        let number = self.held_replies.push(id, until, HeldContent::Reply { reference, reply, patch });
        if until == HoldUntil::TopicsSent {
            let id = id.clone();
            self.await_future(Box::pin(async move {
                join_all(unsent.into_iter().map(Unsent::sent)).await;
                Completion::TopicsSent { id, number }
            }));
        }
        self.mark_changed();
    }

    /// Handles that the topics have sent the patches before a held reply: sends the messages that
    /// are due.
    pub(in crate::session) fn release_held(&mut self, id: &ComponentId, number: u64) {
        self.held_replies.mark_due(id, number);
        while let Some(next) = self.held_replies.take_due(id) {
            match next {
                HeldContent::Patch(rev, frame) => self.port.send_patch(id.clone().into(), rev, frame, None),
                HeldContent::Reply { reference, reply, patch } => {
                    self.send_reply(id, reference, reply, patch);
                }
            }
        }
        // A queued unmount may have waited for the replies.
        self.run_queue(id);
    }

    /// Caches and sends a reply.
    fn send_reply(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        reply: CachedReply,
        patch: Option<(Rev, Bytes)>,
    ) {
        self.send_effects_of(&reply);
        let Some((rev, frame)) = patch else {
            let frame = self.encode_cached_reply(reference, &reply);
            self.cache_reply(reference, reply);
            return self.port.send(frame);
        };
        self.cache_reply(reference, reply);
        self.port.send_patch(StreamId::Component(id.clone()), rev, frame, Some(reference));
        if let Some(component) = self.components.get_mut(id) {
            component.last_reply = Some((reference, rev));
        }
    }
}
