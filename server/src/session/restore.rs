//! Sessions out of the store.

mod revive;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;
use vivaz_components::{ActionError, Admission, Identity, MountContext, Subscriber, UnmountReason};
use vivaz_protocol::{CloseCode, ConnectionId, Epoch, ResumeSecret, Rev, SessionId, StreamId};

use self::revive::{Back, How, Revival, Revived, by_id, follow_parents};
use super::Session;
use super::component::{Component, Connecting, Slot};
use super::joined::Joined;
use super::keep::{owner, shown};
use super::replies::{Bounds, Replies};
use super::supervisor::Supervisor;
use crate::core::StreamEpoch;
use crate::persist::keeper::Keeper;
use crate::persist::store::{StoreError, StoredSession, WriteRefusal};
use crate::session::port::Port;
use crate::session::sessions::is_good;

/// What a page that comes back is looked for with.
pub(crate) struct Restore<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) secret: &'a ResumeSecret<'a>,
    pub(crate) identity: &'a Identity,
    /// Where the page is in each stream that it has.
    pub(crate) streams: &'a [(StreamId, Epoch, Rev)],
    /// When its `HELLO` arrived.
    pub(crate) asked: Instant,
}

impl Restore<'_> {
    /// Whether the page has a component of that id.
    fn is_shown(&self, id: &str) -> bool {
        self.streams
            .iter()
            .any(|(stream, _, _)| matches!(stream, StreamId::Component(one) if one.as_str() == id))
    }
}

/// What came of bringing a session here out of the store.
pub(crate) enum Restored {
    /// There is no such session for that page. It is not said why not.
    Unknown,
    /// It has moved meanwhile: look again where it is.
    Moved,
    /// Here it is, held by the caller.
    Session(Box<Session>),
}

/// Why a session that the store may have could not be brought here. It is still in the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user has as many sessions as one may have.
    #[error("this user has too many sessions")]
    TooMany,
    /// A component could not be restored now.
    #[error("a component could not be restored: {0}")]
    Component(ActionError),
    /// The user's access is being taken away.
    #[error("the sessions of this user are being ended")]
    Ending,
}

/// Brings a session here that another process had.
///
/// # Errors
/// A failure is not an absence: the page is to try again.
pub(crate) async fn restore(
    supervisor: &Arc<Supervisor>,
    wanted: Restore<'_>,
) -> Result<Restored, RestoreError> {
    let Restore { session: id, secret, identity, asked, .. } = wanted;
    let core = supervisor.core();
    let Some(keeper) = &core.keeper else { return Ok(Restored::Unknown) };
    let theirs = owner(identity);
    if keeper.has_ended(id) {
        return Ok(Restored::Unknown);
    }
    if keeper.is_revoking(&theirs) {
        return Err(RestoreError::Ending);
    }
    let Some(head) = keeper.store.find(id).await? else { return Ok(Restored::Unknown) };
    if is_good(secret, &head.secrets).is_none() || head.owner != theirs {
        return Ok(Restored::Unknown);
    }
    let port = Port::new(id.clone(), supervisor.as_owner());
    let member = core.users.admit_tentatively(identity, id).map_err(|_too_many| RestoreError::TooMany)?;
    let claimed = match keeper.store.claim(id, &keeper.process, &head).await {
        Ok(claimed) => claimed,
        Err(error) => {
            // It may be this process's by now, and is not run here.
            keeper.release(id);
            return Err(error.into());
        }
    };
    let Some(stored) = claimed else { return Ok(Restored::Moved) };
    let StoredSession { owner: _, mut secrets, progress, components, aside, replies, exact } = stored;
    secrets.previous = is_good(secret, &secrets);
    if !supervisor.sessions.adopt(Arc::clone(&port), identity.clone(), member, secrets, asked) {
        return Ok(Restored::Moved);
    }
    let mut session = Box::new(Session::new(Arc::clone(&supervisor), port, identity.clone(), nobody()));
    session.entered = true;
    let limits = &core.limits;
    let bounds = Bounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
    session.replies = Replies::restore(&progress, &replies, bounds);
    let unreadable = session.replies.unreadable();
    if unreadable > 0 {
        tracing::error!(
            session = %id, unreadable,
            "stored replies cannot be read; their messages are answered with `reply_lost` and not run again"
        );
    }
    // What was stored is not lost because it is more than may come: it counts, and cannot grow.
    let cx = MountContext::new(core.env(identity.clone()))
        .with_time_limit(limits.action_time)
        .with_budget(Arc::clone(&session.budget), Admission::Known);
    let revival = Revival { supervisor, cx, is_overdue: core.failing.is_overdue(id) };
    let reviving = by_id(components, aside).into_iter().map(|(id, rows)| {
        let is_shown = wanted.is_shown(&id);
        revival.revive(id, rows, is_shown)
    });
    // Nothing is written before it is known what becomes of every one.
    let revived: Result<Vec<Revived>, ActionError> = join_all(reviving).await.into_iter().collect();
    let written = match revived {
        Ok(revived) => session.take_back(revived, exact, keeper).await,
        Err(error) => Err(RestoreError::Component(error)),
    };
    match written {
        Ok(None) => {}
        Ok(Some(WriteRefusal::Ended)) => return Ok(Restored::Unknown),
        Ok(Some(WriteRefusal::Taken | WriteRefusal::Absent)) => return Ok(Restored::Moved),
        Err(error) => {
            if matches!(error, RestoreError::Component(_)) {
                core.failing.failed(id);
            }
            keeper.release(id);
            return Err(error);
        }
    }
    // Another session of the user makes room only now that this one is back.
    let Ok(surplus) = core.users.evict_surplus(identity) else {
        keeper.release(id);
        return Err(RestoreError::TooMany);
    };
    if let Some(port) = surplus.and_then(|surplus| supervisor.sessions.port(&surplus)) {
        port.end(CloseCode::SessionEnded, UnmountReason::Expired);
    }
    session.adopt_all();
    session.port.attend();
    // From now on it is this process's.
    session.touch();
    tracing::debug!(session = %session.id(), exact, "session restored");
    Ok(Restored::Session(session))
}

/// The connection of a session that has none yet. It is named when it resumes.
fn nobody() -> ConnectionId {
    match ConnectionId::new("none") {
        Ok(id) => id,
        Err(_) => unreachable!("the name is a connection id"),
    }
}

impl Session {
    /// Puts the components into their places, and writes the session whole where it is not what is
    /// stored any more: the next process would take that for what the page has. Returns why the store
    /// did not take it.
    async fn take_back(
        &mut self,
        mut revived: Vec<Revived>,
        exact: bool,
        keeper: &Keeper,
    ) -> Result<Option<WriteRefusal>, RestoreError> {
        follow_parents(&mut revived);
        let mut is_other = false;
        for Revived { id: _, back, aside, is_moved } in revived {
            is_other |= is_moved;
            self.aside.extend(aside, &self.budget);
            if let Some(back) = back {
                is_other |= self.put_back(*back, exact);
            }
        }
        self.join_rooms();
        if is_other { Ok(self.enter_now(keeper).await?) } else { Ok(None) }
    }

    /// Puts a component into its place. Its epoch goes on if no page can have seen more of it than
    /// was stored, and the page was shown what the component shows now: a load is interrupted, what is
    /// not saved is made anew, and another version of the program may compute fields in another way.
    /// Returns whether it is not what is stored any more.
    fn put_back(&mut self, back: Back, exact: bool) -> bool {
        let Back { id, mounted_by, stored, registration, mut instance, how } = back;
        let core = self.supervisor.core();
        let spec = registration.spec;
        let is_as_shown = stored.shown.is_some() && stored.shown == shown(instance.as_mut());
        let goes_on = how == How::Whole && (exact || stored.durable) && is_as_shown;
        let epoch = match Epoch::new(&stored.epoch) {
            Ok(epoch) if goes_on => StreamEpoch::Restored(epoch),
            _ => core.epochs.begin(),
        };
        let mut component = Component::new(spec, epoch, mounted_by);
        component.rev = if how == How::Whole { Rev(stored.rev) } else { Rev::ZERO };
        if component.mounted_by.link().is_none() {
            component.props = stored.props.into();
        }
        if stored.connected {
            component.connecting = Connecting::Done;
        }
        component.settled = stored.settled;
        component.version = stored.version;
        component.anew = stored.anew;
        component.joined = Joined::restore(&stored.rooms);
        component.count_rooms(&self.budget);
        component.replaced = how != How::Whole || stored.template != core.templates.hash_of(spec.name);
        let is_other = !goes_on || component.replaced || stored.durable != core.commits(spec).is_some();
        let topics = instance.topics();
        component.slot = Slot::Idle(instance);
        self.components.insert(id.clone(), Box::new(component));
        self.show_topics(&id, topics);
        is_other
    }

    /// Enters the rooms that the components were in.
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
