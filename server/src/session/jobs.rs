//! Runs jobs: one at a time for each component, all components concurrently.

pub(super) mod effects;

use std::sync::Arc;

use tracing::Instrument;
use vivaz_components::instance::{BoxFuture, Finished, Flushed, Job, JobProgress, Started};
use vivaz_components::spec::Hook;
use vivaz_components::{ActionError, Context, Effect};
use vivaz_protocol::{Author, ComponentId};

use super::Session;
use super::completion::{Completion, SuspendedJob};
use super::component::{ConnectedHook, InstanceSlot};
use super::encode::topic_names;
use super::reply::ActionOutput;
use super::task::PlaceWait;
use super::task::{GuardedTask, Task, TaskOrigin};
use crate::admission::middleware::{Call, CallRequest};
use crate::core::StreamEpoch;
use crate::telemetry::handler_run::{HandlerOrigin, HandlerRun};
use crate::telemetry::log::{Escaped, client_event};

impl Session {
    /// Applies a completion.
    pub(super) fn apply(&mut self, completion: Completion) {
        match completion {
            Completion::Reauthorized { completion, resumes, refused } => {
                self.apply_reauthorized(*completion, resumes, &refused);
            }
            Completion::MiddlewareDecided { id, task, origin, result } => {
                match result {
                    Ok(()) => self.run_task(&id, task, origin),
                    Err(error) => self.refuse_task(&id, origin, &error),
                }
                self.run_queue(&id);
            }
            Completion::Flushed { job, flushed, rest } => {
                self.apply_flush(&job, flushed);
                self.await_job(job, rest);
            }
            Completion::JobFinished { id, origin, finished } => {
                self.finish_job(&id, origin, finished);
                self.run_queue(&id);
            }
            Completion::UnmountFinished { id, origin, finished } => {
                self.finish_unmount_hook(&id, origin, finished);
            }
            Completion::MountFinished { id, mounting, mounted } => self.finish_mount(&id, mounting, mounted),
            Completion::ComponentRemoved { id, origin, effects } => self.finish_removal(&id, origin, effects),
            Completion::WholeWritten { outcome, answer } => self.finish_whole_write(outcome, answer),
            Completion::TopicsSent { id, number } => self.release_held(&id, number),
            Completion::PropsRetryDue { id } => self.retry_props(&id),
            // Not bounded by the mailbox: each running task gives exactly one result.
            Completion::TaskFinished { id, epoch, outcome } if self.has_epoch(&id, &epoch) => {
                self.finish_task(&id, outcome);
            }
            Completion::TaskFinished { .. } => {}
            // Not bounded by the mailbox: each loading field gives one result. If another component
            // was mounted under the id meanwhile, no field of it waits for this load, and the job
            // does nothing.
            Completion::FieldLoaded { id, loaded } => {
                self.enqueue(&id, Task::Job { job: Job::Loaded { loaded }, origin: TaskOrigin::Server });
            }
        }
    }

    /// Checks whether a component is still the one with this epoch.
    fn has_epoch(&self, id: &ComponentId, epoch: &StreamEpoch) -> bool {
        self.components.get(id).is_some_and(|component| component.stream.epoch() == epoch)
    }

    /// Queues a job for all components that have a hook.
    pub(super) fn enqueue_hook(&mut self, hook: Hook, job: impl Fn() -> Job) {
        let ids: Vec<_> =
            self.components.iter().filter(|(_, one)| one.spec.has(hook)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.enqueue(&id, Task::Job { job: job(), origin: TaskOrigin::Server });
        }
    }

    /// Appends a task to a component's queue and runs the queue.
    pub(super) fn enqueue(&mut self, id: &ComponentId, task: Task) {
        match self.components.get_mut(id) {
            Some(component) => {
                component.queue.push_back(task);
                self.run_queue(id);
            }
            None => match self.waiting_mount(id) {
                Some(mount) => mount.queued_tasks.push_back(task),
                None => self.refuse_unmounted(id, &task),
            },
        }
    }

    /// Runs a component's queued tasks until one has to wait.
    pub(super) fn run_queue(&mut self, id: &ComponentId) {
        while let Some(component) = self.components.get_mut(id) {
            if matches!(component.queue.front(), Some(Task::Unmount { .. }))
                && self.held_replies.holds(id)
                && !self.persistence.is_ending()
            {
                // The unmount waits until the held replies are sent.
                return;
            }
            if !self.persistence.is_ending() && component.next_is_from_page() && self.port.is_behind() {
                // Every further reply would only wait in the outbox, so no more jobs run.
                self.is_paused = true;
                return;
            }
            let Some(task) = component.next_task() else { return };
            match task {
                Task::Job { job, origin } => self.start_task(id, GuardedTask::Job(job), origin),
                Task::Props { given, origin } => self.start_task(id, GuardedTask::Props(given), origin),
                Task::CompareProps => self.compare_props(id),
                Task::MountChild(mount) => self.mount_or_wait(*mount, PlaceWait::Over),
                Task::Unmount { origin } => return self.start_unmount(id, origin),
            }
        }
    }

    /// Checks whether jobs are paused and may run now, because the page has read its outbox.
    pub(crate) fn can_resume_jobs(&self) -> bool {
        self.is_paused && !self.port.is_behind()
    }

    /// Resumes the paused jobs.
    pub(crate) fn resume_jobs(&mut self) {
        if std::mem::take(&mut self.is_paused) {
            let ids: Vec<_> = self.components.keys().cloned().collect();
            for id in ids {
                self.run_queue(&id);
            }
        }
    }

    /// Runs a task. If a page caused it, middleware has to accept it first.
    fn start_task(&mut self, id: &ComponentId, task: GuardedTask, origin: TaskOrigin) {
        let request = match origin {
            TaskOrigin::Page { .. } | TaskOrigin::Unanswered { .. } => task.middleware_request(),
            TaskOrigin::Server | TaskOrigin::Unmount { .. } => None,
        };
        let Some(component) = self.components.get(id) else { return };
        let allowed = request.and_then(|request| self.ask_middleware(component.spec.name, request));
        let Some(allowed) = allowed else { return self.run_task(id, task, origin) };
        let Some(component) = self.components.get_mut(id) else { return };
        let Some(instance) = component.take_instance() else { return };
        component.slot = InstanceSlot::Busy(instance);
        let id = id.clone();
        self.await_future(Box::pin(async move {
            Completion::MiddlewareDecided { result: allowed.await, id, task, origin }
        }));
    }

    /// Asks middleware about a request of the page. Returns `None` if there is no middleware.
    pub(super) fn ask_middleware(
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

    /// Runs a task that middleware has accepted.
    fn run_task(&mut self, id: &ComponentId, task: GuardedTask, origin: TaskOrigin) {
        match task {
            GuardedTask::Job(job) => self.run_job(id, job, origin),
            GuardedTask::Props(given) => self.handle_props_update(id, given, origin),
        }
    }

    /// Runs a job: to its end, unless it has to wait.
    pub(super) fn run_job(&mut self, id: &ComponentId, job: Job, origin: TaskOrigin) {
        if matches!(job, Job::Connected)
            && let Some(component) = self.components.get_mut(id)
        {
            component.connected_hook = ConnectedHook::Running;
        }
        let mut cx = self.handler_context(id, origin);
        if let Some(journal) = self.job_journal(id, origin) {
            cx = cx.with_journal(journal);
        }
        let Some(component) = self.components.get_mut(id) else { return };
        let Some(instance) = component.take_instance() else { return };
        component.resumes = self.resumes;
        let handler = HandlerOrigin {
            session: self.port.session(),
            id,
            component: component.spec,
            reference: origin.reference(),
            parent: None,
        };
        let run = HandlerRun::start(handler, &job);
        match run.span().in_scope(|| instance.run(cx, job)) {
            Started::Now(finished) => {
                run.finish(&self.supervisor.core().counters, &finished.result);
                drop(run);
                self.finish_job(id, origin, finished);
            }
            Started::Running { future, meanwhile } => {
                // Edits before the action are part of the state but not sent to the page yet.
                component.drop_view();
                component.slot = InstanceSlot::Busy(meanwhile);
                let end = |id, origin, finished| Completion::JobFinished { id, origin, finished };
                self.await_job(SuspendedJob { id: id.clone(), origin, run, end }, future);
            }
        }
    }

    /// Waits for a running job, which may flush several times.
    pub(super) fn await_job(&mut self, job: SuspendedJob, progress: BoxFuture<JobProgress>) {
        let progress = progress.instrument(job.run.span().clone());
        let counters = Arc::clone(&self.supervisor.core().counters);
        self.await_future(Box::pin(async move {
            match progress.await {
                JobProgress::Done(finished) => {
                    job.run.finish(&counters, &finished.result);
                    (job.end)(job.id, job.origin, finished)
                }
                JobProgress::Flushed(flushed, rest) => Completion::Flushed { job, flushed, rest },
            }
        }));
    }

    /// Applies a flush: sends the changes that a handler has made so far.
    fn apply_flush(&mut self, job: &SuspendedJob, flushed: Flushed) {
        let Flushed { meanwhile, effects, patch, topics, answer } = flushed;
        let id = &job.id;
        let Some(component) = self.components.get_mut(id) else { return };
        component.drop_view();
        component.slot = InstanceSlot::Busy(meanwhile);
        let names = topics.as_ref().map(|topics| topic_names(topics));
        if let Some(topics) = topics {
            self.set_topics(id, topics);
        }
        self.update_presences(id);
        self.perform(id, effects);
        self.send_component_patch(id, patch.as_deref(), names);
        self.mark_changed();
        self.refresh_children(id);
        // The handler may have stopped waiting for the flush.
        let _ = answer.send(());
    }

    /// Creates the context of a component's handler.
    pub(super) fn handler_context(&self, id: &ComponentId, origin: TaskOrigin) -> Context {
        let core = self.supervisor.core();
        let mut cx = Context::new(core.env(self.identity.clone()), self.id().clone(), id.clone())
            .with_time_limit(core.limits.action_time);
        if self.port.is_connected() {
            cx = cx.connected_by(self.connection.clone());
        }
        match origin {
            TaskOrigin::Page { reference, .. } => {
                cx.caused_by(Author { connection: self.connection.clone(), reference })
            }
            TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. } => cx,
        }
    }

    /// Applies a finished job: returns the instance to its slot, performs its effects and sends its
    /// reply. Patches precede the reply; those of topics are already in the outbox.
    fn finish_job(&mut self, id: &ComponentId, origin: TaskOrigin, finished: Finished) {
        let Finished { instance, mut effects, patch, topics, result, unsent, committed } = finished;
        let Some(component) = self.components.get_mut(id) else { return };
        if component.connected_hook == ConnectedHook::Running {
            component.connected_hook = ConnectedHook::Finished;
        }
        if committed {
            component.version += 1;
            if let TaskOrigin::Page { reference, .. } = origin {
                component.settled = reference.get();
            }
        }
        let is_changed =
            patch.is_some() || topics.is_some() || matches!(component.slot, InstanceSlot::Busy(_));
        if is_changed {
            component.drop_view();
        }
        component.slot = InstanceSlot::Idle(instance);
        let name = component.spec.name;
        if let Err(error) = &result {
            self.report_failure(id, name, error);
        }
        let moved = topics.as_ref().map(|topics| topic_names(topics));
        if let Some(topics) = topics {
            self.set_topics(id, topics);
        }
        self.update_presences(id);
        let page_effects = match (origin, &result) {
            (TaskOrigin::Page { reference, .. }, Ok(_)) => match Effect::take_page_effects(&mut effects) {
                requests if requests.is_empty() => None,
                requests => self.effect_encoder().encode(requests, Some(reference)),
            },
            _ => None,
        };
        self.perform(id, effects);
        match &result {
            Ok(_) => self.confirm_props(id),
            Err(error) => self.revert_props(id, origin, error),
        }
        match (origin, result) {
            (TaskOrigin::Page { reference, received_at }, Ok(value)) => {
                let answer = ActionOutput { value: value.as_deref(), page_effects };
                self.reply(id, reference, patch.as_deref(), moved, answer, unsent);
                self.supervisor.core().counters.message_time.record_time(received_at.elapsed());
            }
            (TaskOrigin::Page { reference, received_at }, Err(error)) => {
                self.send_component_patch(id, patch.as_deref(), moved);
                self.reply_failed(id, reference, &error, unsent);
                self.supervisor.core().counters.message_time.record_time(received_at.elapsed());
            }
            (
                origin @ (TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. }),
                result,
            ) => {
                self.mark_changed();
                self.send_component_patch(id, patch.as_deref(), moved);
                if let Err(error) = result {
                    let log = &self.supervisor.core().log;
                    client_event!(log, WARN, session = %self.port.session(), component = %id, error = %Escaped(&error), "handler failed");
                }
                if let TaskOrigin::Unanswered { received_at } = origin {
                    self.supervisor.core().counters.message_time.record_time(received_at.elapsed());
                }
            }
        }
        if let Some(component) = self.components.get_mut(id) {
            component.left_topics = Vec::new();
        }
        if is_changed {
            self.refresh_children(id);
        }
    }

    /// Refuses a task of the page that did not reach the component.
    pub(super) fn refuse_task(&mut self, id: &ComponentId, origin: TaskOrigin, error: &ActionError) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let Some(instance) = component.take_instance() {
            component.slot = InstanceSlot::Idle(instance);
        }
        match origin {
            TaskOrigin::Page { reference, .. } => self.reply_refused(id, reference, error, Vec::new()),
            TaskOrigin::Unanswered { .. } => {
                let (log, error) = (&self.supervisor.core().log, Escaped(error));
                client_event!(log, WARN, session = %self.port.session(), component = %id, %error, "action without `ref` refused");
            }
            TaskOrigin::Server | TaskOrigin::Unmount { .. } => {}
        }
    }
}
