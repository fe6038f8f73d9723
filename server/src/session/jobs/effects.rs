//! Performs the effects that handlers request.

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_components::{ActionError, Effect, Membership, Subscriber, Target, TaskOutcome, UnmountReason};
use vivaz_protocol::{ComponentId, ErrorCode};

use crate::session::Session;
use crate::session::completion::Completion;
use crate::session::task::{Task, TaskOrigin};

impl Session {
    /// Performs a handler's effects in order.
    pub(in crate::session) fn perform(&mut self, id: &ComponentId, mut effects: Vec<Effect>) {
        self.send_page_effects(id, Effect::take_page_effects(&mut effects));
        for effect in effects {
            match effect {
                Effect::Emit { to, event, except_self } => match to {
                    Target::Own => self.send_event(id, &event),
                    Target::Components => self.port.post_component_event(id.clone(), event),
                    Target::Topic(_)
                    | Target::Room(_)
                    | Target::Session(_)
                    | Target::User(_)
                    | Target::Everyone => {
                        let except = except_self.then(|| self.port.session());
                        self.supervisor.emit(&self.identity, to, event, except);
                    }
                },
                Effect::Join(room) => {
                    if let Some(component) = self.components.get_mut(id) {
                        component.joined.apply(&Membership::Join(Arc::clone(&room)));
                        component.account_rooms(&self.budget);
                        let subscriber = Arc::clone(&self.port) as Arc<dyn Subscriber>;
                        self.hub().rooms().join(&room, id, &subscriber);
                    }
                }
                Effect::Leave(room) => {
                    if let Some(component) = self.components.get_mut(id) {
                        component.joined.apply(&Membership::Leave(Arc::clone(&room)));
                        component.account_rooms(&self.budget);
                    }
                    self.hub().rooms().leave(&room, self.port.session(), id);
                }
                Effect::Spawn { event, work } => self.spawn_task(id, event, work),
                Effect::Load(task) => {
                    let id = id.clone();
                    self.spawn_detached(async move {
                        task.await.map(|loaded| Completion::FieldLoaded { id, loaded })
                    });
                }
                Effect::Close => {
                    let origin = TaskOrigin::Unmount { reason: UnmountReason::Closed };
                    if let Some(component) = self.components.get_mut(id) {
                        component.queue.push_back(Task::Unmount { origin });
                    }
                }
                Effect::Update(_) | Effect::Commit(_) | Effect::Page(_) => {
                    tracing::error!(session = %self.port.session(), component = %id, ?effect, "effect was not performed by the component's host");
                }
            }
        }
    }

    /// Starts a task of a component, or delivers an error to the component if the session runs as
    /// many tasks as it may.
    fn spawn_task(&mut self, id: &ComponentId, event: &'static str, work: BoxFuture<TaskOutcome>) {
        let Some(component) = self.components.get_mut(id) else { return };
        let (id, epoch) = (id.clone(), component.stream.epoch().clone());
        let spawned = self.spawned.get_or_insert_default();
        // The session holds one reference, and each running task another one.
        if Arc::strong_count(spawned) > self.supervisor.core().limits.spawned_tasks {
            let error = ActionError::new(ErrorCode::Overloaded, "the session runs too many tasks");
            let outcome = TaskOutcome::failed(event, error);
            return self.port.post_completion(Completion::TaskFinished { id, epoch, outcome });
        }
        let (task, running) = (component.tasks.run_until_dropped(work), Arc::clone(spawned));
        self.spawn_detached(async move {
            let outcome = task.await;
            drop(running);
            outcome.map(|outcome| Completion::TaskFinished { id, epoch, outcome })
        });
    }
}
