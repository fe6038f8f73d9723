//! Attaches a session to a connection, and detaches it.

pub(super) mod reauthorize;

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use vivaz_components::instance::{Job, guard};
use vivaz_components::spec::Hook;
use vivaz_components::{Identity, RestoreFailure, TopicRef, UnmountReason};
use vivaz_protocol::{
    ComponentId, ConnectionId, DeclaredLimits, Epoch, ErrorCode, Ref, ResumeSecret, Rev, ServerMessage,
    StreamId, TopicName, Welcome,
};

use super::component::{ConnectedHook, InstanceSlot, SessionComponent};
use super::reply::cache::CachedReply;
use super::task::{Task, TaskOrigin};
use super::{Session, encode};
use crate::session::port::outbox::Outbox;
use crate::telemetry::lifecycle::LifecycleEvent;
use crate::telemetry::log::{Escaped, Quoted};

/// The time in which a topic has to authorize a resuming user, unless
/// [`Limits::action_time`](crate::Limits::action_time) is shorter. It is less than the 10 s for
/// which a page waits for its `WELCOME`, so that the page receives an answer.
const AUTHORIZE_TIME: Duration = Duration::from_secs(7);

/// The state of a resuming client, as stated in its `HELLO`.
#[derive(Debug, Default)]
pub(crate) struct ClientPosition {
    /// The client has received every reply up to this one.
    pub(crate) acked: Option<Ref>,
    /// The epoch and the revision that the client has of each stream.
    pub(crate) streams: Vec<(StreamId, Epoch, Rev)>,
}

/// How a session starts on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SessionStart {
    /// It was created for this connection.
    New,
    /// It had a connection before.
    Resumed,
}

/// The answers of a session's topics to an authorization.
#[derive(Debug, Default)]
pub(crate) struct TopicAuthorization {
    /// Topics that the user may not see.
    pub(crate) refused: HashSet<TopicName>,
    /// Topics that gave no answer: they failed, panicked or timed out.
    pub(crate) unknown: HashSet<TopicName>,
}

impl Session {
    /// Attaches a new session to its first connection.
    pub(crate) fn attach_first(&mut self, secret: ResumeSecret<'_>) {
        let limits = &self.supervisor.core().limits;
        self.behaviour.reset(0);
        self.port.attach_task();
        self.port.set_outbox(Some(Outbox::new(limits.outbox_bytes)));
        self.send_welcome(secret, SessionStart::New);
        let core = self.supervisor.core();
        core.counters.session_opened();
        core.lifecycle.emit(|| LifecycleEvent::Opened {
            session: self.id().clone(),
            connection: self.connection.clone(),
        });
        tracing::debug!(session = %self.id(), "session created");
    }

    /// Attaches a session to another connection of the same user. Unmounts components that show a
    /// topic in `refused`, then sends the patches that the page has missed, then its unacknowledged
    /// replies.
    pub(crate) fn resume(
        &mut self,
        secret: ResumeSecret<'_>,
        connection: ConnectionId,
        identity: Identity,
        position: &ClientPosition,
        refused: &HashSet<TopicName>,
    ) {
        let limits = self.supervisor.core().limits.clone();
        self.supervisor.core().counters.resumed.add();
        self.connection = connection;
        self.identity = identity;
        self.resumes = self.resumes.wrapping_add(1);
        self.behaviour.reset(u32::try_from(limits.in_flight).unwrap_or(u32::MAX));
        if let Some(acked) = position.acked {
            self.replies.acknowledge(acked);
            self.drop_acknowledged_patches(acked);
        }
        self.unsubscribe_all();
        self.unmount_refused(refused);
        // Topics that no component shows were not authorized.
        let topics = &self.topics;
        let is_refused = |name: &TopicName| !topics.contains_key(name);
        self.replies.withhold(is_refused);
        self.held_replies.withhold(is_refused);
        self.held_replies.drop_patches();
        for component in self.components.values_mut() {
            component.snapshot_rev = Rev::ZERO;
        }
        self.refresh_all_visibility();
        self.port.set_outbox(Some(Outbox::new(limits.outbox_bytes)));
        self.send_welcome(secret, SessionStart::Resumed);
        self.subscribe_all(&position.streams);
        self.renew_presences();
        let replaced = self.send_replaced();
        for (stream, epoch, rev) in &position.streams {
            if let StreamId::Component(id) = stream
                && !replaced.contains(id)
            {
                self.catch_up(id, epoch, *rev);
            }
        }
        let waiting: Vec<(Ref, CachedReply)> =
            self.replies.unacknowledged().map(|(reference, reply)| (reference, reply.clone())).collect();
        for (at, (reference, reply)) in waiting.iter().enumerate() {
            // The state of a component is sent once, with the reply to its last mount. A page
            // mounts an id again only after it has received the earlier replies for that id.
            let later = waiting.get(at + 1..).unwrap_or_default();
            if matches!(reply, CachedReply::Mounted(_)) && later.iter().any(|(_, one)| one == reply) {
                self.port.send(encode::reply_lost(*reference));
            } else {
                self.resend_reply(*reference, reply);
            }
        }
        self.resume_jobs();
        self.enqueue_resumed();
        // The row saved at the disconnect expires when the suspension ends, so it is saved again.
        self.persistence.forget_notification();
        self.mark_changed();
        // Topics may have changed meanwhile, or the identity, which `$user` shows.
        let children: Vec<ComponentId> = self
            .components
            .iter()
            .filter(|(_, component)| component.mounted_by.link().is_some())
            .map(|(id, _)| id.clone())
            .collect();
        for id in children {
            self.queue_props_check(&id);
        }
        self.supervisor.core().lifecycle.emit(|| LifecycleEvent::Resumed {
            session: self.id().clone(),
            connection: self.connection.clone(),
        });
        tracing::debug!(session = %self.id(), "session resumed");
    }

    /// Queues the `resumed` hook of all components, or `connected` where another process ended
    /// before that hook had finished.
    fn enqueue_resumed(&mut self) {
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in ids {
            let Some(component) = self.components.get(&id) else { continue };
            let job = match component.connected_hook {
                // The mount queues it.
                ConnectedHook::Due if matches!(component.slot, InstanceSlot::Mounting) => continue,
                ConnectedHook::Due => Job::Connected,
                ConnectedHook::Running | ConnectedHook::Finished if component.spec.has(Hook::Resumed) => {
                    Job::Resumed
                }
                ConnectedHook::Running | ConnectedHook::Finished => continue,
            };
            self.enqueue(&id, Task::Job { job, origin: TaskOrigin::Server });
        }
    }

    /// Detaches the session from its connection. Nothing is sent from now on.
    pub(crate) fn detach(&mut self) {
        self.port.set_outbox(None);
        self.resyncs = Vec::new();
        self.held_replies.drop_patches();
        self.unsubscribe_all();
        self.suspend_presences();
        self.mark_expiry_changed();
        self.drop_views();
    }

    /// Queues the `disconnected` hook of all components.
    pub(crate) fn continue_detached(&mut self) {
        self.resume_jobs();
        self.enqueue_hook(Hook::Disconnected, || Job::Disconnected);
    }

    /// Sends `DRAIN`: the page reconnects after that time, to a process that accepts connections.
    pub(crate) fn send_drain(&self, after: Duration) {
        let reconnect_after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.port.send(encode::frame(&ServerMessage::Drain { reconnect_after_ms }));
    }

    /// Sends `WELCOME`.
    fn send_welcome(&self, secret: ResumeSecret<'_>, start: SessionStart) {
        let core = self.supervisor.core();
        let done = match start {
            SessionStart::New => Vec::new(),
            SessionStart::Resumed => self.replies.unacknowledged().map(|(reference, _)| reference).collect(),
        };
        self.port.send(encode::frame(&ServerMessage::Welcome(Welcome {
            session: self.id().clone(),
            secret,
            connection: self.connection.clone(),
            resumed: start == SessionStart::Resumed,
            done,
            heartbeat_ms: u64::try_from(core.limits.heartbeat.as_millis()).unwrap_or(u64::MAX),
            build: (&*core.build).into(),
            limits: DeclaredLimits {
                message_bytes: core.limits.message_bytes as u64,
                components: core.limits.components as u64,
                in_flight: core.limits.in_flight as u64,
            },
        })));
    }

    /// Sends the components whose state or template differs from that of the page, and returns
    /// their ids.
    fn send_replaced(&mut self) -> Vec<ComponentId> {
        let replaced: Vec<ComponentId> = self
            .components
            .iter_mut()
            .filter(|(_, component)| component.is_shown())
            .filter_map(|(id, component)| std::mem::take(&mut component.is_replaced).then(|| id.clone()))
            .collect();
        for id in &replaced {
            let frame = self.encode_mounted(id, None, None);
            self.port.send(frame);
            if let Some(component) = self.components.get_mut(id) {
                component.snapshot_rev = component.stream.rev();
            }
        }
        replaced
    }

    /// Sends the patches that the page misses of a component, or a snapshot.
    fn catch_up(&mut self, id: &ComponentId, epoch: &Epoch, rev: Rev) {
        let stream = StreamId::Component(id.clone());
        let Some(component) = self.components.get(id) else {
            // If the page unmounted the component, the cached reply confirms it.
            let waits =
                |reply: &CachedReply| matches!(reply, CachedReply::Done { component, .. } if component == id);
            if !self.replies.unacknowledged().any(|(_, reply)| waits(reply)) {
                let reason = UnmountReason::Removed.as_str().into();
                self.port.send(encode::frame(&ServerMessage::Unmounted { component_id: id.clone(), reason }));
            }
            return;
        };
        if matches!(component.slot, InstanceSlot::Mounting) {
            return;
        }
        let patches = (self.supervisor.core().epochs.text(component.stream.epoch()) == *epoch)
            .then(|| component.stream.since(rev))
            .flatten();
        match patches {
            Some(patches) => {
                for (rev, patch) in patches {
                    self.port.send_patch(
                        stream.clone(),
                        rev,
                        encode::patch(stream.clone(), rev, &patch.0),
                        None,
                    );
                }
            }
            None => self.port.send_snapshot(stream),
        }
    }

    /// Asks all topics whether the user may see them, as the user is recognised in `identity`. Each
    /// has [`AUTHORIZE_TIME`] to answer.
    pub(crate) fn authorize_topics(
        &self,
        identity: &Identity,
    ) -> impl Future<Output = TopicAuthorization> + Send + use<> {
        let topics = self.topics.values().map(|held| held.topic.clone()).collect();
        authorize(topics, identity, self.supervisor.core().limits.action_time.min(AUTHORIZE_TIME))
    }

    /// Unmounts the components that show a topic which the user may not see any more. A running
    /// handler may delay the unmount; nothing of the component or its topics is sent meanwhile.
    fn unmount_refused(&mut self, refused: &HashSet<TopicName>) {
        let shows =
            |component: &SessionComponent| component.topics.iter().any(|(_, name)| refused.contains(name));
        let ids: Vec<ComponentId> = self
            .components
            .iter()
            .filter(|(_, component)| shows(component))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &ids {
            self.hide_revoked(id);
        }
        for id in ids {
            let origin = TaskOrigin::Unmount { reason: UnmountReason::Revoked };
            self.enqueue(&id, Task::Unmount { origin });
        }
    }
    /// Hides a component whose user may not see it any more.
    pub(super) fn hide_revoked(&mut self, id: &ComponentId) {
        tracing::debug!(session = %self.port.session(), component = %id, "hidden, because the user may not see it any more");
        let Some(component) = self.components.get_mut(id) else { return };
        let visibility = component.visibility();
        component.is_withdrawn = true;
        component.presences = Vec::new();
        let topics = std::mem::take(&mut component.topics);
        self.release_topics(topics, visibility);
    }
}

/// Asks topics whether a user may see them. Each has `limit` to answer.
pub(super) fn authorize(
    topics: Vec<TopicRef>,
    identity: &Identity,
    limit: Duration,
) -> impl Future<Output = TopicAuthorization> + Send + use<> {
    let answers = topics.into_iter().map(|topic| {
        let name = topic.name().clone();
        let answer = guard("authorizing a topic", Some(limit), topic.authorize(identity));
        async move { (name, answer.await.map_err(RestoreFailure::of_decoded)) }
    });
    let answers: Vec<_> = answers.collect();
    async move {
        let mut authorized = TopicAuthorization::default();
        for (name, answer) in join_all(answers).await {
            match answer {
                Ok(()) => {}
                Err(RestoreFailure::Refused(_)) => {
                    authorized.refused.insert(name);
                }
                // A topic may answer `not_found` to users who may not see it.
                Err(RestoreFailure::Undecodable(error)) if error.code() == ErrorCode::NotFound => {
                    authorized.refused.insert(name);
                }
                Err(failure @ (RestoreFailure::Temporary(_) | RestoreFailure::Undecodable(_))) => {
                    let (topic, error) = (Quoted(&name), Escaped(&failure));
                    tracing::error!(%topic, %error, "cannot authorize a topic");
                    authorized.unknown.insert(name);
                }
            }
        }
        authorized
    }
}
