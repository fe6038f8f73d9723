//! Unmounts components.

use vivaz_components::instance::Finished;
use vivaz_components::instance::{Job, Started};
use vivaz_components::spec::Hook;
use vivaz_components::{Effect, UnmountReason};
use vivaz_protocol::{ComponentId, ServerMessage};

use super::completion::{Completion, SuspendedJob};
use super::component::{InstanceSlot, SessionComponent};
use super::task::{Task, TaskOrigin};
use super::{Session, encode};
use crate::telemetry::handler_run::{HandlerOrigin, HandlerRun};
use crate::telemetry::lifecycle::LifecycleEvent;
use crate::telemetry::log::{Escaped, client_event};

impl Session {
    /// Unmounts all components, because the session ends.
    pub(crate) fn unmount_all(&mut self, reason: UnmountReason) {
        self.persistence.begin_end();
        self.is_paused = false;
        let ids: Vec<_> = self.components.keys().cloned().collect();
        for id in ids {
            // At once, because a handler may run for long.
            if let Some(component) = self.components.get_mut(&id) {
                component.end_presences(reason);
            }
            self.enqueue(&id, Task::Unmount { origin: TaskOrigin::Unmount { reason } });
        }
    }

    /// Starts the unmount of a component: runs its `unmount` hook, if it has one.
    pub(super) fn start_unmount(&mut self, id: &ComponentId, origin: TaskOrigin) {
        let mut cx = self.handler_context(id, origin);
        let Some(component) = self.components.get_mut(id) else { return };
        if self.supervisor.core().commit_keeper(component.spec).is_some() {
            cx = cx.with_commits();
        }
        if !component.spec.has(Hook::Unmount) {
            // Dropped now, because nothing accesses the instance after this.
            drop(component.take_instance());
            return self.remove_component(id, origin);
        }
        let reason = match origin {
            TaskOrigin::Unmount { reason } => reason,
            TaskOrigin::Page { .. } | TaskOrigin::Unanswered { .. } | TaskOrigin::Server => {
                UnmountReason::Removed
            }
        };
        let Some(instance) = component.take_instance() else { return };
        let handler = HandlerOrigin {
            session: self.port.session(),
            id,
            component: component.spec,
            reference: origin.reference(),
            parent: None,
        };
        let job = Job::Unmount { reason };
        let run = HandlerRun::start(handler, &job);
        match run.span().in_scope(|| instance.run(cx, job)) {
            Started::Now(finished) => {
                run.finish(&self.supervisor.core().counters, &finished.result);
                drop(run);
                self.finish_unmount_hook(id, origin, finished);
            }
            Started::Running { future, meanwhile } => {
                component.slot = InstanceSlot::Busy(meanwhile);
                let end = |id, origin, finished| Completion::UnmountFinished { id, origin, finished };
                self.await_job(SuspendedJob { id: id.clone(), origin, run, end }, future);
            }
        }
    }

    /// Handles the outcome of a component's `unmount` hook.
    pub(super) fn finish_unmount_hook(&mut self, id: &ComponentId, origin: TaskOrigin, finished: Finished) {
        if let Some(component) = self.components.get_mut(id) {
            // Dropped now, so that a save in the meantime does not include it.
            drop(component.take_instance());
        }
        if let Err(error) = &finished.result {
            if let Some(component) = self.components.get(id) {
                self.report_failure(id, component.spec.name, error);
            }
            let log = &self.supervisor.core().log;
            client_event!(log, WARN, session = %self.port.session(), component = %id, error = %Escaped(error), "the `unmount` hook failed");
        }
        if finished.effects.iter().any(|effect| matches!(effect, Effect::Commit(_))) {
            return self.remove_with_writes(id, origin, finished.effects);
        }
        self.perform(id, finished.effects);
        self.remove_component(id, origin);
    }

    /// Completes the unmount of a component: replies or notifies the page, refuses its queued
    /// tasks, and unmounts its children.
    pub(super) fn complete_unmount(&mut self, id: &ComponentId, origin: TaskOrigin) {
        let Some(mut component) = self.detach_component(id) else { return };
        self.supervisor.core().lifecycle.emit(|| LifecycleEvent::Unmounted {
            session: self.id().clone(),
            id: id.clone(),
            component: component.spec.name,
        });
        tracing::debug!(session = %self.port.session(), component = %id, name = component.spec.name, "unmounted");
        match origin {
            TaskOrigin::Page { reference, .. } => self.reply_ack(id, reference, None),
            TaskOrigin::Unanswered { .. }
            | TaskOrigin::Server
            | TaskOrigin::Unmount { reason: UnmountReason::Left } => {}
            TaskOrigin::Unmount { reason } => {
                let message =
                    ServerMessage::Unmounted { component_id: id.clone(), reason: reason.as_str().into() };
                self.port.send(encode::frame(&message));
            }
        }
        let reason = match origin {
            TaskOrigin::Unmount { reason } => reason,
            TaskOrigin::Page { .. } | TaskOrigin::Unanswered { .. } | TaskOrigin::Server => {
                UnmountReason::Removed
            }
        };
        component.end_presences(reason);
        for task in component.queue {
            self.refuse_unmounted(id, &task);
        }
        self.unmount_children(component.children, reason);
    }

    /// Removes a component from the session, but not from the store. Releases its topics and its
    /// rooms, and removes it from its parent's children.
    pub(super) fn detach_component(&mut self, id: &ComponentId) -> Option<Box<SessionComponent>> {
        let mut component = self.components.remove(id)?;
        let visibility = component.visibility();
        self.release_topics(std::mem::take(&mut component.topics), visibility);
        if !component.joined.is_empty() {
            self.hub().rooms().leave_all(self.port.session(), id);
        }
        self.unlink_from_parent(id, &component.mounted_by);
        Some(component)
    }
}
