//! Mounts components.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::to_raw_value;
use tokio::time::Instant;
use vivaz_components::instance::{BoxFuture, Instance, Job};
use vivaz_components::spec::Hook;
use vivaz_components::{
    ActionError, Admission, Decoded, MountContext, Registration, RestoreFailure, UnmountReason, UrlParams,
};
use vivaz_protocol::{ComponentId, ErrorCode, ErrorMessage, Mounted, RawJson, Ref, Rev, Seal, ServerMessage};

use super::child::{FoundChild, MountedBy, parse_sealed_props};
use super::completion::{Completion, PendingMount};
use super::component::{InstanceSlot, SessionComponent};
use super::reply::cache::CachedReply;
use super::task::{ChildMount, ID_IN_USE, Task, TaskOrigin};
use super::{Session, encode};
use crate::admission::middleware::CallRequest;
use crate::admission::seal::{SealContent, StateHash, holders, now};
use crate::telemetry::lifecycle::LifecycleEvent;
use crate::telemetry::log::{Escaped, client_event};

/// The future of a mounted or restored instance.
type InstanceFuture = BoxFuture<Result<Box<dyn Instance>, ActionError>>;

impl Session {
    /// Mounts an open component by its name.
    pub(super) fn mount_open(
        &mut self,
        reference: Ref,
        id: &ComponentId,
        name: &str,
        props: Option<RawJson<'_>>,
        received_at: Instant,
    ) {
        let core = self.supervisor.core();
        let registration = match core.registry.get(name) {
            Some(registration) if registration.spec.open => *registration,
            Some(registration) => {
                client_event!(
                    core.log,
                    INFO,
                    session = %self.port.session(),
                    name = registration.spec.name,
                    "refused to mount a component by name: it is not declared `open`"
                );
                return self.refuse_mount(reference, id, ErrorCode::UnknownComponent, UNKNOWN_COMPONENT);
            }
            None => {
                client_event!(core.log, INFO, session = %self.port.session(), "{}", core.registry.why_unknown(name));
                return self.refuse_mount(reference, id, ErrorCode::UnknownComponent, UNKNOWN_COMPONENT);
            }
        };
        let props = props.unwrap_or(RawJson::EMPTY_OBJECT).to_raw_value();
        let making = registration.mount(&props, self.mount_context());
        let mounting = PendingMount { reference, received_at, painted: None };
        self.begin_mount(mounting, id, &registration, MountedBy::Name { before: None }, props.get(), making);
    }

    /// Mounts a component that the server rendered, from its seal. `painted` is whether the page
    /// has the state that it was rendered from.
    pub(super) fn mount_sealed(
        &mut self,
        reference: Ref,
        id: &ComponentId,
        seal: &Seal<'_>,
        painted: bool,
        received_at: Instant,
    ) {
        let Some((sealed, registration)) =
            self.open_seal(seal.expose()).filter(|(sealed, _)| sealed.child.is_none())
        else {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        };
        let Some(making) = self.instantiate_sealed(&sealed, &registration) else {
            return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL);
        };
        let painted = sealed.painted.filter(|_| painted);
        let mounting = PendingMount { reference, received_at, painted };
        self.begin_mount(mounting, id, &registration, MountedBy::Seal, &sealed.props, making);
    }

    /// Mounts a child found in its parent's state.
    pub(super) fn mount_found_child(&mut self, mount: &ChildMount, found: &FoundChild) {
        let registration = found.registration;
        let (reference, id) = (mount.reference, &mount.id);
        let mut painted = None;
        let (making, props, given) = match &mount.seal {
            None => {
                let mut given = found.props.clone();
                given.extend(mount.page.iter().map(|(name, value)| (name.clone(), value.clone())));
                match to_raw_value(&given) {
                    Ok(props) => (None, props, given),
                    Err(error) => return self.reply_refused(id, reference, &error.into(), Vec::new()),
                }
            }
            Some(seal) => {
                let sealed = self.open_seal(seal).filter(|(sealed, of)| {
                    std::ptr::eq(of.spec, registration.spec) && self.seal_matches(sealed, mount)
                });
                let opened = sealed.and_then(|(sealed, _)| {
                    painted = sealed.painted.filter(|_| mount.painted);
                    let (props, given) = parse_sealed_props(&sealed.props)?;
                    Some((Some(self.instantiate_sealed(&sealed, &registration)?), props, given))
                });
                match opened {
                    Some(opened) => opened,
                    None => return self.refuse_mount(reference, id, ErrorCode::BadSeal, BAD_SEAL),
                }
            }
        };
        let mounted_by = match self.create_link(mount, found, given) {
            Ok(mounted_by) => mounted_by,
            Err(error) => return self.reply_refused(id, reference, &error, Vec::new()),
        };
        let making = making.unwrap_or_else(|| registration.mount(&props, self.mount_context()));
        let mounting = PendingMount { reference, received_at: mount.received_at, painted };
        self.begin_mount(mounting, id, &registration, mounted_by, props.get(), making);
    }

    /// Checks whether a seal was made for a child at this place of such a parent.
    fn seal_matches(&self, sealed: &SealContent, mount: &ChildMount) -> bool {
        let parent = self.components.get(&mount.parent).map(|parent| parent.spec.name);
        sealed.child.as_ref().is_some_and(|child| {
            Some(&*child.parent) == parent
                && serde_json::from_str::<Vec<Value>>(&child.place).is_ok_and(|place| place == mount.place)
        })
    }

    /// Decrypts a seal that was made for this identity or this browser. Returns `None` if the seal
    /// is not valid, or the component has another schema and another template since.
    fn open_seal(&self, seal: &str) -> Option<(SealContent, Registration)> {
        let core = self.supervisor.core();
        let open = |holder: String| core.sealer.open(seal, &holder, now());
        let sealed = holders(&self.identity, &self.browsers).find_map(open)?;
        let registration = *core.registry.get(&sealed.component)?;
        // A page adopts the rendered HTML, so a seal of another template would not match the page.
        let is_current = sealed.schema == registration.spec.schema()
            || sealed.template == core.templates.hash_of(registration.spec.name);
        is_current.then_some((sealed, registration))
    }

    /// Creates a component from its seal. State of another schema is migrated, like stored state.
    /// If that fails, the error is `bad_seal`, and the page reloads.
    fn instantiate_sealed(
        &self,
        sealed: &SealContent,
        registration: &Registration,
    ) -> Option<InstanceFuture> {
        let name = registration.spec.name;
        let of_another_version = move |error: ActionError| {
            tracing::info!(name, error = %Escaped(&error), "cannot decode the contents of a seal");
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
                let query = sealed.query.as_deref().unwrap_or_default();
                let context = self.mount_context().with_params(UrlParams::parse(query));
                let making = registration.mount(props, context);
                Box::pin(async move {
                    making.await.map_err(|error| {
                        if error.code() == ErrorCode::BadProps { of_another_version(error) } else { error }
                    })
                })
            }
        })
    }

    /// Checks the limits, then mounts a component and inserts it into the store.
    fn begin_mount(
        &mut self,
        mounting: PendingMount,
        id: &ComponentId,
        registration: &Registration,
        mounted_by: MountedBy,
        props: &str,
        making: InstanceFuture,
    ) {
        let PendingMount { reference, .. } = mounting;
        let core = self.supervisor.core();
        if self.components.contains_key(id) || self.waiting_mounts.contains_key(id) {
            return self.refuse_mount(reference, id, ErrorCode::DuplicateComponent, ID_IN_USE);
        }
        if self.components.len() >= core.limits.components {
            let message = "too many components in this session";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        let shows = registration.spec.shared_fields();
        let shown = || self.components.values().map(|one| one.spec.shared_fields()).sum::<usize>();
        if shows > 0 && shown() + shows > core.limits.topics {
            let message = "the components of this session show too many topics";
            return self.refuse_mount(reference, id, ErrorCode::TooManyComponents, message);
        }
        if registration.spec.durable && core.keeper.is_none() {
            let name = registration.spec.name;
            client_event!(core.log, ERROR, session = %self.port.session(), name, "cannot mount a durable component without a session store");
            return self.refuse_mount(
                reference,
                id,
                ErrorCode::ActionFailed,
                "a durable component needs a session store",
            );
        }
        let mut component =
            SessionComponent::new(registration.spec, core.epochs.begin(), Rev::ZERO, mounted_by);
        component.resumes = self.resumes;
        if core.keeper.is_some() && component.mounted_by.link().is_none() {
            component.props = props.into();
        }
        let insertion = self.insertion(id, &component).map(|insertion| insertion.with_reply(reference));
        let allowed = self.ask_middleware(registration.spec.name, CallRequest::Mount);
        self.components.insert(id.clone(), Box::new(component));
        self.link_to_parent(id);
        let id = id.clone();
        self.await_future(Box::pin(async move {
            let mut mounted = match allowed {
                Some(allowed) => match allowed.await {
                    Ok(()) => making.await,
                    Err(error) => Err(error),
                },
                None => making.await,
            };
            if let Some(insertion) = insertion {
                mounted = insertion.commit(mounted).await;
            }
            Completion::MountFinished { id, mounting, mounted }
        }));
    }

    /// Creates the context of a mount.
    fn mount_context(&self) -> MountContext {
        let core = self.supervisor.core();
        MountContext::new(core.env(self.identity.clone()))
            .with_time_limit(core.limits.action_time)
            .with_budget(Arc::clone(&self.budget), Admission::Bounded)
    }

    /// Handles the outcome of a mount.
    pub(super) fn finish_mount(
        &mut self,
        id: &ComponentId,
        mounting: PendingMount,
        mounted: Result<Box<dyn Instance>, ActionError>,
    ) {
        let PendingMount { reference, received_at, painted } = mounting;
        self.supervisor.core().counters.message_time.record_time(received_at.elapsed());
        let Some(component) = self.components.get_mut(id) else { return };
        match mounted {
            Ok(mut instance) => {
                let topics = instance.topics();
                let has_connected = component.spec.has(Hook::Connected);
                let core = self.supervisor.core();
                core.counters.component_mounted(component.spec);
                core.lifecycle.emit(|| LifecycleEvent::Mounted {
                    session: self.port.session().clone(),
                    id: id.clone(),
                    component: component.spec.name,
                });
                tracing::debug!(session = %self.port.session(), component = %id, name = component.spec.name, "mounted");
                component.slot = InstanceSlot::Idle(instance);
                component.last_reply = Some((reference, component.stream.rev()));
                if has_connected {
                    component.queue.push_front(Task::Job { job: Job::Connected, origin: TaskOrigin::Server });
                }
                // With a store, the mount has inserted the session too.
                self.set_stored();
                // If the child's place is gone by now, its state is not sent.
                self.refresh_visibility(id);
                self.set_topics(id, topics);
                let kept = CachedReply::Mounted(id.clone());
                let frame = match self.components.get(id) {
                    Some(component) if painted.is_some() && component.is_shown() => {
                        self.encode_mounted(id, Some(reference), painted)
                    }
                    _ => self.encode_cached_reply(reference, &kept),
                };
                self.cache_reply(reference, kept);
                self.port.send(frame);
                // The parent may have changed since the child was found, or since it was sealed.
                self.queue_props_check(id);
                self.run_queue(id);
            }
            Err(error) => {
                let Some(mut component) = self.components.remove(id) else { return };
                self.report_failure(id, component.spec.name, &error);
                self.reply_refused(id, reference, &error, Vec::new());
                self.unlink_from_parent(id, &component.mounted_by);
                self.unmount_children(component.children.take(), UnmountReason::Removed);
                for task in component.queue {
                    self.refuse_unmounted(id, &task);
                }
            }
        }
    }

    /// Encodes a `COMPONENT_MOUNTED` with the component's current state, or the `ERROR` if it
    /// cannot be sent. The message omits the state if its hash is `painted`: the page has it.
    pub(super) fn encode_mounted(
        &mut self,
        id: &ComponentId,
        reference: Option<Ref>,
        painted: Option<StateHash>,
    ) -> bytes::Bytes {
        let core = self.supervisor.core();
        let refusal =
            |code, message| encode::frame(&encode::error(reference, Some(id.clone().into()), code, message));
        let shown = self.components.get_mut(id).and_then(|component| {
            let instance = component.instance()?;
            Some((instance.state(), instance.topics(), component))
        });
        match shown {
            Some((Ok(state), topics, component)) => encode::frame(&ServerMessage::Mounted(Mounted {
                reference,
                component_id: id.clone(),
                rev: component.stream.rev(),
                epoch: core.epochs.text(component.stream.epoch()),
                component: component.spec.name.into(),
                template: core.templates.hash_of(component.spec.name).into(),
                state: painted
                    .is_none_or(|painted| painted != StateHash::of(&state))
                    .then(|| RawJson::trusted(&state)),
                topics: encode::topic_names(&topics),
                retry: component.spec.retried().map(Into::into).collect(),
            })),
            Some((Err(error), _, _)) => {
                let error = Escaped(&error);
                client_event!(core.log, ERROR, session = %self.port.session(), component = %id, %error, "cannot encode the state of a component");
                refusal(ErrorCode::ActionFailed, "cannot serialize the state of the component")
            }
            None => refusal(ErrorCode::NotMounted, "no component with this id is mounted"),
        }
    }

    /// Replies to a mount with an error.
    pub(super) fn refuse_mount(&mut self, reference: Ref, id: &ComponentId, code: ErrorCode, message: &str) {
        self.reply_error(reference, id, ErrorMessage::new(code, message));
    }
}

const UNKNOWN_COMPONENT: &str = "unknown component, or the page may not mount it";
const BAD_SEAL: &str = "the seal is not valid; reload the page";
