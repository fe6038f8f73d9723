//! Unmounts components.

use vivaz_components::instance::Finished;
use vivaz_components::instance::{Job, Started};
use vivaz_components::spec::Hook;
use vivaz_components::{Effect, UnmountReason};
use vivaz_protocol::{ComponentId, ServerMessage};

use super::component::{Component, Slot};
use super::done::{Away, Done};
use super::task::{Origin, Task};
use super::{Session, encode};
use crate::telemetry::log::{Escaped, client_event};

impl Session {
    /// Unmounts all components, because the session ends.
    pub(crate) fn unmount_all(&mut self, reason: UnmountReason) {
        self.over = true;
        self.stalled = false;
        let ids: Vec<_> = self.components.keys().cloned().collect();
        for id in ids {
            // At once, because a handler may run for long.
            if let Some(component) = self.components.get_mut(&id) {
                component.end_presences(reason);
            }
            self.enqueue(&id, Task::Unmount { origin: Origin::End { reason } });
        }
    }

    /// Starts the unmount of a component: runs its `unmount` hook, if it has one.
    pub(super) fn begin_end(&mut self, id: &ComponentId, origin: Origin) {
        let mut cx = self.context(id, origin);
        let Some(component) = self.components.get_mut(id) else { return };
        if self.supervisor.core().commits(component.spec).is_some() {
            cx = cx.with_commits();
        }
        if !component.spec.has(Hook::Unmount) {
            // Dropped now, because nothing accesses the instance after this.
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

    /// Handles the outcome of a component's `unmount` hook.
    pub(super) fn ended(&mut self, id: &ComponentId, origin: Origin, finished: Finished) {
        if let Some(component) = self.components.get_mut(id) {
            // Dropped now, so that a save in the meantime does not include it.
            drop(component.take());
        }
        if let Err(error) = &finished.result {
            let log = &self.supervisor.core().log;
            client_event!(log, WARN, component = %id, error = %Escaped(error), "the `unmount` hook failed");
        }
        if finished.effects.iter().any(|effect| matches!(effect, Effect::Commit(_))) {
            return self.remove_with(id, origin, finished.effects);
        }
        self.perform(id, finished.effects);
        self.remove(id, origin);
    }

    /// Completes the unmount of a component: replies or notifies the page, refuses its queued
    /// tasks, and unmounts its children.
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

    /// Removes a component from the session, but not from the store. Releases its topics and its
    /// rooms, and removes it from its parent's children.
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
