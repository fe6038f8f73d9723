//! Exactly once: which messages of a session were accepted, which of them are answered, and what was said.
//!
//! An accepted message that is sent again is never run again. As long as the client has not said that it has the
//! reply, the reply is kept, within bounds; beyond them the oldest is given up and is `reply_lost` when asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use vivaz_protocol::{ComponentId, Ref, TopicName};

use crate::persist::store::{SessionProgress, StoredReply};

/// The replies of one session.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The last ref that was accepted; 0 before the first.
    last: u64,
    /// Accepted and not answered yet, in order.
    running: Vec<Ref>,
    /// Done, and their replies wait for something: not sent before that, but not run again either.
    decided: BTreeMap<Ref, Kept>,
    /// Accepted by a process that is gone and never done, in order: they are new when they are sent again.
    open: Vec<Ref>,
    /// Answered by a process that is gone, in order. The messages between `last` and those after it may
    /// be new.
    answered_ahead: Vec<Ref>,
    /// The client has every reply up to this one.
    received: u64,
    /// Answered, and not known to be received, in the order of the answers.
    kept: VecDeque<(Ref, Kept)>,
    /// What the kept ones take, in bytes.
    bytes: usize,
}

/// A reply in the form in which it is sent again: without a patch, because the streams have caught up by then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// It was done: `ACK`, with what the action returned. That may be data of these topics.
    Done { component: ComponentId, result: Option<Box<str>>, topics: Box<[TopicName]> },
    /// It was refused: the whole `ERROR`.
    Refused(Box<str>),
    /// An action failed: the whole `ERROR`, which may have data of these topics.
    Failed { error: Box<str>, topics: Box<[TopicName]> },
    /// A component was mounted: `COMPONENT_MOUNTED` as of the moment of sending.
    Mounted(ComponentId),
    /// It was answered, and the stored answer cannot be read, or may have data of a topic that the user
    /// may not see any more: `reply_lost`. The stored text stays as it is, because the program that wrote
    /// it can read it.
    Unreadable(Box<str>),
}

/// What to do with a message of that ref.
#[derive(Debug, PartialEq)]
pub(crate) enum Admission<'a> {
    /// It is new: run it.
    New,
    /// It was accepted before and is not finished: its reply will come.
    Running,
    /// It was answered: say so again.
    Answered(&'a Kept),
    /// It was answered, but the answer is not kept any more.
    Lost,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) replies: usize,
    pub(crate) bytes: usize,
}

impl Replies {
    /// Looks a ref up, and accepts it if it is new.
    pub(crate) fn admit(&mut self, reference: Ref) -> Admission<'_> {
        let Err(running_at) = self.running.binary_search(&reference) else { return Admission::Running };
        // Not the search that reads better, because its borrow would go on to where the rest is changed.
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

    /// How many are accepted and not answered.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Records what the answer of an accepted message will be. Until it is given, the message
    /// counts as running.
    pub(crate) fn decide(&mut self, reference: Ref, reply: Kept) {
        self.decided.insert(reference, reply);
    }

    /// Records the answer of an accepted message.
    pub(crate) fn answer(&mut self, reference: Ref, reply: Kept, bounds: Bounds) {
        if let Ok(at) = self.running.binary_search(&reference) {
            self.running.remove(at);
        }
        self.decided.remove(&reference);
        self.bytes += reply.size();
        if self.kept.is_empty() {
            // Most sessions have one reply on its way at most.
            self.kept.reserve_exact(1);
        }
        self.kept.push_back((reference, reply));
        while self.kept.len() > bounds.replies || self.bytes > bounds.bytes {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }

    /// The client has every reply up to this one.
    pub(crate) fn received(&mut self, up_to: Ref) {
        self.received = self.received.max(up_to.get());
        // Answers are kept in the order in which they were given, and a client acknowledges in the order of refs: an
        // early answer to a late ref stays among older ones.
        self.kept.retain(|(reference, reply)| {
            let keep = *reference > up_to;
            if !keep {
                self.bytes -= reply.size();
            }
            keep
        });
        if self.kept.is_empty() {
            // What a burst needed is given back.
            self.kept = VecDeque::new();
        }
    }

    /// The client has every reply up to this ref; 0 if it has said nothing yet.
    pub(crate) fn received_up_to(&self) -> u64 {
        self.received
    }

    /// How far this is, as it is stored.
    pub(crate) fn progress(&self) -> SessionProgress {
        let undecided = self.running.iter().filter(|reference| !self.decided.contains_key(reference));
        let mut open: Vec<u64> = undecided.chain(&self.open).map(|reference| reference.get()).collect();
        open.sort_unstable();
        SessionProgress {
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

    /// What was stored. `committed` are the replies that were stored one by one: they may be newer. A
    /// message whose reply cannot be read was answered, so it is not run again.
    pub(crate) fn restore(progress: &SessionProgress, committed: &[StoredReply], bounds: Bounds) -> Self {
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

    /// Withholds the replies that may have data of a topic which is refused.
    pub(crate) fn withhold(&mut self, is_refused: impl Fn(&TopicName) -> bool) {
        let kept = self.kept.iter_mut().map(|(reference, kept)| (*reference, kept));
        for (reference, kept) in
            kept.chain(self.decided.iter_mut().map(|(reference, kept)| (*reference, kept)))
        {
            kept.withhold(reference, &is_refused);
        }
        self.bytes = self.kept.iter().map(|(_, kept)| kept.size()).sum();
    }

    /// How many of the kept replies cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        self.kept.iter().filter(|(_, kept)| matches!(kept, Kept::Unreadable(_))).count()
    }

    /// What waits for the client, in the order of the answers.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Ref, &Kept)> {
        self.kept.iter().map(|(reference, kept)| (*reference, kept))
    }

    /// Whether a ref is being worked on, or its reply is kept.
    pub(crate) fn is_known(&self, reference: Ref) -> bool {
        self.running.binary_search(&reference).is_ok() || self.kept(reference).is_some()
    }

    /// The reply kept for a ref.
    pub(crate) fn kept(&self, reference: Ref) -> Option<&Kept> {
        self.kept.iter().find(|(kept, _)| *kept == reference).map(|(_, kept)| kept)
    }
}

/// A reply in a store's words.
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
    /// Withholds the reply if it may have data of a topic which is refused.
    pub(crate) fn withhold(&mut self, reference: Ref, is_refused: impl Fn(&TopicName) -> bool) {
        let topics = match self {
            Self::Done { topics, .. } | Self::Failed { topics, .. } => topics,
            Self::Refused(_) | Self::Mounted(_) | Self::Unreadable(_) => return,
        };
        if topics.iter().any(is_refused) {
            *self = Self::Unreadable(self.store(reference).body.into());
        }
    }

    /// As it is stored.
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
        // Texts always have a JSON form.
        let body = serde_json::to_string(&stored).unwrap_or_default();
        StoredReply { reference: reference.get(), body }
    }

    /// What was stored; `None` if no message can have that number.
    fn restore(stored: &StoredReply) -> Option<(Ref, Self)> {
        let reference = Ref::new(stored.reference).ok()?;
        let kept = Self::read(&stored.body).unwrap_or_else(|| Self::Unreadable(stored.body.as_str().into()));
        Some((reference, kept))
    }

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

    /// What it counts against the bound: its texts and a flat rate for what is around them.
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
            // 2 was answered when the session was saved, 3 was open, and 6 has come after that.
            let progress = SessionProgress { last: 5, open: vec![3, 4], replies: vec![stored(2)] };
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
        let progress = SessionProgress { last: 5, ..SessionProgress::default() };
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
        /// Whatever a client sends, repeats and acknowledges, and whenever the session is saved and restored, each ref
        /// is answered at most once, a repeated one gets the first answer or none, and what is kept stays within the
        /// bounds.
        #[test]
        fn each_ref_is_answered_at_most_once(steps in proptest::collection::vec((0_u8..6, 1_u64..40), 1..200)) {
            let mut replies = Replies::default();
            let mut ran = std::collections::BTreeMap::new();
            let (mut progress, mut committed) = (SessionProgress::default(), Vec::new());
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
                        // What ran in the process that is gone runs again.
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
