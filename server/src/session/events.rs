//! Delivers events to the components of a session.

use vivaz_components::instance::Job;
use vivaz_components::{ServerEvent, TaskOutcome, warn_unhandled};
use vivaz_protocol::{ComponentId, RawJson, ServerMessage, StreamId};

use super::component::SessionComponent;
use super::task::{Task, TaskOrigin};
use super::{Session, encode};
use crate::telemetry::log::{Escaped, client_event};

impl Session {
    /// Delivers an event from the server to one component or to all, and to the page.
    pub(crate) fn deliver_event(&mut self, component: Option<ComponentId>, event: &ServerEvent) {
        let ids = match component {
            Some(id) => vec![id],
            None => self.components.keys().cloned().collect(),
        };
        for id in ids {
            self.enqueue_event(&id, event.clone());
            if self.components.contains_key(&id) {
                self.send_event(&id, event);
            }
        }
    }

    /// Delivers an event of a component to the other components of the session. The page does not
    /// receive it.
    pub(crate) fn deliver_component_event(&mut self, from: &ComponentId, event: &ServerEvent) {
        let takes = |spec: &vivaz_components::spec::Spec| spec.events.contains(&&*event.name);
        let is_taken = self.supervisor.core().registry.iter().any(|registered| takes(registered.spec));
        if let Some(component) = self.components.get(from)
            && !is_taken
        {
            warn_unhandled(
                component.spec.name,
                &event.name,
                "no component has an `#[event]` method for an event that was sent",
            );
        }
        let takes = |component: &SessionComponent| takes(component.spec);
        let others = self.components.iter().filter(|(id, component)| *id != from && takes(component));
        let others: Vec<_> = others.map(|(id, _)| id.clone()).collect();
        if others.is_empty() {
            let event = Escaped(&event.name);
            tracing::debug!(session = %self.port.session(), component = %from, %event, "no other component of this session handles the event");
        }
        for id in others {
            self.enqueue_event(&id, event.clone());
        }
    }

    /// Delivers the result of a component's task to its `#[event]` method.
    pub(super) fn finish_task(&mut self, id: &ComponentId, outcome: TaskOutcome) {
        let TaskOutcome { event, error } = outcome;
        if let Some(error) = error {
            let log = &self.supervisor.core().log;
            client_event!(log, WARN, session = %self.port.session(), component = %id, error = %Escaped(&error), "task failed");
        }
        let Some(component) = self.components.get(id) else { return };
        let (name, events) = (component.spec.name, component.spec.events);
        match event {
            Ok(event) if events.contains(&&*event.name) => {
                self.enqueue(id, Task::Job { job: Job::Event { event }, origin: TaskOrigin::Server });
            }
            Ok(event) => {
                warn_unhandled(name, &event.name, "no `#[event]` method handles the result of a task");
            }
            Err(error) => {
                tracing::error!(session = %self.port.session(), component = name, error = %Escaped(&error), "cannot encode the result of a task");
            }
        }
    }

    /// Queues an event for a component, if it handles events of that name.
    fn enqueue_event(&mut self, id: &ComponentId, event: ServerEvent) {
        let takes = |spec: &vivaz_components::spec::Spec| spec.events.contains(&&*event.name);
        let core = self.supervisor.core();
        let Some(component) = self.components.get(id).filter(|component| takes(component.spec)) else {
            return;
        };
        if component.queue.len() >= core.limits.mailbox {
            // Dropped like an event for a session whose mailbox is full.
            core.counters.events_lost.add();
        } else {
            self.enqueue(id, Task::Job { job: Job::Event { event }, origin: TaskOrigin::Server });
        }
    }

    /// Sends an event to the page, if the component is visible.
    pub(super) fn send_event(&self, id: &ComponentId, event: &ServerEvent) {
        if self.components.get(id).is_some_and(|component| !component.is_shown()) {
            return;
        }
        self.port.send_or_drop(|| {
            encode::frame(&ServerMessage::Event {
                stream: StreamId::Component(id.clone()),
                name: (&*event.name).into(),
                data: RawJson::from(&*event.data),
            })
        });
    }
}
