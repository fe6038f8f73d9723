//! How components come into a session.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::to_raw_value;
use tokio::time::Instant;
use vivaz_components::instance::{BoxFuture, Instance, Job};
use vivaz_components::spec::Hook;
use vivaz_components::{
    ActionError, Admission, Decoded, MountContext, Registration, RestoreFailure, UnmountReason,
};
use vivaz_protocol::{ComponentId, ErrorCode, ErrorMessage, Mounted, RawJson, Ref, Seal, ServerMessage};

use super::child::{FoundChild, MountedBy, sealed_props};
use super::component::{Component, Slot};
use super::done::{Done, Mounting};
use super::replies::Kept;
use super::task::{ChildMount, Origin, TAKEN, Task};
use super::{Session, encode};
use crate::admission::middleware::CallRequest;
use crate::admission::seal::{SealContent, holder, holder_with_browser, now};
use crate::telemetry::log::{Escaped, client_event};

type Making = BoxFuture<Result<Box<dyn Instance>, ActionError>>;

impl Session {
    /// Mounts a component that any page may mount.
    pub(super) fn mount_open(
        &mut self,
        reference: Ref,
        id: &ComponentId,
        name: &str,
        props: Option<RawJson<'_>>,
        asked: Instant,
    ) {
        let core = self.supervisor.core();
        let registration = match core.registry.get(name) {
            Some(registration) if registration.spec.open => *registration,
            Some(registration) => {
                client_event!(
                    core.log,
                    INFO,
                    name = registration.spec.name,
                    "mounted by name, but it is not declared `open`"
                );
                return self.refuse_mount(reference, id, ErrorCode::UnknownComponent, UNKNOWN);
            }
            None => {
                client_event!(core.log, INFO, "{}", core.registry.why_unknown(name));
                return self.refuse_mount(reference, id, ErrorCode::UnknownComponent, UNKNOWN);
            }
        };
        let props = props.unwrap_or(RawJson::EMPTY_OBJECT).to_raw_value();
        let making = registration.mount(&props, self.mount_context());
        let mounting = Mounting { reference, asked };
        self.make(mounting, id, &registration, MountedBy::Name { before: None }, props.get(), making);
    }

    /// Mounts a component that the server rendered.
    pub(super) fn mount_sealed(&mut self, reference: Ref, id: &ComponentId, seal: &Seal<'_>, asked: Instant) {
        let Some((sealed, registration)) =
            self.open_seal(seal.expose()).filter(|(sealed, _)| sealed.child.is_none())
        else {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        };
        let Some(making) = self.unseal(&sealed, &registration) else {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        };
        let mounting = Mounting { reference, asked };
        self.make(mounting, id, &registration, MountedBy::Seal, &sealed.props, making);
    }

    /// Mounts a child that was found in its parent's state.
    pub(super) fn make_child(&mut self, mount: &ChildMount, found: &FoundChild) {
        let registration = found.registration;
        let (reference, id) = (mount.reference, &mount.id);
        let (making, props, given) = match &mount.seal {
            None => {
                let mut given = found.props.clone();
                given.extend(mount.page.iter().map(|(name, value)| (name.clone(), value.clone())));
                match to_raw_value(&given) {
                    Ok(props) => (None, props, given),
                    Err(error) => return self.refuse_action(id, reference, &error.into(), Vec::new()),
                }
            }
            Some(seal) => {
                let sealed = self.open_seal(seal).filter(|(sealed, of)| {
                    std::ptr::eq(of.spec, registration.spec) && self.is_sealed_for(sealed, mount)
                });
                let opened = sealed.and_then(|(sealed, _)| {
                    let (props, given) = sealed_props(&sealed.props)?;
                    Some((Some(self.unseal(&sealed, &registration)?), props, given))
                });
                match opened {
                    Some(opened) => opened,
                    None => return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL),
                }
            }
        };
        let mounted_by = match self.link(mount, found, given) {
            Ok(mounted_by) => mounted_by,
            Err(error) => return self.refuse_action(id, reference, &error, Vec::new()),
        };
        let making = making.unwrap_or_else(|| registration.mount(&props, self.mount_context()));
        let mounting = Mounting { reference, asked: mount.asked };
        self.make(mounting, id, &registration, mounted_by, props.get(), making);
    }

    /// Returns whether a seal was made for a child at that place of such a parent.
    fn is_sealed_for(&self, sealed: &SealContent, mount: &ChildMount) -> bool {
        let parent = self.components.get(&mount.parent).map(|parent| parent.spec.name);
        sealed.child.as_ref().is_some_and(|child| {
            Some(&*child.parent) == parent
                && serde_json::from_str::<Vec<Value>>(&child.place).is_ok_and(|place| place == mount.place)
        })
    }

    /// Opens a seal that was made for this identity, or this browser.
    fn open_seal(&self, seal: &str) -> Option<(SealContent, Registration)> {
        let core = self.supervisor.core();
        let open = |holder: String| core.sealer.open(seal, &holder, now());
        let in_browser = self.browser.filter(|_| self.identity.user_id().is_none());
        let sealed = in_browser.and_then(|browser| open(holder_with_browser(&self.identity, browser)));
        let sealed = sealed.or_else(|| open(holder(&self.identity)))?;
        let registration = *core.registry.get(&sealed.component)?;
        // The page adopts what the server has rendered, and does not see that another template is made of it.
        let is_current = sealed.schema == registration.spec.schema()
            || sealed.template == core.templates.hash_of(registration.spec.name);
        is_current.then_some((sealed, registration))
    }

    /// Makes a component of what its seal carries. State of another schema is migrated, as stored state is; if that cannot
    /// be done the seal is not good, and the page is loaded anew.
    fn unseal(&self, sealed: &SealContent, registration: &Registration) -> Option<Making> {
        let name = registration.spec.name;
        let of_another_version = move |error: ActionError| {
            tracing::info!(name, error = %Escaped(&error), "what a seal carries does not decode");
            ActionError::new(ErrorCode::BadSeal, BAD_SEAL)
        };
        Some(match &sealed.state {
            Some(state) => {
                let restoring = registration.restore(state.as_bytes(), sealed.schema, self.mount_context());
                Box::pin(async move {
                    restoring.await.map(Decoded::into_instance).map_err(|failure| match failure {
                        RestoreFailure::Undecodable(error) => of_another_version(error),
                        RestoreFailure::Refused(error) | RestoreFailure::Temporary(error) => error,
                    })
                })
            }
            None => {
                let props = serde_json::from_str(&sealed.props).ok()?;
                let making = registration.mount(props, self.mount_context());
                Box::pin(async move {
                    making.await.map_err(|error| {
                        if error.code() == ErrorCode::BadProps { of_another_version(error) } else { error }
                    })
                })
            }
        })
    }

    fn make(
        &mut self,
        mounting: Mounting,
        id: &ComponentId,
        registration: &Registration,
        mounted_by: MountedBy,
        props: &str,
        making: Making,
    ) {
        let Mounting { reference, .. } = mounting;
        let core = self.supervisor.core();
        if self.components.contains_key(id) || self.waiting.contains_key(id) {
            return self.refuse_mount(reference, id, ErrorCode::DuplicateComponent, TAKEN);
        }
        if self.components.len() >= core.limits.components {
            let message = "the session has as many components as it may have";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        let shows = registration.spec.shared_fields();
        let shown = || self.components.values().map(|one| one.spec.shared_fields()).sum::<usize>();
        if shows > 0 && shown() + shows > core.limits.topics {
            let message = "the session's components show as many topics as they may";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        if registration.spec.durable && core.keeper.is_none() {
            let name = registration.spec.name;
            client_event!(core.log, ERROR, name, "a durable component, and no session store");
            return self.refuse_mount(reference, id, ErrorCode::ActionFailed, "the component cannot be kept");
        }
        let mut component = Component::new(registration.spec, core.epochs.begin(), mounted_by);
        component.resumes = self.resumes;
        if core.keeper.is_some() && component.mounted_by.link().is_none() {
            component.props = props.into();
        }
        let entry = self.entry(id, &component).map(|entry| entry.answering(reference));
        let allowed = self.allowed(registration.spec.name, CallRequest::Mount);
        self.components.insert(id.clone(), Box::new(component));
        self.adopt(id);
        let id = id.clone();
        self.start(Box::pin(async move {
            let mut made = match allowed {
                Some(allowed) => match allowed.await {
                    Ok(()) => making.await,
                    Err(error) => Err(error),
                },
                None => making.await,
            };
            if let Some(entry) = entry {
                made = entry.commit(made).await;
            }
            Done::Mounted { id, mounting, made }
        }));
    }

    fn mount_context(&self) -> MountContext {
        let core = self.supervisor.core();
        MountContext::new(core.env(self.identity.clone()))
            .with_time_limit(core.limits.action_time)
            .with_budget(Arc::clone(&self.budget), Admission::Bounded)
    }

    /// A component is made, or could not be.
    pub(super) fn mounted(
        &mut self,
        id: &ComponentId,
        mounting: Mounting,
        made: Result<Box<dyn Instance>, ActionError>,
    ) {
        let Mounting { reference, asked } = mounting;
        self.supervisor.core().counters.actions.record(asked.elapsed());
        let Some(component) = self.components.get_mut(id) else { return };
        match made {
            Ok(mut instance) => {
                let topics = instance.topics();
                let has_connected = component.spec.has(Hook::Connected);
                tracing::debug!(component = %id, name = component.spec.name, "mounted");
                component.slot = Slot::Idle(instance);
                component.replied = Some((reference, component.rev));
                // With a store, a component is here when the store has it.
                self.entered = true;
                if has_connected {
                    component.queue.push_front(Task::Job { job: Job::Connected, origin: Origin::Server });
                }
                // A child's place may have gone meanwhile: then nothing is sent of it.
                self.look_after(id);
                self.show_topics(id, topics);
                let kept = Kept::Mounted(id.clone());
                let frame = self.again(reference, &kept);
                self.answer(reference, kept);
                self.port.send(frame);
                // Its parent may have changed since the child was found, or since it was sealed.
                self.refresh(id);
                self.work(id);
            }
            Err(error) => {
                let Some(mut component) = self.components.remove(id) else { return };
                self.refuse_action(id, reference, &error, Vec::new());
                self.disown(id, &component.mounted_by);
                self.unmount_children(component.children.take(), UnmountReason::Removed);
                for task in component.queue {
                    self.not_mounted(id, &task);
                }
            }
        }
    }

    /// The state of a component with everything else that a page needs of it, as of now.
    pub(super) fn mounted_frame(&mut self, id: &ComponentId, reference: Option<Ref>) -> bytes::Bytes {
        let core = self.supervisor.core();
        let refusal = |code, message| {
            encode::frame(&encode::refusal(reference, Some(id.clone().into()), code, message))
        };
        let shown = self.components.get_mut(id).and_then(|component| {
            let instance = component.instance()?;
            Some((instance.state(), instance.topics(), component))
        });
        match shown {
            Some((Ok(state), topics, component)) => encode::frame(&ServerMessage::Mounted(Mounted {
                reference,
                component_id: id.clone(),
                rev: component.rev,
                epoch: core.epochs.text(&component.epoch),
                component: component.spec.name.into(),
                template: core.templates.hash_of(component.spec.name).into(),
                state: RawJson::trusted(&state),
                topics: encode::topic_names(&topics),
                retry: component.spec.retried().map(Into::into).collect(),
            })),
            Some((Err(error), _, _)) => {
                let error = Escaped(&error);
                client_event!(core.log, ERROR, component = %id, %error, "a component's state cannot be written");
                refusal(ErrorCode::ActionFailed, "the state of the component cannot be serialised")
            }
            None => refusal(ErrorCode::NotMounted, "no component with this id is mounted"),
        }
    }

    pub(super) fn refuse_mount(&mut self, reference: Ref, id: &ComponentId, code: ErrorCode, message: &str) {
        self.reply_error(reference, id, ErrorMessage::new(code, message));
    }
}

const UNKNOWN: &str = "no component that this page may mount has that name";
const BAD_SEAL: &str = "the seal is not good (any more): load the page anew";
