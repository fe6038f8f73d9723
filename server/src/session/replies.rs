//! The replies of a session, for exactly-once execution.
//!
//! Records which messages were accepted, and the replies of those that are finished. An accepted
//! message that is sent again does not run again. A reply is kept until the client acknowledges it,
//! within bounds: beyond them the oldest is dropped, and a repeated message receives `reply_lost`.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use vivaz_protocol::{ComponentId, Ref, TopicName};

use crate::persist::store::{Progress, StoredReply};

/// The accepted messages and the replies of one session.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The last accepted ref. 0 before the first.
    last: u64,
    /// Accepted and not finished, in ascending order.
    running: Vec<Ref>,
    /// Finished, with replies that are held for topic patches. They are not sent yet.
    decided: BTreeMap<Ref, Kept>,
    /// Accepted by a process that is gone and not finished, in ascending order. They are new when
    /// they are sent again.
    open: Vec<Ref>,
    /// Finished by a process that is gone, in ascending order. Refs above `last` that are not among
    /// them are new.
    answered_ahead: Vec<Ref>,
    /// The client has received every reply up to this ref.
    received: u64,
    /// Finished and not acknowledged, in the order of the replies.
    kept: VecDeque<(Ref, Kept)>,
    /// The size of `kept`, in bytes.
    bytes: usize,
}

/// A reply in the form in which it is sent again: without a patch, because the streams are current
/// by then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// Success: an `ACK` with the action's return value, which may have data of these topics.
    Done { component: ComponentId, result: Option<Box<str>>, topics: Box<[TopicName]> },
    /// A refusal: the encoded `ERROR`.
    Refused(Box<str>),
    /// A failed action: the encoded `ERROR`, which may have data of these topics.
    Failed { error: Box<str>, topics: Box<[TopicName]> },
    /// A mount: a `COMPONENT_MOUNTED` with the state at the time of sending.
    Mounted(ComponentId),
    /// A stored reply that cannot be decoded, or one that may have data of a topic which the user
    /// may not see any more. The message gets `reply_lost`. The stored text stays unchanged,
    /// because the program that wrote it can decode it.
    Unreadable(Box<str>),
}

/// The state of a message's ref.
#[derive(Debug, PartialEq)]
pub(crate) enum Admission<'a> {
    /// New and accepted now. The caller runs the message.
    New,
    /// Accepted before and not finished. The reply follows.
    Running,
    /// Finished. The caller sends the reply again.
    Answered(&'a Kept),
    /// Finished, and the reply is not available.
    Lost,
}

/// The bounds of the kept replies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The number of replies.
    pub(crate) replies: usize,
    /// Bytes of replies.
    pub(crate) bytes: usize,
}

impl Replies {
    /// Looks up a ref, and accepts it if it is new.
    pub(crate) fn admit(&mut self, reference: Ref) -> Admission<'_> {
        let Err(running_at) = self.running.binary_search(&reference) else { return Admission::Running };
        // `iter().find` does not compile here: its borrow would last until the changes below.
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == reference) {
            return self.kept.get(at).map_or(Admission::Lost, |(_, kept)| Admission::Answered(kept));
        }
        if let Ok(at) = self.open.binary_search(&reference) {
            self.open.remove(at);
        } else if reference.get() <= self.last {
            return Admission::Lost;
        } else {
            let Err(passed) = self.answered_ahead.binary_search(&reference) else { return Admission::Lost };
            self.answered_ahead.drain(..passed);
            self.last = reference.get();
        }
        self.running.insert(running_at, reference);
        Admission::New
    }

    /// Returns the number of accepted messages without a reply.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Records the reply of a finished message that is sent later. Until then the message counts as
    /// running.
    pub(crate) fn decide(&mut self, reference: Ref, reply: Kept) {
        self.decided.insert(reference, reply);
    }

    /// Records the reply of an accepted message, and drops the oldest replies beyond the bounds.
    pub(crate) fn answer(&mut self, reference: Ref, reply: Kept, bounds: Bounds) {
        if let Ok(at) = self.running.binary_search(&reference) {
            self.running.remove(at);
        }
        self.decided.remove(&reference);
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
    pub(crate) fn received(&mut self, up_to: Ref) {
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
    pub(crate) fn received_up_to(&self) -> u64 {
        self.received
    }

    /// Returns the stored form.
    pub(crate) fn progress(&self) -> Progress {
        let undecided = self.running.iter().filter(|reference| !self.decided.contains_key(reference));
        let mut open: Vec<u64> = undecided.chain(&self.open).map(|reference| reference.get()).collect();
        open.sort_unstable();
        Progress {
            last: self.last,
            open,
            replies: self
                .kept
                .iter()
                .map(|(reference, kept)| (*reference, kept))
                .chain(self.decided.iter().map(|(reference, kept)| (*reference, kept)))
                .map(|(reference, kept)| kept.store(reference))
                .collect(),
        }
    }

    /// Restores the stored form. `committed` has the replies that were committed one by one, which
    /// may be newer. A message whose reply cannot be decoded counts as finished, so it does not run
    /// again.
    pub(crate) fn restore(progress: &Progress, committed: &[StoredReply], bounds: Bounds) -> Self {
        let answered: BTreeMap<Ref, Kept> =
            progress.replies.iter().chain(committed).filter_map(Kept::restore).collect();
        let open = progress.open.iter().filter_map(|number| Ref::new(*number).ok());
        let mut replies = Self {
            last: progress.last,
            open: open.filter(|reference| !answered.contains_key(reference)).collect(),
            answered_ahead: answered.keys().copied().collect(),
            ..Self::default()
        };
        for (reference, kept) in answered {
            replies.answer(reference, kept, bounds);
        }
        replies
    }

    /// Withholds the replies that may have data of a topic that the user may not see.
    pub(crate) fn withhold(&mut self, is_refused: impl Fn(&TopicName) -> bool) {
        let kept = self.kept.iter_mut().map(|(reference, kept)| (*reference, kept));
        for (reference, kept) in
            kept.chain(self.decided.iter_mut().map(|(reference, kept)| (*reference, kept)))
        {
            kept.withhold(reference, &is_refused);
        }
        self.bytes = self.kept.iter().map(|(_, kept)| kept.size()).sum();
    }

    /// Returns the number of kept replies that cannot be decoded.
    pub(crate) fn unreadable(&self) -> usize {
        self.kept.iter().filter(|(_, kept)| matches!(kept, Kept::Unreadable(_))).count()
    }

    /// Returns the unacknowledged replies, in the order of completion.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Ref, &Kept)> {
        self.kept.iter().map(|(reference, kept)| (*reference, kept))
    }

    /// Checks whether a message is running, or its reply is kept.
    pub(crate) fn is_known(&self, reference: Ref) -> bool {
        self.running.binary_search(&reference).is_ok() || self.kept(reference).is_some()
    }

    /// Returns the kept reply of a message.
    pub(crate) fn kept(&self, reference: Ref) -> Option<&Kept> {
        self.kept.iter().find(|(kept, _)| *kept == reference).map(|(_, kept)| kept)
    }
}

/// The stored form of a reply.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stored<'a> {
    Done {
        component: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        topics: Vec<Cow<'a, str>>,
    },
    Refused(Cow<'a, str>),
    Failed {
        error: Cow<'a, str>,
        topics: Vec<Cow<'a, str>>,
    },
    Mounted(Cow<'a, str>),
}

impl Kept {
    /// Withholds the reply if it may have data of a topic that the user may not see.
    pub(crate) fn withhold(&mut self, reference: Ref, is_refused: impl Fn(&TopicName) -> bool) {
        let topics = match self {
            Self::Done { topics, .. } | Self::Failed { topics, .. } => topics,
            Self::Refused(_) | Self::Mounted(_) | Self::Unreadable(_) => return,
        };
        if topics.iter().any(is_refused) {
            *self = Self::Unreadable(self.store(reference).body.into());
        }
    }

    /// Returns the stored form.
    pub(crate) fn store(&self, reference: Ref) -> StoredReply {
        let names =
            |topics: &[TopicName]| topics.iter().map(|name| name.as_str().to_owned().into()).collect();
        let stored = match self {
            Self::Done { component, result, topics } => Stored::Done {
                component: component.as_str().into(),
                result: result.as_deref().map(Cow::Borrowed),
                topics: names(topics),
            },
            Self::Refused(text) => Stored::Refused((&**text).into()),
            Self::Failed { error, topics } => {
                Stored::Failed { error: (&**error).into(), topics: names(topics) }
            }
            Self::Mounted(component) => Stored::Mounted(component.as_str().into()),
            Self::Unreadable(text) => {
                return StoredReply { reference: reference.get(), body: text.to_string() };
            }
        };
        // Strings always have a JSON form.
        let body = serde_json::to_string(&stored).unwrap_or_default();
        StoredReply { reference: reference.get(), body }
    }

    /// Reads the stored form. Returns `None` if the number is not a valid ref.
    fn restore(stored: &StoredReply) -> Option<(Ref, Self)> {
        let reference = Ref::new(stored.reference).ok()?;
        let kept = Self::read(&stored.body).unwrap_or_else(|| Self::Unreadable(stored.body.as_str().into()));
        Some((reference, kept))
    }

    /// Decodes a stored reply.
    fn read(body: &str) -> Option<Self> {
        let names = |topics: Vec<Cow<'_, str>>| -> Option<Box<[TopicName]>> {
            topics.iter().map(|name| TopicName::new(name).ok()).collect()
        };
        Some(match serde_json::from_str(body).ok()? {
            Stored::Done { component, result, topics } => Self::Done {
                component: ComponentId::new(&component).ok()?,
                result: result.map(Into::into),
                topics: names(topics)?,
            },
            Stored::Refused(text) => Self::Refused(text.into()),
            Stored::Failed { error, topics } => Self::Failed { error: error.into(), topics: names(topics)? },
            Stored::Mounted(component) => Self::Mounted(ComponentId::new(&component).ok()?),
        })
    }

    /// Returns the bytes that count against the bound: the texts, and a flat rate for the rest.
    fn size(&self) -> usize {
        const AROUND: usize = 64;
        AROUND
            + match self {
                Self::Done { result, .. } => result.as_ref().map_or(0, |text| text.len()),
                Self::Refused(text) | Self::Failed { error: text, .. } | Self::Unreadable(text) => text.len(),
                Self::Mounted(_) => 0,
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { replies: 4, bytes: 10_000 };

    fn r(n: u64) -> Ref {
        Ref::new(n).unwrap()
    }

    fn done(text: &str) -> Kept {
        Kept::Done { component: ComponentId::new("c").unwrap(), result: Some(text.into()), topics: [].into() }
    }

    #[test]
    fn a_message_runs_once_whatever_is_sent_again() {
        let mut replies = Replies::default();
        assert_eq!(replies.admit(r(1)), Admission::New);
        assert_eq!(replies.admit(r(1)), Admission::Running);
        replies.answer(r(1), done("1"), BOUNDS);
        assert_eq!(replies.admit(r(1)), Admission::Answered(&done("1")));
        replies.received(r(1));
        assert_eq!(replies.admit(r(1)), Admission::Lost);
        assert_eq!(replies.admit(r(7)), Admission::New);
        assert_eq!(replies.admit(r(5)), Admission::Lost, "a ref that was left out is used up");
    }

    #[test]
    fn replies_are_bounded_in_number_and_in_bytes() {
        let mut replies = Replies::default();
        for n in 1..=6 {
            replies.admit(r(n));
            replies.answer(r(n), done("x"), BOUNDS);
        }
        assert_eq!(replies.admit(r(2)), Admission::Lost);
        assert_eq!(replies.admit(r(3)), Admission::Answered(&done("x")));
        let waiting =
            |replies: &Replies| replies.waiting().map(|(reference, _)| reference.get()).collect::<Vec<_>>();
        let as_much_as = |bytes: usize| done(&"y".repeat(bytes - done("").size()));
        for (number, room) in [(7, 0), (8, 1)] {
            replies.admit(r(number));
            replies.answer(r(number), as_much_as(BOUNDS.bytes - room), BOUNDS);
            assert_eq!(waiting(&replies), [number]);
        }
        replies.admit(r(9));
        replies.answer(r(9), as_much_as(BOUNDS.bytes + 1), BOUNDS);
        assert!(waiting(&replies).is_empty());
    }

    #[test]
    fn a_message_whose_stored_reply_cannot_be_read_is_answered_and_stored_as_it_was() {
        let bodies = ["", "{}", "[]", "\u{0}", r#"{"done":{}}"#, r#"{"mounted":""}"#, r#"{"later":{"n":1}}"#];
        for body in bodies {
            let stored = |reference| StoredReply { reference, body: body.into() };
            // 2 was finished when the session was saved, 3 was running, and 6 arrived later.
            let progress = Progress { last: 5, open: vec![3, 4], replies: vec![stored(2)] };
            let mut replies = Replies::restore(&progress, &[stored(3), stored(6)], BOUNDS);
            let lost = Kept::Unreadable(body.into());
            for n in [2, 3, 6] {
                assert_eq!(replies.admit(r(n)), Admission::Answered(&lost), "{body}");
            }
            assert_eq!(replies.unreadable(), 3);
            assert_eq!(replies.progress().replies, [stored(2), stored(3), stored(6)]);
            assert_eq!(replies.progress().open, [4]);
            assert_eq!(replies.admit(r(4)), Admission::New);
        }
    }

    #[test]
    fn what_was_answered_after_the_last_save_is_not_run_again_when_what_is_before_it_comes() {
        let stored = [done("7").store(r(7)), done("9").store(r(9))];
        let progress = Progress { last: 5, ..Progress::default() };
        let mut replies = Replies::restore(&progress, &stored, BOUNDS);
        replies.received(r(9));
        assert_eq!(replies.admit(r(6)), Admission::New);
        assert_eq!(replies.admit(r(7)), Admission::Lost);
        assert_eq!(replies.admit(r(8)), Admission::New);
        assert_eq!(replies.admit(r(9)), Admission::Lost);
        assert_eq!(replies.admit(r(10)), Admission::New);
    }

    #[test]
    fn a_reply_that_is_decided_and_not_given_is_stored() {
        let mut replies = Replies::default();
        replies.admit(r(1));
        replies.admit(r(2));
        replies.decide(r(1), done("1"));
        let progress = replies.progress();
        assert_eq!((&progress.open[..], &progress.replies[..]), (&[2][..], &[done("1").store(r(1))][..]));
        let mut replies = Replies::restore(&progress, &[], BOUNDS);
        assert_eq!(replies.admit(r(1)), Admission::Answered(&done("1")));
        assert_eq!(replies.admit(r(2)), Admission::New);
    }

    #[test]
    fn a_stored_reply_is_read_as_it_was() {
        let mounted = Kept::Mounted(ComponentId::new("c").unwrap());
        let topics: Box<[TopicName]> = [TopicName::new("chat/private").unwrap()].into();
        let failed = Kept::Failed { error: "{}".into(), topics: topics.clone() };
        let component = ComponentId::new("c").unwrap();
        let of_topics = Kept::Done { component, result: Some("1".into()), topics };
        for kept in [done("1"), Kept::Refused("{}".into()), mounted, failed, of_topics] {
            assert_eq!(Kept::restore(&kept.store(r(7))), Some((r(7), kept)));
        }
        assert_eq!(Kept::restore(&StoredReply { reference: 0, body: "{}".into() }), None);
    }

    proptest! {
        /// Whatever a client sends, repeats and acknowledges, and whenever the session is saved and
        /// restored, each ref is finished at most once, a repeated one gets the first reply or
        /// none, and the kept replies stay within the bounds.
        #[test]
        fn each_ref_is_answered_at_most_once(steps in proptest::collection::vec((0_u8..6, 1_u64..40), 1..200)) {
            let mut replies = Replies::default();
            let mut ran = std::collections::BTreeMap::new();
            let (mut progress, mut committed) = (Progress::default(), Vec::new());
            for (step, n) in steps {
                match step {
                    0 | 1 => match replies.admit(r(n)) {
                        Admission::New => prop_assert!(ran.insert(n, false).is_none()),
                        Admission::Running => prop_assert_eq!(ran.get(&n), Some(&false)),
                        Admission::Answered(kept) => {
                            prop_assert_eq!(kept, &done(&n.to_string()));
                            prop_assert_eq!(ran.get(&n), Some(&true));
                        }
                        Admission::Lost => prop_assert_ne!(ran.get(&n), Some(&false)),
                    },
                    2 => {
                        if let Some(answered) = ran.get_mut(&n).filter(|answered| !**answered) {
                            *answered = true;
                            replies.answer(r(n), done(&n.to_string()), BOUNDS);
                            committed.push(done(&n.to_string()).store(r(n)));
                        }
                    }
                    3 => replies.received(r(n)),
                    4 => {
                        progress = replies.progress();
                        committed.retain(|reply| !progress.covers(reply.reference));
                    }
                    _ => {
                        replies = Replies::restore(&progress, &committed, BOUNDS);
                        // Messages that ran in the process that is gone run again.
                        ran.retain(|_, answered| *answered);
                    }
                }
                prop_assert!(replies.waiting().count() <= BOUNDS.replies);
                prop_assert_eq!(replies.running(), ran.values().filter(|answered| !**answered).count());
                prop_assert_eq!(replies.bytes, replies.kept.iter().map(|(_, kept)| kept.size()).sum::<usize>());
            }
        }
    }
}
