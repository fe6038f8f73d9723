//! Components at work: one job at a time each, all of them side by side, and what comes of it.

use std::borrow::Cow;
use std::collections::HashSet;

use tokio::sync::oneshot;
use tracing::{Instrument, Span};
use vivaz_components::instance::{BoxFuture, Finished, Flushed, Instance, Job, Progress, Started};
use vivaz_components::spec::Hook;
use vivaz_components::{
    ActionError, Context, Effect, Key, Loaded, ServerEvent, TaskOutcome, TopicRef, UnmountReason, unheard,
};
use vivaz_protocol::{
    Author, ComponentId, FieldTopics, RawJson, ServerMessage, SessionId, StreamId, TopicName,
};

use super::children::Wait;
use super::component::{Component, Connecting, Errand, Origin, Slot, Task};
use super::history::History;
use super::mount::Mounting;
use super::{Session, encode};
use crate::log::{Escaped, client_event};
use crate::middleware::{Call, CallRequest};
use crate::port::Entered;
use crate::stats::Counters;
use crate::store::{Refusal, StoreError};

/// Something that had to wait, and is done.
pub(crate) enum Done {
    /// Whether an action may be called.
    Allowed { id: ComponentId, errand: Errand, origin: Origin, result: Result<(), ActionError> },
    /// A part of a component's job: what its handler sends before it is done.
    Flushed { away: Away, flushed: Flushed, rest: BoxFuture<Progress> },
    /// A component's job.
    Job { id: ComponentId, origin: Origin, finished: Finished },
    /// Topics were asked about what a job of before a resume has come to show; `resumes` says after which resume.
    Asked { done: Box<Done>, resumes: u32, refused: HashSet<TopicName> },
    /// A component's last job.
    Ended { id: ComponentId, origin: Origin, finished: Finished },
    /// A component is made, or could not be.
    Mounted { id: ComponentId, mounting: Mounting, made: Result<Box<dyn Instance>, ActionError> },
    /// A component is not in the store any more, or could not be taken out. `effects` is what its last
    /// job asked for beside what was committed with that.
    Removed { id: ComponentId, origin: Origin, effects: Vec<Effect> },
    /// The session was written whole, or was refused.
    Entered {
        outcome: Result<Vec<(SessionId, Refusal)>, StoreError>,
        answer: Option<oneshot::Sender<Entered>>,
    },
    /// Topics have sent what a reply of the component waited for.
    Sent { id: ComponentId, number: u64 },
    /// A child that could not take its props may try again.
    Waited { id: ComponentId },
    /// A task that a component spawned has its result.
    Spawned { id: ComponentId, history: History, outcome: TaskOutcome },
    /// A field that a component began to load is there.
    Loaded { id: ComponentId, loaded: Loaded },
}

/// A component that is away with a job.
pub(crate) struct Away {
    id: ComponentId,
    origin: Origin,
    /// What its handler logs says which component it was.
    span: Span,
    /// What the job's end is.
    end: fn(ComponentId, Origin, Finished) -> Done,
}

impl Away {
    /// Returns which component it is.
    pub(super) fn component(&self) -> &ComponentId {
        &self.id
    }
}

impl Session {
    /// Takes in what is done, and may be shown.
    pub(super) fn take_in(&mut self, done: Done) {
        match done {
            Done::Asked { done, resumes, refused } => self.asked(*done, resumes, &refused),
            Done::Allowed { id, errand, origin, result } => {
                match result {
                    Ok(()) => self.run_errand(&id, errand, origin),
                    Err(error) => self.refused(&id, origin, &error),
                }
                self.work(&id);
            }
            Done::Flushed { away, flushed, rest } => {
                self.flushed(&away, flushed);
                self.follow(away, rest);
            }
            Done::Job { id, origin, finished } => {
                self.finished(&id, origin, finished);
                self.work(&id);
            }
            Done::Ended { id, origin, finished } => self.ended(&id, origin, finished),
            Done::Mounted { id, mounting, made } => self.mounted(&id, mounting, made),
            Done::Removed { id, origin, effects } => self.removed(&id, origin, effects),
            Done::Entered { outcome, answer } => self.was_entered(outcome, answer),
            Done::Sent { id, number } => self.say_held(&id, number),
            Done::Waited { id } => self.try_props_again(&id),
            // It was started once and is told once, however busy the component is: what waits was running before.
            Done::Spawned { id, history, outcome } if self.is_same(&id, &history) => {
                self.spawned(&id, outcome);
            }
            Done::Spawned { .. } => {}
            // A field waits for it, so it is told however busy the component is; there is one for each field at most.
            // A component that is mounted anew under the id has no field that waits for this load.
            Done::Loaded { id, loaded } => {
                self.enqueue(&id, Task::Job { job: Job::Loaded { loaded }, origin: Origin::Server });
            }
        }
    }

    /// An event of the server's own: for one component, or for all.
    pub(crate) fn event(&mut self, component: Option<ComponentId>, event: &ServerEvent) {
        let ids = match component {
            Some(id) => vec![id],
            None => self.components.keys().cloned().collect(),
        };
        for id in ids {
            self.tell(&id, event.clone());
            if self.components.contains_key(&id) {
                self.emit(&id, event);
            }
        }
    }

    /// Gives an event of a component to the others of the session. No page gets it.
    pub(crate) fn sent(&mut self, from: &ComponentId, event: &ServerEvent) {
        let takes = |spec: &vivaz_components::Spec| spec.events.contains(&&*event.name);
        let is_taken = self.runtime.core().registry.iter().any(|registered| takes(registered.spec));
        if let Some(component) = self.components.get(from)
            && !is_taken
        {
            unheard(
                component.spec.name,
                &event.name,
                "no component has an `#[event]` method for what was sent",
            );
        }
        let takes = |component: &Component| takes(component.spec);
        let others = self.components.iter().filter(|(id, component)| *id != from && takes(component));
        let others: Vec<_> = others.map(|(id, _)| id.clone()).collect();
        if others.is_empty() {
            let event = Escaped(&event.name);
            tracing::debug!(component = %from, %event, "no other component of the session takes the event");
        }
        for id in others {
            self.tell(&id, event.clone());
        }
    }

    /// Tells a component what its task came to.
    fn spawned(&mut self, id: &ComponentId, outcome: TaskOutcome) {
        let TaskOutcome { event, error } = outcome;
        if let Some(error) = error {
            let log = &self.runtime.core().log;
            client_event!(log, WARN, component = %id, error = %Escaped(&error), "a component's task failed");
        }
        let Some(component) = self.components.get(id) else { return };
        let (name, events) = (component.spec.name, component.spec.events);
        match event {
            Ok(event) if events.contains(&&*event.name) => {
                self.enqueue(id, Task::Job { job: Job::Event { event }, origin: Origin::Server });
            }
            Ok(event) => {
                unheard(name, &event.name, "no `#[event]` method takes the result of a task");
            }
            Err(error) => {
                tracing::error!(component = name, error = %Escaped(&error), "the result of a task cannot be told");
            }
        }
    }

    /// Gives an event to a component, if it takes such.
    fn tell(&mut self, id: &ComponentId, event: ServerEvent) {
        let takes = |spec: &vivaz_components::Spec| spec.events.contains(&&*event.name);
        let core = self.runtime.core();
        let Some(component) = self.components.get(id).filter(|component| takes(component.spec)) else {
            return;
        };
        if component.queue.len() >= core.limits.mailbox {
            // Whoever is this busy hears of it no more than one whose session does not get to its mail.
            Counters::add(&core.counters.events_lost);
        } else {
            self.enqueue(id, Task::Job { job: Job::Event { event }, origin: Origin::Server });
        }
    }

    /// Sends an event to the page, if that shows the component.
    pub(super) fn emit(&self, id: &ComponentId, event: &ServerEvent) {
        if self.components.get(id).is_some_and(|component| !component.is_shown()) {
            return;
        }
        self.port.send_if_room(|| {
            encode::frame(&ServerMessage::Event {
                stream: StreamId::Component(id.clone()),
                name: (&*event.name).into(),
                data: RawJson::from(&*event.data),
            })
        });
    }

    fn is_same(&self, id: &ComponentId, history: &History) -> bool {
        self.components.get(id).is_some_and(|component| component.stream.epoch() == history)
    }

    /// Tells all components that have such a method.
    pub(super) fn enqueue_all(&mut self, hook: Hook, job: impl Fn() -> Job) {
        let ids: Vec<_> =
            self.components.iter().filter(|(_, one)| one.spec.has(hook)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.enqueue(&id, Task::Job { job: job(), origin: Origin::Server });
        }
    }

    /// Takes all components away.
    pub(crate) fn unmount_all(&mut self, reason: UnmountReason) {
        self.over = true;
        self.stalled = false;
        let ids: Vec<_> = self.components.keys().cloned().collect();
        for id in ids {
            // At once: a handler may run for long.
            if let Some(component) = self.components.get_mut(&id) {
                component.end_presences(reason);
            }
            self.enqueue(&id, Task::Unmount { origin: Origin::End { reason } });
        }
    }

    /// Puts something at the end of a component's queue.
    pub(super) fn enqueue(&mut self, id: &ComponentId, task: Task) {
        match self.components.get_mut(id) {
            Some(component) => {
                component.queue.push_back(task);
                self.work(id);
            }
            None => match self.waiting_mount(id) {
                Some(mount) => mount.behind.push_back(task),
                None => self.not_mounted(id, &task),
            },
        }
    }

    /// Works off a component's queue as far as it goes without waiting.
    pub(super) fn work(&mut self, id: &ComponentId) {
        while let Some(component) = self.components.get_mut(id) {
            if matches!(component.queue.front(), Some(Task::Unmount { .. }))
                && self.held.has(id)
                && !self.over
            {
                // It goes when its replies have gone out.
                return;
            }
            if !self.over && component.has_next_of_page() && self.port.is_behind() {
                // Each reply has to wait for the page to read, so no more of them are made.
                self.stalled = true;
                return;
            }
            let Some(task) = component.next() else { return };
            match task {
                Task::Job { job, origin } => self.begin(id, Errand::Job(job), origin),
                Task::Props { given, origin } => self.begin(id, Errand::Props(given), origin),
                Task::Refresh => self.compare_props(id),
                Task::Child(mount) => self.place_child(*mount, Wait::Over),
                Task::Unmount { origin } => return self.begin_end(id, origin),
            }
        }
    }

    /// Returns whether jobs wait that need not wait any longer: the page has read.
    pub(crate) fn may_go_on(&self) -> bool {
        self.stalled && !self.port.is_behind()
    }

    /// Starts the jobs that waited until the page had read.
    pub(crate) fn go_on(&mut self) {
        if std::mem::take(&mut self.stalled) {
            let ids: Vec<_> = self.components.keys().cloned().collect();
            for id in ids {
                self.work(&id);
            }
        }
    }

    /// Asks middleware whether a page's task may be done, and does it.
    fn begin(&mut self, id: &ComponentId, errand: Errand, origin: Origin) {
        let request = match origin {
            Origin::Page { .. } | Origin::Unanswered { .. } => errand.request(),
            Origin::Server | Origin::End { .. } => None,
        };
        let Some(component) = self.components.get(id) else { return };
        let allowed = request.and_then(|request| self.allowed(component.spec.name, request));
        let Some(allowed) = allowed else { return self.run_errand(id, errand, origin) };
        let Some(component) = self.components.get_mut(id) else { return };
        let Some(instance) = component.take() else { return };
        component.slot = Slot::Busy(instance);
        let id = id.clone();
        self.start(Box::pin(async move { Done::Allowed { result: allowed.await, id, errand, origin } }));
    }

    /// Asks middleware whether a request of the page may reach a component. Returns `None` if there is none to ask.
    pub(super) fn allowed(
        &self,
        component: &'static str,
        request: CallRequest,
    ) -> Option<BoxFuture<Result<(), ActionError>>> {
        let core = self.runtime.core();
        if core.middleware.is_empty() {
            return None;
        }
        let (identity, session) = (self.identity.clone(), self.port.session().clone());
        let call = Call { component, request, identity, session };
        Some(core.middleware.allow(call, core.limits.action_time))
    }

    fn run_errand(&mut self, id: &ComponentId, errand: Errand, origin: Origin) {
        match errand {
            Errand::Job(job) => self.run(id, job, origin),
            Errand::Props(given) => self.props(id, given, origin),
        }
    }

    /// Does a job: to its end, if it does not have to wait.
    pub(super) fn run(&mut self, id: &ComponentId, job: Job, origin: Origin) {
        if matches!(job, Job::Connected)
            && let Some(component) = self.components.get_mut(id)
        {
            component.connecting = Connecting::Running;
        }
        let mut cx = self.context(id, origin);
        if let Some(journal) = self.journal(id, origin) {
            cx = cx.with_journal(journal);
        }
        let Some(component) = self.components.get_mut(id) else { return };
        let Some(instance) = component.take() else { return };
        component.resumes = self.resumes;
        // What the handler logs says which component it was; the connection's own span around it says which session.
        let span = tracing::info_span!("component", %id, name = component.spec.name);
        match span.in_scope(|| instance.run(cx, job)) {
            Started::Now(finished) => self.finished(id, origin, finished),
            Started::Running { future, meanwhile } => {
                // With the edits that go before an action, which the page is not told yet.
                component.forget_view();
                component.slot = Slot::Busy(meanwhile);
                let end = |id, origin, finished| Done::Job { id, origin, finished };
                self.follow(Away { id: id.clone(), origin, span, end }, future);
            }
        }
    }

    /// Goes on with a job that has to wait.
    fn follow(&mut self, away: Away, job: BoxFuture<Progress>) {
        let job = job.instrument(away.span.clone());
        self.start(Box::pin(async move {
            match job.await {
                Progress::Done(finished) => (away.end)(away.id, away.origin, finished),
                Progress::Flushed(flushed, rest) => Done::Flushed { away, flushed, rest },
            }
        }));
    }

    /// Sends what a handler did so far.
    fn flushed(&mut self, away: &Away, flushed: Flushed) {
        let Flushed { meanwhile, effects, patch, topics, answer } = flushed;
        let id = &away.id;
        let Some(component) = self.components.get_mut(id) else { return };
        component.forget_view();
        component.slot = Slot::Busy(meanwhile);
        let names = topics.as_ref().map(|topics| names(topics));
        if let Some(topics) = topics {
            self.show_topics(id, topics);
        }
        self.keep_presences(id);
        self.perform(id, effects);
        self.publish(id, patch.as_deref(), names);
        self.touch();
        self.refresh_children(id);
        // A handler that does not wait for it any more has other things to do.
        let _ = answer.send(());
    }

    /// A component goes away, and is told if it wants to be.
    fn begin_end(&mut self, id: &ComponentId, origin: Origin) {
        let mut cx = self.context(id, origin);
        let Some(component) = self.components.get_mut(id) else { return };
        if self.runtime.core().commits(component.spec).is_some() {
            cx = cx.with_commits();
        }
        if !component.spec.has(Hook::Unmount) {
            // Nothing is asked of it any more.
            drop(component.take());
            return self.remove(id, origin);
        }
        let reason = match origin {
            Origin::End { reason } => reason,
            Origin::Page { .. } | Origin::Unanswered { .. } | Origin::Server => UnmountReason::Removed,
        };
        let Some(instance) = component.take() else { return };
        match instance.run(cx, Job::Unmount { reason }) {
            Started::Now(finished) => self.ended(id, origin, finished),
            Started::Running { future, meanwhile } => {
                component.slot = Slot::Busy(meanwhile);
                let end = |id, origin, finished| Done::Ended { id, origin, finished };
                let span = tracing::info_span!("component", %id, name = component.spec.name);
                self.follow(Away { id: id.clone(), origin, span, end }, future);
            }
        }
    }

    /// What a handler of that component is given.
    fn context(&self, id: &ComponentId, origin: Origin) -> Context {
        let core = self.runtime.core();
        let mut cx = Context::new(core.env(self.identity.clone()), self.id().clone(), id.clone())
            .with_time_limit(core.limits.action_time);
        if self.port.is_connected() {
            cx = cx.connected_by(self.connection.clone());
        }
        match origin {
            Origin::Page { reference, .. } => {
                cx.caused_by(Author { connection: self.connection.clone(), reference })
            }
            Origin::Unanswered { .. } | Origin::Server | Origin::End { .. } => cx,
        }
    }

    /// A job is done: the component is back, what it asked for happens, and whoever asked for it is told. The patches
    /// come before the reply. Those of topics are in this session's outbox already.
    fn finished(&mut self, id: &ComponentId, origin: Origin, finished: Finished) {
        let Finished { instance, effects, patch, topics, result, unsent, committed } = finished;
        let Some(component) = self.components.get_mut(id) else { return };
        if component.connecting == Connecting::Running {
            component.connecting = Connecting::Done;
        }
        if committed {
            component.version += 1;
            if let Origin::Page { reference, .. } = origin {
                component.settled = reference.get();
            }
        }
        let is_changed = patch.is_some() || topics.is_some() || matches!(component.slot, Slot::Busy(_));
        if is_changed {
            component.forget_view();
        }
        component.slot = Slot::Idle(instance);
        let moved = topics.as_ref().map(|topics| names(topics));
        if let Some(topics) = topics {
            self.show_topics(id, topics);
        }
        self.keep_presences(id);
        self.perform(id, effects);
        match &result {
            Ok(_) => self.keep_props(id),
            Err(error) => self.take_props_back(id, origin, error),
        }
        match (origin, result) {
            (Origin::Page { reference, asked }, Ok(value)) => {
                self.reply(id, reference, patch.as_deref(), moved, value.as_deref(), unsent);
                self.runtime.core().counters.actions.record(asked.elapsed());
            }
            (Origin::Page { reference, asked }, Err(error)) => {
                self.publish(id, patch.as_deref(), moved);
                self.fail_action(id, reference, &error, unsent);
                self.runtime.core().counters.actions.record(asked.elapsed());
            }
            (origin @ (Origin::Unanswered { .. } | Origin::Server | Origin::End { .. }), result) => {
                self.touch();
                self.publish(id, patch.as_deref(), moved);
                if let Err(error) = result {
                    let log = &self.runtime.core().log;
                    client_event!(log, WARN, component = %id, error = %Escaped(&error), "a component's handler failed");
                }
                if let Origin::Unanswered { asked } = origin {
                    self.runtime.core().counters.actions.record(asked.elapsed());
                }
            }
        }
        if let Some(component) = self.components.get_mut(id) {
            component.left = Vec::new();
        }
        if is_changed {
            self.refresh_children(id);
        }
    }

    /// Refuses a task of the page: the component was not asked.
    pub(super) fn refused(&mut self, id: &ComponentId, origin: Origin, error: &ActionError) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let Some(instance) = component.take() {
            component.slot = Slot::Idle(instance);
        }
        match origin {
            Origin::Page { reference, .. } => self.refuse_action(id, reference, error, Vec::new()),
            Origin::Unanswered { .. } => {
                let (log, error) = (&self.runtime.core().log, Escaped(error));
                client_event!(log, WARN, component = %id, %error, "an action without `ref` was refused");
            }
            Origin::Server | Origin::End { .. } => {}
        }
    }

    /// A component's last job is done.
    fn ended(&mut self, id: &ComponentId, origin: Origin, finished: Finished) {
        if let Some(component) = self.components.get_mut(id) {
            // Nothing is asked of it any more: what is saved meanwhile does not have it.
            drop(component.take());
        }
        if let Err(error) = &finished.result {
            let log = &self.runtime.core().log;
            client_event!(log, WARN, component = %id, error = %Escaped(error), "`unmount` failed");
        }
        if finished.effects.iter().any(|effect| matches!(effect, Effect::Commit(_))) {
            return self.remove_with(id, origin, finished.effects);
        }
        self.perform(id, finished.effects);
        self.remove(id, origin);
    }

    /// A component is gone. What still waited for it is told so.
    pub(super) fn gone(&mut self, id: &ComponentId, origin: Origin) {
        let Some(mut component) = self.take_out(id) else { return };
        tracing::debug!(component = %id, name = component.spec.name, "unmounted");
        match origin {
            Origin::Page { reference, .. } => self.acknowledge(id, reference, None),
            Origin::Unanswered { .. } | Origin::Server | Origin::End { reason: UnmountReason::Left } => {}
            Origin::End { reason } => {
                let message =
                    ServerMessage::Unmounted { component_id: id.clone(), reason: reason.as_str().into() };
                self.port.send(encode::frame(&message));
            }
        }
        let reason = match origin {
            Origin::End { reason } => reason,
            Origin::Page { .. } | Origin::Unanswered { .. } | Origin::Server => UnmountReason::Removed,
        };
        component.end_presences(reason);
        for task in component.queue {
            self.not_mounted(id, &task);
        }
        self.unmount_children(component.children, reason);
    }

    /// Takes a component out of the session, and not out of the store: gives up its topics, its rooms
    /// and its place among the children of its parent.
    pub(super) fn take_out(&mut self, id: &ComponentId) -> Option<Box<Component>> {
        let mut component = self.components.remove(id)?;
        let is_shown = component.is_shown();
        self.release_topics(std::mem::take(&mut component.topics), is_shown);
        if !component.joined.is_empty() {
            self.hub().rooms().leave_all(self.port.session(), id);
        }
        self.disown(id, &component.mounted_by);
        Some(component)
    }
}

impl Errand {
    /// Returns what middleware is asked; nothing for what no message of a page asks for.
    fn request(&self) -> Option<CallRequest> {
        match self {
            Self::Job(Job::Action { action, set, .. }) => Some(CallRequest::Action {
                name: action.as_str().into(),
                edits: set.iter().map(|(field, _)| field.as_str().into()).collect(),
            }),
            Self::Job(Job::Property { property, .. }) => Some(CallRequest::Edit {
                field: (&*property.field).into(),
                steps: property.steps.iter().map(Key::from).collect(),
            }),
            Self::Props(_) => Some(CallRequest::Props),
            Self::Job(
                Job::Props { .. }
                | Job::Event { .. }
                | Job::Loaded { .. }
                | Job::Connected
                | Job::Disconnected
                | Job::Resumed
                | Job::Unmount { .. },
            ) => None,
        }
    }
}

/// The topics of shared fields, as the page is told.
pub(super) fn names(topics: &[(&'static str, TopicRef)]) -> FieldTopics<'static> {
    topics.iter().map(|(field, topic)| (Cow::Borrowed(*field), topic.name().clone())).collect()
}
