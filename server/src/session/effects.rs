//! Performs the effects that handlers request.

use std::sync::Arc;

use vivaz_components::{Effect, Membership, Subscriber, Target, UnmountReason};
use vivaz_protocol::ComponentId;

use super::Session;
use super::completion::Completion;
use super::task::{Task, TaskOrigin};

impl Session {
    /// Performs a handler's effects in order.
    pub(super) fn perform(&mut self, id: &ComponentId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Emit { to, event, except_self } => {
                    let except = except_self.then(|| self.port.session().clone());
                    let core = self.supervisor.core();
                    let hub = core.hub_of(&self.identity);
                    match to {
                        Target::Own => self.send_event(id, &event),
                        Target::Topic(name) => {
                            if let Some(topic) = hub.get(&name) {
                                topic.emit(&event, except.as_ref());
                            }
                        }
                        Target::Room(room) => {
                            hub.rooms().emit(&room, &event, except.as_ref());
                        }
                        Target::Components => self.port.post_component_event(id.clone(), event),
                        Target::Session(session) => {
                            if except.as_ref() != Some(&session) {
                                self.supervisor.post_to_session(self.identity.tenant(), &session, event);
                            }
                        }
                        Target::User(user) => {
                            self.supervisor.post_to_user(
                                self.identity.tenant(),
                                &user,
                                &event,
                                except.as_ref(),
                            );
                        }
                        Target::Everyone => {
                            self.supervisor.post_to_tenant(self.identity.tenant(), &event, except.as_ref());
                        }
                    }
                }
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
                Effect::Spawn(task) => {
                    if let Some(component) = self.components.get_mut(id) {
                        let (id, epoch) = (id.clone(), component.stream.epoch().clone());
                        let task = component.tasks.run_until_dropped(task);
                        self.spawn_detached(async move {
                            task.await.map(|outcome| Completion::TaskFinished { id, epoch, outcome })
                        });
                    }
                }
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
                Effect::Update(_) | Effect::Commit(_) => {
                    tracing::error!(component = %id, ?effect, "effect was not performed by the component's host");
                }
            }
        }
    }
}
