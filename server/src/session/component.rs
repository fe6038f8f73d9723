//! A component in its session: where it is, what waits for it, and which state its page has.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use vivaz_components::instance::Instance;
use vivaz_components::spec::Hook;
use vivaz_components::{Account, Budget, PresenceClaim, Spec, Stream, StreamPatch, TopicRef};
use vivaz_protocol::{ComponentId, Ref, Rev, TopicName};

use super::child::{Children, MountedBy, as_json};
use super::joined::Joined;
use super::task::{Origin, Task};
use crate::core::StreamEpoch;

/// One of a session's components.
pub(super) struct Component {
    pub(super) slot: Slot,
    /// What waits until it is idle, in order. Bounded by the messages in flight, the mailbox, and
    /// the tasks and loads that the component itself started.
    pub(super) queue: VecDeque<Task>,
    /// Its state's epoch and revision, and the last patches.
    pub(super) stream: Stream<StreamEpoch, StatePatch>,
    /// The revision of the last snapshot that was sent on this connection: patches up to it are not sent any more.
    pub(super) floor: Rev,
    /// The last message whose reply is out, and the revision that the page has if it has that reply.
    pub(super) replied: Option<(Ref, Rev)>,
    /// The topic that each shared field shows.
    pub(super) topics: Vec<(&'static str, TopicName)>,
    /// Topics that it showed when its last job began, or since, and shows no more.
    pub(super) left: Vec<TopicName>,
    /// The rooms that it is in.
    pub(super) joined: Joined,
    /// Where it makes its user present.
    pub(super) presences: Vec<PresenceClaim>,
    /// What its rooms count against the session's budget.
    pub(super) rooms_account: Option<Box<Account>>,
    /// Whether the page has another template or another state than this component ever had, and is told so when it is
    /// back.
    pub(super) replaced: bool,
    /// The props that it was given last, as JSON; empty without a store, and for a child, whose link has them.
    pub(super) props: Box<str>,
    /// Whether it was mounted anew in place of one that is kept aside.
    pub(super) anew: bool,
    /// Whether the user may not see it any more: nothing of it is sent until it is unmounted.
    pub(super) withdrawn: bool,
    /// [`Session::resumes`](super::Session) when its mount or its last job began.
    pub(super) resumes: u32,
    /// How often it was committed to the store.
    pub(super) version: u64,
    /// The last message for it that was committed: it and those before it are never run again.
    pub(super) settled: u64,
    /// How far its `connected` is.
    pub(super) connecting: Connecting,
    pub(super) spec: &'static Spec,
    pub(super) mounted_by: MountedBy,
    /// The components in its template; none for most.
    pub(super) children: Option<Box<Children>>,
    /// Ends what it spawned.
    pub(super) tasks: Tasks,
}

/// A patch of a component's state, in JSON.
#[derive(Debug)]
pub(super) struct StatePatch(pub(super) Box<str>);

impl StreamPatch for StatePatch {
    const MOST: usize = 32;
    /// A component whose state changes by more than this is sent as a snapshot as well.
    const MOST_BYTES: usize = 4 * 1024;

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// What a component spawned. It ends with the component.
#[derive(Default)]
pub(super) struct Tasks(Option<CancellationToken>);

impl Tasks {
    /// The task, for as long as the component is there.
    pub(super) fn until_it_goes<F: Future>(
        &mut self,
        task: F,
    ) -> impl Future<Output = Option<F::Output>> + use<F> {
        self.0.get_or_insert_default().clone().run_until_cancelled_owned(task)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if let Some(ended) = &self.0 {
            ended.cancel();
        }
    }
}

/// How far a component's `connected` is, which is called once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connecting {
    /// It is to be called: the component is being mounted, or the process ended before it had finished.
    Due,
    /// It is the component's job now.
    Running,
    /// It has finished, or the component has none.
    Done,
}

/// Where the component is.
pub(super) enum Slot {
    /// Being made.
    Mounting,
    /// Here.
    Idle(Box<dyn Instance>),
    /// With something that has to wait; it comes back when that is done. Meanwhile this one, as of before, answers
    /// what its state is.
    Busy(Box<dyn Instance>),
}

impl Component {
    pub(super) fn new(spec: &'static Spec, epoch: StreamEpoch, rev: Rev, mounted_by: MountedBy) -> Self {
        Self {
            slot: Slot::Mounting,
            queue: VecDeque::new(),
            stream: Stream::new(epoch, rev),
            floor: Rev::ZERO,
            replied: None,
            topics: Vec::new(),
            left: Vec::new(),
            joined: Joined::default(),
            presences: Vec::new(),
            rooms_account: None,
            replaced: false,
            props: Box::default(),
            anew: false,
            withdrawn: false,
            resumes: 0,
            version: 0,
            settled: 0,
            connecting: if spec.has(Hook::Connected) { Connecting::Due } else { Connecting::Done },
            spec,
            mounted_by,
            children: None,
            tasks: Tasks::default(),
        }
    }

    /// Counts the rooms that it is in.
    pub(super) fn count_rooms(&mut self, budget: &Arc<Budget>) {
        let bytes = self.joined.bytes();
        self.rooms_account = (bytes > 0).then(|| Box::new(budget.known(bytes)));
    }

    /// Returns the props that the component was given, with those that it is just being given.
    pub(super) fn given_props(&self) -> String {
        self.mounted_by.link().map_or_else(|| self.props.to_string(), |link| as_json(&link.given))
    }

    /// Returns the props that the component was given, without those that it is just being given.
    pub(super) fn kept_props(&self) -> String {
        match &self.mounted_by {
            MountedBy::Name { before: Some(before) } => before.to_string(),
            MountedBy::Parent(link) => as_json(link.before.as_ref().map_or(&link.given, |before| &before.1)),
            MountedBy::Name { before: None } | MountedBy::Seal => self.props.to_string(),
        }
    }

    /// Returns whether the next task was asked for by the page.
    pub(super) fn has_next_of_page(&self) -> bool {
        matches!(self.slot, Slot::Idle(_))
            && matches!(
                self.queue.front(),
                Some(
                    Task::Job { origin: Origin::Page { .. } | Origin::Unanswered { .. }, .. }
                        | Task::Props { origin: Origin::Page { .. }, .. }
                )
            )
    }

    /// The next thing to do, if the component is here and there is one.
    pub(super) fn next(&mut self) -> Option<Task> {
        if !matches!(self.slot, Slot::Idle(_)) {
            return None;
        }
        let task = self.queue.pop_front();
        if task.is_none() {
            // What a burst needed is given back.
            self.queue = VecDeque::new();
        }
        task
    }

    /// The component itself, to work on; what comes back is put into the slot again.
    pub(super) fn take(&mut self) -> Option<Box<dyn Instance>> {
        match std::mem::replace(&mut self.slot, Slot::Mounting) {
            Slot::Idle(instance) | Slot::Busy(instance) => Some(instance),
            Slot::Mounting => None,
        }
    }

    /// Lets go of its parsed state, because it may have changed.
    pub(super) fn forget_view(&mut self) {
        if let Some(children) = &mut self.children {
            children.view = None;
        }
    }

    /// Returns whether a child is in its place, if its state and its topics are still those that were looked at.
    pub(super) fn known_place(&self, child: &ComponentId) -> Option<bool> {
        let view = self.children.as_ref()?.view.as_ref()?;
        view.places.get(child).copied().filter(|_| view.is_current())
    }

    /// Takes note of whether a child is in its place.
    pub(super) fn note_place(&mut self, child: &ComponentId, has: bool) {
        if let Some(view) = self.children.as_mut().and_then(|children| children.view.as_mut()) {
            view.places.insert(child.clone(), has);
        }
    }

    /// Returns the topics at which its fields want it to be present.
    pub(super) fn wanted_presences(&mut self) -> Vec<TopicRef> {
        self.instance().map(|instance| instance.presences()).unwrap_or_default()
    }

    /// Whoever can say what the state is.
    pub(super) fn instance(&mut self) -> Option<&mut Box<dyn Instance>> {
        match &mut self.slot {
            Slot::Idle(instance) | Slot::Busy(instance) => Some(instance),
            Slot::Mounting => None,
        }
    }
}
