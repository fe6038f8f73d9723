//! Attaches a session to a connection, and detaches it.

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

use super::component::{Component, Connecting, Slot};
use super::replies::Kept;
use super::task::{Origin, Task};
use super::{Session, encode};
use crate::session::outbox::Outbox;
use crate::telemetry::log::{Escaped, Quoted};
use crate::telemetry::stats::Counters;

/// The time in which a topic has to authorize a resuming user, unless
/// [`Limits::action_time`](crate::Limits::action_time) is shorter. It is less than the 10 s for
/// which a page waits for its `WELCOME`, so that the page receives an answer.
const AUTHORIZE_TIME: Duration = Duration::from_secs(7);

/// The state of a resuming client, as stated in its `HELLO`.
#[derive(Debug, Default)]
pub(crate) struct Position {
    /// The client has received every reply up to this one.
    pub(crate) acked: Option<Ref>,
    /// The epoch and the revision that the client has of each stream.
    pub(crate) streams: Vec<(StreamId, Epoch, Rev)>,
}

/// The answers of a session's topics to an authorization.
#[derive(Debug, Default)]
pub(crate) struct Authorized {
    /// Topics that the user may not see.
    pub(crate) refused: HashSet<TopicName>,
    /// Topics that gave no answer: they failed, panicked or timed out.
    pub(crate) unknown: HashSet<TopicName>,
}

impl Session {
    /// Attaches a new session to its first connection.
    pub(crate) fn greet(&mut self, secret: ResumeSecret<'_>) {
        let limits = &self.supervisor.core().limits;
        self.behaviour.greet(0);
        self.port.attend();
        self.port.connect(Some(Outbox::new(limits.outbox_bytes)));
        self.welcome(secret, false);
        tracing::debug!(session = %self.id(), "session created");
    }

    /// Attaches a session to another connection of the same user. Unmounts components that show a
    /// topic in `refused`, then sends what the page missed, then its unacknowledged replies.
    pub(crate) fn resume(
        &mut self,
        secret: ResumeSecret<'_>,
        connection: ConnectionId,
        identity: Identity,
        position: &Position,
        refused: &HashSet<TopicName>,
    ) {
        let limits = self.supervisor.core().limits.clone();
        Counters::add(&self.supervisor.core().counters.resumed);
        self.connection = connection;
        self.identity = identity;
        self.resumes = self.resumes.wrapping_add(1);
        self.behaviour.greet(u32::try_from(limits.in_flight).unwrap_or(u32::MAX));
        if let Some(acked) = position.acked {
            self.replies.received(acked);
            self.forget_patches(acked);
        }
        self.unfollow_topics();
        self.take_away(refused);
        // Topics that no component shows were not authorized.
        let topics = &self.topics;
        let is_refused = |name: &TopicName| !topics.contains_key(name);
        self.replies.withhold(is_refused);
        self.held.withhold(is_refused);
        self.held.forget_patches();
        for component in self.components.values_mut() {
            component.floor = Rev::ZERO;
        }
        self.look_at_all();
        self.port.connect(Some(Outbox::new(limits.outbox_bytes)));
        self.welcome(secret, true);
        self.follow_topics(&position.streams);
        self.renew_presences();
        let replaced = self.tell_replaced();
        for (stream, epoch, rev) in &position.streams {
            if let StreamId::Component(id) = stream
                && !replaced.contains(id)
            {
                self.catch_up(id, epoch, *rev);
            }
        }
        let waiting: Vec<(Ref, Kept)> =
            self.replies.waiting().map(|(reference, kept)| (reference, kept.clone())).collect();
        for (reference, kept) in waiting {
            self.say_again(reference, &kept);
        }
        self.go_on();
        self.tell_resumed();
        // The row saved at the disconnect expires when the suspension ends, so it is saved again.
        self.unsaved = false;
        self.touch();
        // Topics may have changed meanwhile, or the identity, which `$user` shows.
        let children: Vec<ComponentId> = self
            .components
            .iter()
            .filter(|(_, component)| component.mounted_by.link().is_some())
            .map(|(id, _)| id.clone())
            .collect();
        for id in children {
            self.refresh(&id);
        }
        tracing::debug!(session = %self.id(), "session resumed");
    }

    /// Queues the `resumed` hook of all components, or `connected` where another process ended
    /// before that hook had finished.
    fn tell_resumed(&mut self) {
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in ids {
            let Some(component) = self.components.get(&id) else { continue };
            let job = match component.connecting {
                // The mount queues it.
                Connecting::Due if matches!(component.slot, Slot::Mounting) => continue,
                Connecting::Due => Job::Connected,
                Connecting::Running | Connecting::Done if component.spec.has(Hook::Resumed) => Job::Resumed,
                Connecting::Running | Connecting::Done => continue,
            };
            self.enqueue(&id, Task::Job { job, origin: Origin::Server });
        }
    }

    /// Detaches the session from its connection. Nothing is sent from now on.
    pub(crate) fn detach(&mut self) {
        self.port.connect(None);
        self.held.forget_patches();
        self.unfollow_topics();
        self.suspend_presences();
        self.mark_unsaved();
        self.forget_views();
    }

    /// Queues the `disconnected` hook of all components.
    pub(crate) fn disconnected(&mut self) {
        self.go_on();
        self.enqueue_all(Hook::Disconnected, || Job::Disconnected);
    }

    /// Sends `DRAIN`: the page reconnects after that time, to a process that accepts connections.
    pub(crate) fn say_drain(&self, after: Duration) {
        let reconnect_after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.port.send(encode::frame(&ServerMessage::Drain { reconnect_after_ms }));
    }

    fn welcome(&self, secret: ResumeSecret<'_>, resumed: bool) {
        let core = self.supervisor.core();
        let done = if resumed {
            self.replies.waiting().map(|(reference, _)| reference).collect()
        } else {
            Vec::new()
        };
        self.port.send(encode::frame(&ServerMessage::Welcome(Welcome {
            session: self.id().clone(),
            secret,
            connection: self.connection.clone(),
            resumed,
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

    /// Sends the components whose state or template differs from what the page has, and returns
    /// their ids.
    fn tell_replaced(&mut self) -> Vec<ComponentId> {
        let replaced: Vec<ComponentId> = self
            .components
            .iter_mut()
            .filter(|(_, component)| component.is_shown())
            .filter_map(|(id, component)| std::mem::take(&mut component.replaced).then(|| id.clone()))
            .collect();
        for id in &replaced {
            let frame = self.mounted_frame(id, None);
            self.port.send(frame);
            if let Some(component) = self.components.get_mut(id) {
                component.floor = component.rev;
            }
        }
        replaced
    }

    /// Sends the patches that the page misses of a component, or a snapshot.
    fn catch_up(&mut self, id: &ComponentId, epoch: &Epoch, rev: Rev) {
        let stream = StreamId::Component(id.clone());
        let Some(component) = self.components.get(id) else {
            // If the page unmounted the component, the cached reply tells it.
            let waits = |kept: &Kept| matches!(kept, Kept::Done { component, .. } if component == id);
            if !self.replies.waiting().any(|(_, kept)| waits(kept)) {
                let reason = UnmountReason::Removed.as_str().into();
                self.port.send(encode::frame(&ServerMessage::Unmounted { component_id: id.clone(), reason }));
            }
            return;
        };
        if matches!(component.slot, Slot::Mounting) {
            return;
        }
        let patches = (self.supervisor.core().epochs.text(&component.epoch) == *epoch)
            .then(|| component.ring.since(rev, component.rev))
            .flatten();
        match patches {
            Some(patches) => {
                for (rev, patch) in patches {
                    self.port.send_patch(
                        stream.clone(),
                        rev,
                        encode::patch(stream.clone(), rev, patch),
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
    ) -> impl Future<Output = Authorized> + Send + use<> {
        let topics = self.topics.values().map(|held| held.topic.clone()).collect();
        authorize_all(topics, identity, self.supervisor.core().limits.action_time.min(AUTHORIZE_TIME))
    }

    /// Unmounts the components that show a topic which the user may not see any more. A running
    /// handler may delay the unmount; nothing of the component or its topics is sent meanwhile.
    fn take_away(&mut self, refused: &HashSet<TopicName>) {
        let shows = |component: &Component| component.topics.iter().any(|(_, name)| refused.contains(name));
        let ids: Vec<ComponentId> = self
            .components
            .iter()
            .filter(|(_, component)| shows(component))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &ids {
            self.withdraw(id);
        }
        for id in ids {
            let origin = Origin::End { reason: UnmountReason::Revoked };
            self.enqueue(&id, Task::Unmount { origin });
        }
    }
    /// Hides a component whose user may not see it any more.
    pub(super) fn withdraw(&mut self, id: &ComponentId) {
        tracing::debug!(component = %id, "hidden, because the user may not see it any more");
        let Some(component) = self.components.get_mut(id) else { return };
        let was_shown = component.is_shown();
        component.withdrawn = true;
        component.presences = Vec::new();
        let topics = std::mem::take(&mut component.topics);
        self.release_topics(topics, was_shown);
    }
}

/// Asks topics whether a user may see them. Each has `limit` to answer.
pub(super) fn authorize_all(
    topics: Vec<TopicRef>,
    identity: &Identity,
    limit: Duration,
) -> impl Future<Output = Authorized> + Send + use<> {
    let asked = topics.into_iter().map(|topic| {
        let name = topic.name().clone();
        let answer = guard("authorizing a topic", Some(limit), topic.authorize(identity));
        async move { (name, answer.await.map_err(RestoreFailure::of_decoded)) }
    });
    let asked: Vec<_> = asked.collect();
    async move {
        let mut authorized = Authorized::default();
        for (name, answer) in join_all(asked).await {
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
