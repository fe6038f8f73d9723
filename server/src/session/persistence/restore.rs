//! Restores sessions from the store.

mod rows;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vivaz_components::{ActionError, Admission, Identity, MountContext, Subscriber, UnmountReason};
use vivaz_protocol::{CloseCode, ConnectionId, Epoch, ResumeSecret, Rev, SessionId, StreamId};

use self::rows::{
    PageCopy, RestoredAs, RestoredComponent, Restorer, RowsOutcome, group_by_id, set_aside_with_parents,
};
use crate::core::StreamEpoch;
use crate::persist::keeper::{AwaitedRelease, Keeper};
use crate::persist::store::{ReleasedAs, StoreError, StoredSession, WriteRefusal};
use crate::session::Session;
use crate::session::component::{ConnectedHook, InstanceSlot, SessionComponent};
use crate::session::joined_rooms::JoinedRooms;
use crate::session::persistence::save::{instance_state_hash, stored_owner};
use crate::session::port::Port;
use crate::session::reply::cache::{CacheBounds, ReplyCache};
use crate::session::sessions::matching_secret_hash;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::lifecycle::LifecycleEvent;

/// A request to restore a session.
pub(crate) struct RestoreRequest<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) secret: &'a ResumeSecret<'a>,
    pub(crate) identity: &'a Identity,
    /// The epoch and the revision that the page has of each stream.
    pub(crate) streams: &'a [(StreamId, Epoch, Rev)],
    /// When the `HELLO` arrived.
    pub(crate) received_at: Instant,
    /// Cancelled when the page has left the connection.
    pub(crate) left: &'a CancellationToken,
}

impl RestoreRequest<'_> {
    /// Returns whether the page has a component with this id.
    fn page_copy(&self, id: &str) -> PageCopy {
        let is_component =
            |stream: &StreamId| matches!(stream, StreamId::Component(one) if one.as_str() == id);
        if self.streams.iter().any(|(stream, _, _)| is_component(stream)) {
            PageCopy::Present
        } else {
            PageCopy::Absent
        }
    }
}

/// Whether the store has the last state that a page can have seen. Durable components always have
/// it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exactness {
    /// The process that owned the session has saved it at its end.
    Exact,
    /// The process may have sent later states.
    Behind,
}

/// The outcome of a restore.
pub(crate) enum Restored {
    /// There is no such session for this page, for this reason. The page does not learn why.
    Unknown(&'static str),
    /// Another process or task has taken the session meanwhile. The caller looks it up again.
    Moved,
    /// The restored session. The caller drives it.
    Session(Box<Session>),
}

/// Why a session that the store may have cannot be restored now. The store keeps it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// The user has too many sessions.
    #[error("this user has too many sessions")]
    TooMany,
    /// A component cannot be restored now.
    #[error("cannot restore a component: {0}")]
    Component(ActionError),
    /// The user's sessions are being revoked.
    #[error("the sessions of this user are being revoked")]
    Ending,
    /// The page has left the connection before another process had released the session.
    #[error("the page has left")]
    Left,
    /// A page has resumed the session in the process that holds it.
    #[error("a page has resumed the session in another process")]
    Resumed,
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Restores a session from the store, and makes this process its owner.
///
/// # Errors
/// Returns an error if it is unknown whether the session exists, or if it cannot be restored now.
/// The page should retry.
pub(crate) async fn restore(
    supervisor: &Arc<Supervisor>,
    wanted: RestoreRequest<'_>,
) -> Result<Restored, RestoreError> {
    let RestoreRequest { session: id, secret, identity, received_at, .. } = wanted;
    let core = supervisor.core();
    let Some(keeper) = &core.keeper else { return Ok(Restored::Unknown("it is not in memory")) };
    let theirs = stored_owner(identity);
    if keeper.is_revoking(&theirs) {
        return Err(RestoreError::Ending);
    }
    let turn = keeper.restore_turn(id).await;
    if supervisor.sessions.contains(id) {
        return Ok(Restored::Moved);
    }
    let Some(head) = keeper.store.find(id).await? else {
        return Ok(Restored::Unknown("it is not in the store"));
    };
    if keeper.has_ended(id, head.fence) {
        return Ok(Restored::Unknown("it has ended"));
    }
    if matching_secret_hash(secret, &head.secrets).is_none() {
        return Ok(Restored::Unknown("the store has another secret"));
    }
    if head.owner != theirs {
        return Ok(Restored::Unknown("the store has another owner"));
    }
    // The holder may give the page another secret while it is asked for the session.
    let released = tokio::select! {
        biased;
        // The page may have gone back to the holder, which must not lose it to this process.
        () = wanted.left.cancelled() => return Err(RestoreError::Left),
        released = keeper.await_release(id, head) => released?,
    };
    let head = match released {
        AwaitedRelease::Claimable(head) => head,
        AwaitedRelease::Moved => return Ok(Restored::Moved),
        AwaitedRelease::Resumed => return Err(RestoreError::Resumed),
    };
    if matching_secret_hash(secret, &head.secrets).is_none() {
        return Ok(Restored::Moved);
    }
    let member = core.users.admit_tentatively(identity, id).map_err(|_too_many| RestoreError::TooMany)?;
    let claimed = match keeper.store.claim(id, &keeper.process, &head).await {
        Ok(claimed) => claimed,
        Err(error) => {
            // This process may own the session by now, and does not run it.
            keeper.release(id, head.fence.next(), ReleasedAs::Unchanged);
            return Err(error.into());
        }
    };
    let Some(stored) = claimed else { return Ok(Restored::Moved) };
    let StoredSession { owner: _, mut secrets, progress, components, aside, replies, exact, fence } = stored;
    let port = Port::new(id.clone(), fence, supervisor.as_owner());
    let exactness = if exact { Exactness::Exact } else { Exactness::Behind };
    secrets.previous = matching_secret_hash(secret, &secrets);
    if !supervisor.sessions.insert_restored(Arc::clone(&port), identity.clone(), member, secrets, received_at)
    {
        keeper.release(id, fence, ReleasedAs::Unchanged);
        return Ok(Restored::Moved);
    }
    drop(turn);
    let mut session =
        Box::new(Session::new(Arc::clone(supervisor), port, identity.clone(), placeholder_connection()));
    session.set_stored();
    let limits = &core.limits;
    let bounds = CacheBounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
    session.replies = ReplyCache::restore(&progress, &replies, bounds);
    let unreadable = session.replies.undecodable_count();
    if unreadable > 0 {
        tracing::error!(
            session = %id, unreadable,
            "cannot decode stored replies; their messages get `reply_lost` and do not run again"
        );
    }
    // Stored state may exceed the budget. It is restored and counted, but cannot grow.
    let cx = MountContext::new(core.env(identity.clone()))
        .with_time_limit(limits.action_time)
        .with_budget(Arc::clone(&session.budget), Admission::Known);
    let restorer = Restorer { supervisor, cx, is_overdue: core.failing.is_overdue(id) };
    let outcomes = group_by_id(components, aside).into_iter().map(|(id, rows)| {
        let copy = wanted.page_copy(&id);
        restorer.restore_rows(id, rows, copy)
    });
    // No component is written before the outcome of all of them is known.
    let outcomes: Result<Vec<RowsOutcome>, ActionError> = join_all(outcomes).await.into_iter().collect();
    let written = match outcomes {
        Ok(outcomes) => session.add_restored(outcomes, exactness, keeper).await,
        Err(error) => Err(RestoreError::Component(error)),
    };
    match written {
        Ok(None) => {}
        Ok(Some(WriteRefusal::Ended)) => return Ok(Restored::Unknown("it has ended")),
        Ok(Some(WriteRefusal::Taken | WriteRefusal::Absent)) => return Ok(Restored::Moved),
        Err(error) => {
            if matches!(error, RestoreError::Component(_)) {
                core.failing.failed(id);
            }
            session.discard();
            return Err(error);
        }
    }
    // Another session of the user ends only now that this one is restored.
    let Ok(surplus) = core.users.evict_surplus(identity) else {
        session.discard();
        return Err(RestoreError::TooMany);
    };
    if let Some(port) = surplus.and_then(|surplus| supervisor.sessions.port(&surplus)) {
        port.end(CloseCode::SessionEnded, UnmountReason::Expired);
    }
    session.link_all_to_parents();
    session.port.attach_task();
    // Saves the session with this process as its owner.
    session.mark_changed();
    core.counters.session_restored();
    core.lifecycle.emit(|| LifecycleEvent::Restored { session: session.id().clone() });
    tracing::debug!(session = %session.id(), exact, "session restored");
    Ok(Restored::Session(session))
}

/// Returns the placeholder for the connection of a session that has not been resumed yet.
fn placeholder_connection() -> ConnectionId {
    match ConnectionId::new("none") {
        Ok(id) => id,
        Err(_) => unreachable!("the name is a connection id"),
    }
}

impl Session {
    /// Adds the restored components. Writes the session whole if it differs from the store:
    /// otherwise the next process would take the stored state for that of the page. Returns the
    /// refusal, if the store refuses it.
    async fn add_restored(
        &mut self,
        mut outcomes: Vec<RowsOutcome>,
        exactness: Exactness,
        keeper: &Arc<Keeper>,
    ) -> Result<Option<WriteRefusal>, RestoreError> {
        set_aside_with_parents(&mut outcomes);
        let mut is_changed = false;
        for RowsOutcome { id: _, restored, aside, differs } in outcomes {
            is_changed |= differs;
            self.set_aside.add(aside, &self.budget);
            if let Some(restored) = restored {
                is_changed |= self.add_restored_component(*restored, exactness);
            }
        }
        self.join_rooms();
        if is_changed { Ok(self.write_whole_and_wait(keeper, None).await?) } else { Ok(None) }
    }

    /// Adds a restored component. Its epoch continues if no page can have seen a later state than
    /// the stored one, and if the component shows the state that the page has. It may not, because
    /// a load was interrupted, unsaved fields were computed anew, or another version of the program
    /// computes fields in another way. Returns whether the component differs from the store.
    fn add_restored_component(&mut self, restored: RestoredComponent, exactness: Exactness) -> bool {
        let RestoredComponent { id, mounted_by, stored, registration, mut instance, how } = restored;
        let core = self.supervisor.core();
        let spec = registration.spec;
        let is_as_shown = stored.shown.is_some() && stored.shown == instance_state_hash(instance.as_mut());
        let epoch_continues =
            how == RestoredAs::Unchanged && (exactness == Exactness::Exact || stored.durable) && is_as_shown;
        let epoch = match Epoch::new(&stored.epoch) {
            Ok(epoch) if epoch_continues => StreamEpoch::Restored(epoch),
            _ => core.epochs.begin(),
        };
        let rev = if how == RestoredAs::Unchanged { Rev(stored.rev) } else { Rev::ZERO };
        let mut component = SessionComponent::new(spec, epoch, rev, mounted_by);
        if component.mounted_by.link().is_none() {
            component.props = stored.props.into();
        }
        if stored.connected {
            component.connected_hook = ConnectedHook::Finished;
        }
        component.settled = stored.settled;
        component.version = stored.version;
        component.is_remounted = stored.anew;
        component.joined = JoinedRooms::from_stored(&stored.rooms);
        component.account_rooms(&self.budget);
        component.is_replaced =
            how != RestoredAs::Unchanged || stored.template != core.templates.hash_of(spec.name);
        let differs =
            !epoch_continues || component.is_replaced || stored.durable != core.commit_keeper(spec).is_some();
        let topics = instance.topics();
        component.slot = InstanceSlot::Idle(instance);
        self.components.insert(id.clone(), Box::new(component));
        self.set_topics(&id, topics);
        differs
    }

    /// Joins the rooms of the restored components.
    fn join_rooms(&self) {
        let hub = self.hub();
        let subscriber = Arc::clone(&self.port) as Arc<dyn Subscriber>;
        for (id, component) in &self.components {
            for room in component.joined.rooms() {
                hub.rooms().join(room, id, &subscriber);
            }
        }
    }
}
