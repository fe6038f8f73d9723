//! Runs jobs: one at a time for each component, all components concurrently.

use tracing::Instrument;
use vivaz_components::instance::{BoxFuture, Finished, Flushed, Job, Progress, Started};
use vivaz_components::spec::Hook;
use vivaz_components::{ActionError, Context};
use vivaz_protocol::{Author, ComponentId};

use super::Session;
use super::component::{Connecting, Slot};
use super::done::{Away, Done};
use super::encode::topic_names;
use super::task::Wait;
use super::task::{Errand, Origin, Task};
use crate::admission::middleware::{Call, CallRequest};
use crate::core::StreamEpoch;
use crate::telemetry::log::{Escaped, client_event};

impl Session {
    /// Applies a completion.
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
            // Not bounded by the mailbox: each running task gives exactly one result.
            Done::Spawned { id, epoch, outcome } if self.is_same(&id, &epoch) => {
                self.spawned(&id, outcome);
            }
            Done::Spawned { .. } => {}
            // Not bounded by the mailbox: each loading field gives one result. If another component
            // was mounted under the id meanwhile, no field of it waits for this load, and the job
            // does nothing.
            Done::Loaded { id, loaded } => {
                self.enqueue(&id, Task::Job { job: Job::Loaded { loaded }, origin: Origin::Server });
            }
        }
    }

    /// Checks whether a component is still the one with this epoch.
    fn is_same(&self, id: &ComponentId, epoch: &StreamEpoch) -> bool {
        self.components.get(id).is_some_and(|component| component.epoch == *epoch)
    }

    /// Queues a job for all components that have a hook.
    pub(super) fn enqueue_all(&mut self, hook: Hook, job: impl Fn() -> Job) {
        let ids: Vec<_> =
            self.components.iter().filter(|(_, one)| one.spec.has(hook)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.enqueue(&id, Task::Job { job: job(), origin: Origin::Server });
        }
    }

    /// Appends a task to a component's queue and runs the queue.
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

    /// Runs a component's queued tasks until one has to wait.
    pub(super) fn work(&mut self, id: &ComponentId) {
        while let Some(component) = self.components.get_mut(id) {
            if matches!(component.queue.front(), Some(Task::Unmount { .. }))
                && self.held.has(id)
                && !self.over
            {
                // The unmount waits until the held replies are sent.
                return;
            }
            if !self.over && component.has_next_of_page() && self.port.is_behind() {
                // Every further reply would only wait in the outbox, so no more jobs run.
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

    /// Checks whether jobs are paused and may run now, because the page has read its outbox.
    pub(crate) fn may_go_on(&self) -> bool {
        self.stalled && !self.port.is_behind()
    }

    /// Resumes the paused jobs.
    pub(crate) fn go_on(&mut self) {
        if std::mem::take(&mut self.stalled) {
            let ids: Vec<_> = self.components.keys().cloned().collect();
            for id in ids {
                self.work(&id);
            }
        }
    }

    /// Runs a task of the page after middleware has accepted it.
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

    /// Asks middleware about a request of the page. Returns `None` if there is no middleware.
    pub(super) fn allowed(
        &self,
        component: &'static str,
        request: CallRequest,
    ) -> Option<BoxFuture<Result<(), ActionError>>> {
        let core = self.supervisor.core();
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

    /// Runs a job: to its end, unless it has to wait.
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
        // The handler's log events have the component in this span; the connection's span has the
        // session.
        let span = tracing::info_span!("component", %id, name = component.spec.name);
        match span.in_scope(|| instance.run(cx, job)) {
            Started::Now(finished) => self.finished(id, origin, finished),
            Started::Running { future, meanwhile } => {
                // Edits before the action are part of the state but not sent to the page yet.
                component.forget_view();
                component.slot = Slot::Busy(meanwhile);
                let end = |id, origin, finished| Done::Job { id, origin, finished };
                self.follow(Away { id: id.clone(), origin, span, end }, future);
            }
        }
    }

    /// Waits for a running job, which may flush several times.
    pub(super) fn follow(&mut self, away: Away, job: BoxFuture<Progress>) {
        let job = job.instrument(away.span.clone());
        self.start(Box::pin(async move {
            match job.await {
                Progress::Done(finished) => (away.end)(away.id, away.origin, finished),
                Progress::Flushed(flushed, rest) => Done::Flushed { away, flushed, rest },
            }
        }));
    }

    /// Applies a flush: sends the changes that a handler has made so far.
    fn flushed(&mut self, away: &Away, flushed: Flushed) {
        let Flushed { meanwhile, effects, patch, topics, answer } = flushed;
        let id = &away.id;
        let Some(component) = self.components.get_mut(id) else { return };
        component.forget_view();
        component.slot = Slot::Busy(meanwhile);
        let names = topics.as_ref().map(|topics| topic_names(topics));
        if let Some(topics) = topics {
            self.show_topics(id, topics);
        }
        self.keep_presences(id);
        self.perform(id, effects);
        self.publish(id, patch.as_deref(), names);
        self.touch();
        self.refresh_children(id);
        // The handler may have stopped waiting for the flush.
        let _ = answer.send(());
    }

    /// Creates the context of a component's handler.
    pub(super) fn context(&self, id: &ComponentId, origin: Origin) -> Context {
        let core = self.supervisor.core();
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

    /// Applies a finished job: returns the instance to its slot, performs its effects and sends its
    /// reply. Patches precede the reply; those of topics are already in the outbox.
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
        let moved = topics.as_ref().map(|topics| topic_names(topics));
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
                self.supervisor.core().counters.actions.record(asked.elapsed());
            }
            (Origin::Page { reference, asked }, Err(error)) => {
                self.publish(id, patch.as_deref(), moved);
                self.fail_action(id, reference, &error, unsent);
                self.supervisor.core().counters.actions.record(asked.elapsed());
            }
            (origin @ (Origin::Unanswered { .. } | Origin::Server | Origin::End { .. }), result) => {
                self.touch();
                self.publish(id, patch.as_deref(), moved);
                if let Err(error) = result {
                    let log = &self.supervisor.core().log;
                    client_event!(log, WARN, component = %id, error = %Escaped(&error), "a component's handler failed");
                }
                if let Origin::Unanswered { asked } = origin {
                    self.supervisor.core().counters.actions.record(asked.elapsed());
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

    /// Refuses a task of the page that did not reach the component.
    pub(super) fn refused(&mut self, id: &ComponentId, origin: Origin, error: &ActionError) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let Some(instance) = component.take() {
            component.slot = Slot::Idle(instance);
        }
        match origin {
            Origin::Page { reference, .. } => self.refuse_action(id, reference, error, Vec::new()),
            Origin::Unanswered { .. } => {
                let (log, error) = (&self.supervisor.core().log, Escaped(error));
                client_event!(log, WARN, component = %id, %error, "an action without `ref` was refused");
            }
            Origin::Server | Origin::End { .. } => {}
        }
    }
}
