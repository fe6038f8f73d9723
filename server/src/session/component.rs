//! A component of a session: its instance, its queue, and the state of its page.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use vivaz_components::instance::Instance;
use vivaz_components::spec::Hook;
use vivaz_components::spec::Spec;
use vivaz_components::{Account, Budget, PresenceClaim, Stream, StreamPatch, TopicRef};
use vivaz_protocol::{ComponentId, Ref, Rev, TopicName};

use super::child::{Children, MountedBy, Placement, props_json};
use super::joined_rooms::JoinedRooms;
use super::task::{Task, TaskOrigin};
use crate::core::StreamEpoch;

/// One component of a session.
pub(super) struct SessionComponent {
    pub(super) slot: InstanceSlot,
    /// The tasks that wait until the component is idle, in order. Bounded by the messages in
    /// flight, the mailbox, and the tasks and loads that the component started.
    pub(super) queue: VecDeque<Task>,
    /// The epoch and revision of its state, and the last patches, for a resume.
    pub(super) stream: Stream<StreamEpoch, StatePatch>,
    /// The revision of the last snapshot on this connection. Patches up to it are not sent.
    pub(super) snapshot_rev: Rev,
    /// The last message whose reply was sent, and the revision of the page after that reply.
    pub(super) last_reply: Option<(Ref, Rev)>,
    /// The topic of each shared field.
    pub(super) topics: Vec<(&'static str, TopicName)>,
    /// Topics that it has shown since its last job began, and does not show now.
    pub(super) left_topics: Vec<TopicName>,
    /// The rooms that it has joined.
    pub(super) joined: JoinedRooms,
    /// The topics at which it makes its user present.
    pub(super) presences: Vec<PresenceClaim>,
    /// The bytes of its rooms in the session's budget.
    pub(super) rooms_account: Option<Box<Account>>,
    /// Whether the page has another template, or a state of another epoch. It then receives a
    /// `COMPONENT_MOUNTED` when it resumes.
    pub(super) is_replaced: bool,
    /// The props of the last update, as JSON. Empty without a store, and for a child, whose link
    /// has them.
    pub(super) props: Box<str>,
    /// Whether it was mounted anew in place of a component that is set aside.
    pub(super) is_remounted: bool,
    /// Whether the user may not see it any more. Nothing of it is sent until it is unmounted.
    pub(super) is_withdrawn: bool,
    /// [`Session::resumes`](super::Session) when its mount or its last job began.
    pub(super) resumes: u32,
    /// How many changes of it were committed.
    pub(super) version: u64,
    /// The last committed ref. It and lower refs of this component never run again.
    pub(super) settled: u64,
    /// The progress of its `connected` hook.
    pub(super) connected_hook: ConnectedHook,
    pub(super) spec: &'static Spec,
    pub(super) mounted_by: MountedBy,
    /// The children in its template. `None` for most.
    pub(super) children: Option<Box<Children>>,
    /// Cancels its tasks.
    pub(super) tasks: SpawnedTasks,
}

/// A patch of a component's state, in JSON.
#[derive(Debug)]
pub(super) struct StatePatch(pub(super) Box<str>);

impl StreamPatch for StatePatch {
    const MOST: usize = 32;
    /// A component whose state changes by more than this is sent as a snapshot instead.
    const MOST_BYTES: usize = 4 * 1024;

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// The tasks of a component. Dropping this cancels them.
#[derive(Default)]
pub(super) struct SpawnedTasks(Option<CancellationToken>);

impl SpawnedTasks {
    /// Wraps a task so that it is cancelled when the component is dropped.
    pub(super) fn run_until_dropped<F: Future>(
        &mut self,
        task: F,
    ) -> impl Future<Output = Option<F::Output>> + use<F> {
        self.0.get_or_insert_default().clone().run_until_cancelled_owned(task)
    }
}

impl Drop for SpawnedTasks {
    fn drop(&mut self) {
        if let Some(ended) = &self.0 {
            ended.cancel();
        }
    }
}

/// The progress of a component's `connected` hook, which runs once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectedHook {
    /// It has to run: the component is being mounted, or the process ended before the hook had
    /// finished.
    Due,
    /// It is running.
    Running,
    /// It has finished, or the component has none.
    Finished,
}

/// Where the instance is.
pub(super) enum InstanceSlot {
    /// It is being created.
    Mounting,
    /// It is idle.
    Idle(Box<dyn Instance>),
    /// A job has the instance, and returns it at its end. This copy has the state before the job.
    Busy(Box<dyn Instance>),
}

impl SessionComponent {
    /// Creates a component that is being mounted.
    pub(super) fn new(spec: &'static Spec, epoch: StreamEpoch, rev: Rev, mounted_by: MountedBy) -> Self {
        Self {
            slot: InstanceSlot::Mounting,
            queue: VecDeque::new(),
            stream: Stream::new(epoch, rev),
            snapshot_rev: Rev::ZERO,
            last_reply: None,
            topics: Vec::new(),
            left_topics: Vec::new(),
            joined: JoinedRooms::default(),
            presences: Vec::new(),
            rooms_account: None,
            is_replaced: false,
            props: Box::default(),
            is_remounted: false,
            is_withdrawn: false,
            resumes: 0,
            version: 0,
            settled: 0,
            connected_hook: if spec.has(Hook::Connected) {
                ConnectedHook::Due
            } else {
                ConnectedHook::Finished
            },
            spec,
            mounted_by,
            children: None,
            tasks: SpawnedTasks::default(),
        }
    }

    /// Updates the bytes of its rooms in the budget.
    pub(super) fn account_rooms(&mut self, budget: &Arc<Budget>) {
        let bytes = self.joined.bytes();
        self.rooms_account = (bytes > 0).then(|| Box::new(budget.known(bytes)));
    }

    /// Returns the props, including those of an update that runs.
    pub(super) fn pending_props(&self) -> String {
        self.mounted_by.link().map_or_else(|| self.props.to_string(), |link| props_json(&link.given))
    }

    /// Returns the props without those of an update that runs.
    pub(super) fn confirmed_props(&self) -> String {
        match &self.mounted_by {
            MountedBy::Name { before: Some(before) } => before.to_string(),
            MountedBy::Parent(link) => {
                props_json(link.before.as_ref().map_or(&link.given, |before| &before.1))
            }
            MountedBy::Name { before: None } | MountedBy::Seal => self.props.to_string(),
        }
    }

    /// Checks whether the next task to run is a request of the page.
    pub(super) fn next_is_from_page(&self) -> bool {
        matches!(self.slot, InstanceSlot::Idle(_))
            && matches!(
                self.queue.front(),
                Some(
                    Task::Job { origin: TaskOrigin::Page { .. } | TaskOrigin::Unanswered { .. }, .. }
                        | Task::Props { origin: TaskOrigin::Page { .. }, .. }
                )
            )
    }

    /// Takes the next task, if the component is idle and there is one.
    pub(super) fn next_task(&mut self) -> Option<Task> {
        if !matches!(self.slot, InstanceSlot::Idle(_)) {
            return None;
        }
        let task = self.queue.pop_front();
        if task.is_none() {
            // Frees the memory of a burst.
            self.queue = VecDeque::new();
        }
        task
    }

    /// Takes the instance for a job. The caller puts the result back into the slot.
    pub(super) fn take_instance(&mut self) -> Option<Box<dyn Instance>> {
        match std::mem::replace(&mut self.slot, InstanceSlot::Mounting) {
            InstanceSlot::Idle(instance) | InstanceSlot::Busy(instance) => Some(instance),
            InstanceSlot::Mounting => None,
        }
    }

    /// Drops the parsed state, because it may have changed.
    pub(super) fn drop_view(&mut self) {
        if let Some(children) = &mut self.children {
            children.view = None;
        }
    }

    /// Returns the cached placement of a child, if the state and the topics have not changed since.
    pub(super) fn cached_placement(&self, child: &ComponentId) -> Option<Placement> {
        let view = self.children.as_ref()?.view.as_ref()?;
        view.places.get(child).copied().filter(|_| view.is_current())
    }

    /// Caches the placement of a child.
    pub(super) fn cache_placement(&mut self, child: &ComponentId, placement: Placement) {
        if let Some(view) = self.children.as_mut().and_then(|children| children.view.as_mut()) {
            view.places.insert(child.clone(), placement);
        }
    }

    /// Returns the topics at which its fields request presence.
    pub(super) fn requested_presences(&mut self) -> Vec<TopicRef> {
        self.instance().map(|instance| instance.presences()).unwrap_or_default()
    }

    /// Returns the instance that has the current state.
    pub(super) fn instance(&mut self) -> Option<&mut Box<dyn Instance>> {
        match &mut self.slot {
            InstanceSlot::Idle(instance) | InstanceSlot::Busy(instance) => Some(instance),
            InstanceSlot::Mounting => None,
        }
    }
}
