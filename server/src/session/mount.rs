//! How components come into a session.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::time::Instant;
use vivaz_components::instance::{BoxFuture, Instance, Job};
use vivaz_components::spec::Hook;
use vivaz_components::{ActionError, Admission, MountContext, Registration};
use vivaz_protocol::{ComponentId, ErrorCode, ErrorMessage, Mounted, RawJson, Ref, Seal, ServerMessage};

use super::component::{Component, Origin, Slot, Task};
use super::replies::Kept;
use super::work::{Done, names};
use super::{Session, speak};
use crate::log::{Escaped, client_event};
use crate::seal::{holder, holder_in, now};

/// A mount that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mounting {
    reference: Ref,
    asked: Instant,
}

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
        let core = self.runtime.core();
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
        self.make(Mounting { reference, asked }, id, &registration, props.get(), making);
    }

    /// Mounts a component that the server rendered.
    pub(super) fn mount_sealed(&mut self, reference: Ref, id: &ComponentId, seal: &Seal<'_>, asked: Instant) {
        let core = self.runtime.core();
        let open = |holder: String| core.sealer.open(seal.expose(), &holder, now());
        let in_browser = self.browser.filter(|_| self.identity.user_id().is_none());
        let sealed = in_browser.and_then(|browser| open(holder_in(&self.identity, browser)));
        let sealed = sealed.or_else(|| open(holder(&self.identity)));
        let registration = sealed.as_ref().and_then(|sealed| core.registry.get(&sealed.component)).copied();
        let (Some(sealed), Some(registration)) = (sealed, registration) else {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        };
        if sealed.schema != registration.spec.schema {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        }
        let making = match &sealed.state {
            Some(state) => registration.restore(state.as_bytes(), sealed.schema, self.mount_context()),
            None => match serde_json::from_str::<&RawValue>(&sealed.props) {
                Ok(props) => registration.mount(props, self.mount_context()),
                Err(_) => return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL),
            },
        };
        self.make(Mounting { reference, asked }, id, &registration, &sealed.props, making);
    }

    fn make(
        &mut self,
        mounting: Mounting,
        id: &ComponentId,
        registration: &Registration,
        props: &str,
        making: Making,
    ) {
        let Mounting { reference, .. } = mounting;
        let core = self.runtime.core();
        if self.components.contains_key(id) {
            return self.refuse_mount(
                reference,
                id,
                ErrorCode::DuplicateComponent,
                "the componentId is taken",
            );
        }
        if self.components.len() >= core.limits.components {
            let message = "the session has as many components as it may have";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        let shown: usize = self.components.values().map(|one| one.spec.shared_fields()).sum();
        if shown + registration.spec.shared_fields() > core.limits.topics {
            let message = "the session's components show as many topics as they may";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        if registration.spec.durable && core.keeper.is_none() {
            let name = registration.spec.name;
            client_event!(core.log, ERROR, name, "a durable component, and no session store");
            return self.refuse_mount(reference, id, ErrorCode::ActionFailed, "the component cannot be kept");
        }
        let mut component = Component::new(registration.spec, core.begin_history());
        if core.keeper.is_some() {
            component.props = props.into();
        }
        let entry = self.entry(id, &component).map(|entry| entry.answering(reference));
        self.components.insert(id.clone(), Box::new(component));
        let id = id.clone();
        self.start(Box::pin(async move {
            let mut made = making.await;
            if let Some(entry) = entry {
                made = entry.commit(made).await;
            }
            Done::Mounted { id, mounting, made }
        }));
    }

    fn mount_context(&self) -> MountContext {
        let core = self.runtime.core();
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
        self.runtime.core().counters.actions.record(asked.elapsed());
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
                self.show_topics(id, topics);
                self.answer(reference, Kept::Mounted(id.clone()));
                let frame = self.mounted_frame(id, Some(reference));
                self.port.send(frame);
                self.work(id);
            }
            Err(error) => {
                let Some(component) = self.components.remove(id) else { return };
                self.refuse_action(id, reference, &error, Vec::new());
                for task in component.queue {
                    self.not_mounted(id, &task);
                }
            }
        }
    }

    /// The state of a component with everything else that a page needs of it, as of now.
    pub(super) fn mounted_frame(&mut self, id: &ComponentId, reference: Option<Ref>) -> bytes::Bytes {
        let core = self.runtime.core();
        let refusal =
            |code, message| speak::frame(&speak::refusal(reference, Some(id.clone().into()), code, message));
        let shown = self.components.get_mut(id).and_then(|component| {
            let instance = component.instance()?;
            Some((instance.state(), instance.topics(), component))
        });
        match shown {
            Some((Ok(state), topics, component)) => speak::frame(&ServerMessage::Mounted(Mounted {
                reference,
                component_id: id.clone(),
                rev: component.rev,
                epoch: core.epoch(&component.history),
                component: component.spec.name.into(),
                template: core.templates.hash_of(component.spec.name).into(),
                state: RawJson::trusted(&state),
                topics: names(&topics),
                retry: component.spec.retried().map(Into::into).collect(),
            })),
            Some((Err(error), _, _)) => {
                let error = Escaped(&error);
                client_event!(core.log, ERROR, component = %id, %error, "a component's state cannot be written");
                refusal(ErrorCode::ActionFailed, "the component cannot be shown")
            }
            None => refusal(ErrorCode::NotMounted, "no component is mounted under that id any more"),
        }
    }

    fn refuse_mount(&mut self, reference: Ref, id: &ComponentId, code: ErrorCode, message: &str) {
        self.reply_error(reference, id, ErrorMessage::new(code, message));
    }
}

const UNKNOWN: &str = "no component that this page may mount has that name";
const BAD_SEAL: &str = "the seal is not good (any more): load the page anew";
