//! The replies of a session, for exactly-once execution.
//!
//! Records which messages were accepted, and the replies of those that are finished. An accepted
//! message that is sent again does not run again. A reply is kept until the client acknowledges it,
//! within bounds: beyond them the oldest is dropped, and a repeated message receives `reply_lost`.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use vivaz_protocol::{ComponentId, Ref, TopicName};

use crate::persist::store::{SessionProgress, StoredReply};

/// The accepted messages and the replies of one session.
#[derive(Debug, Default)]
pub(crate) struct ReplyCache {
    /// The last accepted ref. 0 before the first.
    last: u64,
    /// Accepted and not finished, in ascending order.
    running: Vec<Ref>,
    /// Finished, with replies that are held for topic patches. They are not sent yet.
    held: BTreeMap<Ref, CachedReply>,
    /// Accepted by a process that is gone and not finished, in ascending order. They are new when
    /// they are sent again.
    open: Vec<Ref>,
    /// Finished by a process that is gone, in ascending order. Refs above `last` that are not among
    /// them are new.
    finished_ahead: Vec<Ref>,
    /// The client has received every reply up to this ref.
    received: u64,
    /// Finished and not acknowledged, in the order of the replies.
    kept: VecDeque<(Ref, CachedReply)>,
    /// The size of `kept`, in bytes.
    bytes: usize,
}

/// A reply in the form in which it is sent again: without a patch, because the streams are current
/// by then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CachedReply {
    /// Success: an `ACK` with the action's return value, which may have data of these topics.
    Done {
        component: ComponentId,
        result: Option<Box<str>>,
        topics: Box<[TopicName]>,
        /// The requests of the handler to its page, as the data of their event.
        page_effects: Option<Box<str>>,
    },
    /// A refusal: the encoded `ERROR`.
    Refused(Box<str>),
    /// A failed action: the encoded `ERROR`, which may have data of these topics.
    Failed { error: Box<str>, topics: Box<[TopicName]> },
    /// A mount: a `COMPONENT_MOUNTED` with the state at the time of sending.
    Mounted(ComponentId),
    /// A stored reply that cannot be decoded, or one that may have data of a topic which the user
    /// may not see any more. The message gets `reply_lost`. The stored text stays unchanged,
    /// because the program that wrote it can decode it.
    Undecodable(Box<str>),
}

/// The state of a message's ref.
#[derive(Debug, PartialEq)]
pub(crate) enum RefStatus<'a> {
    /// New and accepted now. The caller runs the message.
    New,
    /// Accepted before and not finished. The reply follows.
    Running,
    /// Finished. The caller sends the reply again.
    Finished(&'a CachedReply),
    /// Finished, and the reply is not available.
    Lost,
}

/// The bounds of the kept replies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheBounds {
    /// The number of replies.
    pub(crate) replies: usize,
    /// Bytes of replies.
    pub(crate) bytes: usize,
}

impl ReplyCache {
    /// Looks up a ref, and accepts it if it is new.
    pub(crate) fn admit(&mut self, reference: Ref) -> RefStatus<'_> {
        let Err(running_at) = self.running.binary_search(&reference) else { return RefStatus::Running };
        // `iter().find` does not compile here: its borrow would last until the changes below.
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == reference) {
            return self.kept.get(at).map_or(RefStatus::Lost, |(_, kept)| RefStatus::Finished(kept));
        }
        if let Ok(at) = self.open.binary_search(&reference) {
            self.open.remove(at);
        } else if reference.get() <= self.last {
            return RefStatus::Lost;
        } else {
            let Err(passed) = self.finished_ahead.binary_search(&reference) else { return RefStatus::Lost };
            self.finished_ahead.drain(..passed);
            self.last = reference.get();
        }
        self.running.insert(running_at, reference);
        RefStatus::New
    }

    /// Returns the number of accepted messages without a reply.
    pub(crate) fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Records the reply of a finished message that is sent later. Until then the message counts as
    /// running.
    pub(crate) fn hold(&mut self, reference: Ref, reply: CachedReply) {
        self.held.insert(reference, reply);
    }

    /// Records the reply of an accepted message, and drops the oldest replies beyond the bounds.
    pub(crate) fn insert(&mut self, reference: Ref, reply: CachedReply, bounds: CacheBounds) {
        if let Ok(at) = self.running.binary_search(&reference) {
            self.running.remove(at);
        }
        self.held.remove(&reference);
        self.bytes += reply.size();
        if self.kept.is_empty() {
            // Most sessions have at most one unacknowledged reply.
            self.kept.reserve_exact(1);
        }
        self.kept.push_back((reference, reply));
        while self.kept.len() > bounds.replies || self.bytes > bounds.bytes {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }

    /// Drops the replies up to `up_to`, because the client has acknowledged them.
    pub(crate) fn acknowledge(&mut self, up_to: Ref) {
        self.received = self.received.max(up_to.get());
        // Replies are in the order of completion and acknowledged in the order of refs, so an early
        // reply to a late ref stays among older ones.
        self.kept.retain(|(reference, reply)| {
            let keep = *reference > up_to;
            if !keep {
                self.bytes -= reply.size();
            }
            keep
        });
        if self.kept.is_empty() {
            // Frees the memory of a burst.
            self.kept = VecDeque::new();
        }
    }

    /// Returns the last acknowledged ref. 0 if there is none.
    pub(crate) fn acknowledged_up_to(&self) -> u64 {
        self.received
    }

    /// Returns the stored form.
    pub(crate) fn progress(&self) -> SessionProgress {
        let undecided = self.running.iter().filter(|reference| !self.held.contains_key(reference));
        let mut open: Vec<u64> = undecided.chain(&self.open).map(|reference| reference.get()).collect();
        open.sort_unstable();
        SessionProgress {
            last: self.last,
            open,
            replies: self
                .kept
                .iter()
                .map(|(reference, kept)| (*reference, kept))
                .chain(self.held.iter().map(|(reference, kept)| (*reference, kept)))
                .map(|(reference, kept)| kept.to_stored(reference))
                .collect(),
        }
    }

    /// Restores the stored form. `committed` has the replies that were committed one by one, which
    /// may be newer. A message whose reply cannot be decoded counts as finished, so it does not run
    /// again.
    pub(crate) fn restore(
        progress: &SessionProgress,
        committed: &[StoredReply],
        bounds: CacheBounds,
    ) -> Self {
        let answered: BTreeMap<Ref, CachedReply> =
            progress.replies.iter().chain(committed).filter_map(CachedReply::from_stored).collect();
        let open = progress.open.iter().filter_map(|number| Ref::new(*number).ok());
        let mut replies = Self {
            last: progress.last,
            open: open.filter(|reference| !answered.contains_key(reference)).collect(),
            finished_ahead: answered.keys().copied().collect(),
            ..Self::default()
        };
        for (reference, kept) in answered {
            replies.insert(reference, kept, bounds);
        }
        replies
    }

    /// Withholds the replies that may have data of a topic that the user may not see.
    pub(crate) fn withhold(&mut self, is_refused: impl Fn(&TopicName) -> bool) {
        let kept = self.kept.iter_mut().map(|(reference, kept)| (*reference, kept));
        for (reference, kept) in kept.chain(self.held.iter_mut().map(|(reference, kept)| (*reference, kept)))
        {
            kept.withhold(reference, &is_refused);
        }
        self.bytes = self.kept.iter().map(|(_, kept)| kept.size()).sum();
    }

    /// Returns the number of kept replies that cannot be decoded.
    pub(crate) fn undecodable_count(&self) -> usize {
        self.kept.iter().filter(|(_, kept)| matches!(kept, CachedReply::Undecodable(_))).count()
    }

    /// Returns the unacknowledged replies, in the order of completion.
    pub(crate) fn unacknowledged(&self) -> impl Iterator<Item = (Ref, &CachedReply)> {
        self.kept.iter().map(|(reference, kept)| (*reference, kept))
    }

    /// Checks whether a message is running, or its reply is kept.
    pub(crate) fn is_known(&self, reference: Ref) -> bool {
        self.running.binary_search(&reference).is_ok() || self.get(reference).is_some()
    }

    /// Checks whether a message was refused, and its reply is kept or held.
    pub(crate) fn is_refused(&self, reference: Ref) -> bool {
        let reply = self.get(reference).or_else(|| self.held.get(&reference));
        matches!(reply, Some(CachedReply::Refused(_)))
    }

    /// Returns the kept reply of a message.
    pub(crate) fn get(&self, reference: Ref) -> Option<&CachedReply> {
        self.kept.iter().find(|(kept, _)| *kept == reference).map(|(_, kept)| kept)
    }
}

/// The stored form of a reply.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredForm<'a> {
    Done {
        component: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        topics: Vec<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page_effects: Option<Cow<'a, str>>,
    },
    Refused(Cow<'a, str>),
    Failed {
        error: Cow<'a, str>,
        topics: Vec<Cow<'a, str>>,
    },
    Mounted(Cow<'a, str>),
}

impl CachedReply {
    /// Withholds the reply if it may have data of a topic that the user may not see.
    pub(crate) fn withhold(&mut self, reference: Ref, is_refused: impl Fn(&TopicName) -> bool) {
        let topics = match self {
            Self::Done { topics, .. } | Self::Failed { topics, .. } => topics,
            Self::Refused(_) | Self::Mounted(_) | Self::Undecodable(_) => return,
        };
        if topics.iter().any(is_refused) {
            *self = Self::Undecodable(self.to_stored(reference).body.into());
        }
    }

    /// Returns the stored form.
    pub(crate) fn to_stored(&self, reference: Ref) -> StoredReply {
        let names =
            |topics: &[TopicName]| topics.iter().map(|name| name.as_str().to_owned().into()).collect();
        let stored = match self {
            Self::Done { component, result, topics, page_effects } => StoredForm::Done {
                component: component.as_str().into(),
                result: result.as_deref().map(Cow::Borrowed),
                topics: names(topics),
                page_effects: page_effects.as_deref().map(Cow::Borrowed),
            },
            Self::Refused(text) => StoredForm::Refused((&**text).into()),
            Self::Failed { error, topics } => {
                StoredForm::Failed { error: (&**error).into(), topics: names(topics) }
            }
            Self::Mounted(component) => StoredForm::Mounted(component.as_str().into()),
            Self::Undecodable(text) => {
                return StoredReply { reference: reference.get(), body: text.to_string() };
            }
        };
        // Strings always have a JSON form.
        let body = serde_json::to_string(&stored).unwrap_or_default();
        StoredReply { reference: reference.get(), body }
    }

    /// Reads the stored form. Returns `None` if the number is not a valid ref.
    fn from_stored(stored: &StoredReply) -> Option<(Ref, Self)> {
        let reference = Ref::new(stored.reference).ok()?;
        let kept =
            Self::decode(&stored.body).unwrap_or_else(|| Self::Undecodable(stored.body.as_str().into()));
        Some((reference, kept))
    }

    /// Decodes a stored reply.
    fn decode(body: &str) -> Option<Self> {
        let names = |topics: Vec<Cow<'_, str>>| -> Option<Box<[TopicName]>> {
            topics.iter().map(|name| TopicName::new(name).ok()).collect()
        };
        Some(match serde_json::from_str(body).ok()? {
            StoredForm::Done { component, result, topics, page_effects } => Self::Done {
                component: ComponentId::new(&component).ok()?,
                result: result.map(Into::into),
                topics: names(topics)?,
                page_effects: page_effects.map(Into::into),
            },
            StoredForm::Refused(text) => Self::Refused(text.into()),
            StoredForm::Failed { error, topics } => {
                Self::Failed { error: error.into(), topics: names(topics)? }
            }
            StoredForm::Mounted(component) => Self::Mounted(ComponentId::new(&component).ok()?),
        })
    }

    /// Returns the bytes that count against the bound: the texts, and a flat rate for the rest.
    fn size(&self) -> usize {
        const AROUND: usize = 64;
        AROUND
            + match self {
                Self::Done { result, page_effects, .. } => {
                    [result, page_effects].into_iter().flatten().map(|text| text.len()).sum()
                }
                Self::Refused(text) | Self::Failed { error: text, .. } | Self::Undecodable(text) => {
                    text.len()
                }
                Self::Mounted(_) => 0,
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: CacheBounds = CacheBounds { replies: 4, bytes: 10_000 };

    fn r(n: u64) -> Ref {
        Ref::new(n).unwrap()
    }

    fn done(text: &str) -> CachedReply {
        CachedReply::Done {
            component: ComponentId::new("c").unwrap(),
            result: Some(text.into()),
            topics: [].into(),
            page_effects: None,
        }
    }

    #[test]
    fn a_repeated_message_runs_once() {
        let mut replies = ReplyCache::default();
        assert_eq!(replies.admit(r(1)), RefStatus::New);
        assert_eq!(replies.admit(r(1)), RefStatus::Running);
        replies.insert(r(1), done("1"), BOUNDS);
        assert_eq!(replies.admit(r(1)), RefStatus::Finished(&done("1")));
        replies.acknowledge(r(1));
        assert_eq!(replies.admit(r(1)), RefStatus::Lost);
        assert_eq!(replies.admit(r(7)), RefStatus::New);
        assert_eq!(replies.admit(r(5)), RefStatus::Lost, "a ref that was left out is used up");
    }

    #[test]
    fn replies_are_bounded_in_number_and_in_bytes() {
        let mut replies = ReplyCache::default();
        for n in 1..=6 {
            replies.admit(r(n));
            replies.insert(r(n), done("x"), BOUNDS);
        }
        assert_eq!(replies.admit(r(2)), RefStatus::Lost);
        assert_eq!(replies.admit(r(3)), RefStatus::Finished(&done("x")));
        let waiting = |replies: &ReplyCache| {
            replies.unacknowledged().map(|(reference, _)| reference.get()).collect::<Vec<_>>()
        };
        let as_much_as = |bytes: usize| done(&"y".repeat(bytes - done("").size()));
        for (number, room) in [(7, 0), (8, 1)] {
            replies.admit(r(number));
            replies.insert(r(number), as_much_as(BOUNDS.bytes - room), BOUNDS);
            assert_eq!(waiting(&replies), [number]);
        }
        replies.admit(r(9));
        replies.insert(r(9), as_much_as(BOUNDS.bytes + 1), BOUNDS);
        assert!(waiting(&replies).is_empty());
    }

    #[test]
    fn a_message_whose_stored_reply_cannot_be_read_is_answered_and_stored_as_it_was() {
        let bodies = ["", "{}", "[]", "\u{0}", r#"{"done":{}}"#, r#"{"mounted":""}"#, r#"{"later":{"n":1}}"#];
        for body in bodies {
            let stored = |reference| StoredReply { reference, body: body.into() };
            // 2 was finished when the session was saved, 3 was running, and 6 arrived later.
            let progress = SessionProgress { last: 5, open: vec![3, 4], replies: vec![stored(2)] };
            let mut replies = ReplyCache::restore(&progress, &[stored(3), stored(6)], BOUNDS);
            let lost = CachedReply::Undecodable(body.into());
            for n in [2, 3, 6] {
                assert_eq!(replies.admit(r(n)), RefStatus::Finished(&lost), "{body}");
            }
            assert_eq!(replies.undecodable_count(), 3);
            assert_eq!(replies.progress().replies, [stored(2), stored(3), stored(6)]);
            assert_eq!(replies.progress().open, [4]);
            assert_eq!(replies.admit(r(4)), RefStatus::New);
        }
    }

    #[test]
    fn an_action_after_the_last_save_is_not_run_again_by_earlier_requests() {
        let stored = [done("7").to_stored(r(7)), done("9").to_stored(r(9))];
        let progress = SessionProgress { last: 5, ..SessionProgress::default() };
        let mut replies = ReplyCache::restore(&progress, &stored, BOUNDS);
        replies.acknowledge(r(9));
        assert_eq!(replies.admit(r(6)), RefStatus::New);
        assert_eq!(replies.admit(r(7)), RefStatus::Lost);
        assert_eq!(replies.admit(r(8)), RefStatus::New);
        assert_eq!(replies.admit(r(9)), RefStatus::Lost);
        assert_eq!(replies.admit(r(10)), RefStatus::New);
    }

    #[test]
    fn a_reply_that_is_decided_and_not_given_is_stored() {
        let mut replies = ReplyCache::default();
        replies.admit(r(1));
        replies.admit(r(2));
        replies.hold(r(1), done("1"));
        let progress = replies.progress();
        assert_eq!((&progress.open[..], &progress.replies[..]), (&[2][..], &[done("1").to_stored(r(1))][..]));
        let mut replies = ReplyCache::restore(&progress, &[], BOUNDS);
        assert_eq!(replies.admit(r(1)), RefStatus::Finished(&done("1")));
        assert_eq!(replies.admit(r(2)), RefStatus::New);
    }

    #[test]
    fn a_stored_reply_is_read_as_it_was() {
        let mounted = CachedReply::Mounted(ComponentId::new("c").unwrap());
        let topics: Box<[TopicName]> = [TopicName::new("chat/private").unwrap()].into();
        let failed = CachedReply::Failed { error: "{}".into(), topics: topics.clone() };
        let component = ComponentId::new("c").unwrap();
        let of_topics = CachedReply::Done { component, result: Some("1".into()), topics, page_effects: None };
        for kept in [done("1"), CachedReply::Refused("{}".into()), mounted, failed, of_topics] {
            assert_eq!(CachedReply::from_stored(&kept.to_stored(r(7))), Some((r(7), kept)));
        }
        assert_eq!(CachedReply::from_stored(&StoredReply { reference: 0, body: "{}".into() }), None);
    }

    proptest! {
        /// Whatever a client sends, repeats and acknowledges, and whenever the session is saved and
        /// restored, each ref is finished at most once, a repeated one gets the first reply or
        /// none, and the kept replies stay within the bounds.
        #[test]
        fn each_ref_is_answered_at_most_once(steps in proptest::collection::vec((0_u8..6, 1_u64..40), 1..200)) {
            let mut replies = ReplyCache::default();
            let mut ran = std::collections::BTreeMap::new();
            let (mut progress, mut committed) = (SessionProgress::default(), Vec::new());
            for (step, n) in steps {
                match step {
                    0 | 1 => match replies.admit(r(n)) {
                        RefStatus::New => prop_assert!(ran.insert(n, false).is_none()),
                        RefStatus::Running => prop_assert_eq!(ran.get(&n), Some(&false)),
                        RefStatus::Finished(kept) => {
                            prop_assert_eq!(kept, &done(&n.to_string()));
                            prop_assert_eq!(ran.get(&n), Some(&true));
                        }
                        RefStatus::Lost => prop_assert_ne!(ran.get(&n), Some(&false)),
                    },
                    2 => {
                        if let Some(answered) = ran.get_mut(&n).filter(|answered| !**answered) {
                            *answered = true;
                            replies.insert(r(n), done(&n.to_string()), BOUNDS);
                            committed.push(done(&n.to_string()).to_stored(r(n)));
                        }
                    }
                    3 => replies.acknowledge(r(n)),
                    4 => {
                        progress = replies.progress();
                        committed.retain(|reply| !progress.covers(reply.reference));
                    }
                    _ => {
                        replies = ReplyCache::restore(&progress, &committed, BOUNDS);
                        // Messages that ran in the process that is gone run again.
                        ran.retain(|_, answered| *answered);
                    }
                }
                prop_assert!(replies.unacknowledged().count() <= BOUNDS.replies);
                prop_assert_eq!(replies.running_count(), ran.values().filter(|answered| !**answered).count());
                prop_assert_eq!(replies.bytes, replies.kept.iter().map(|(_, kept)| kept.size()).sum::<usize>());
            }
        }
    }
}
