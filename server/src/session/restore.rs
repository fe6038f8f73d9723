//! Sessions out of the store.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use vivaz_components::instance::Instance;
use vivaz_components::{
    ActionError, Admission, Decoded, Identity, MountContext, Registration, RestoreFailure, Subscriber,
    UnmountReason,
};
use vivaz_protocol::{CloseCode, ComponentId, ConnectionId, Epoch, ResumeSecret, Rev, SessionId};

use super::Session;
use super::child::MountedBy;
use super::component::{Component, Slot};
use super::history::History;
use super::keep::owner;
use super::replies::{Bounds, Replies};
use crate::log::{Escaped, Quoted};
use crate::port::Port;
use crate::runtime::Runtime;
use crate::sessions::is_good;
use crate::store::{Progress, StoreError, StoredComponent, StoredSession};

/// A component as it comes back.
struct Back {
    stored: StoredComponent,
    registration: Registration,
    instance: Box<dyn Instance>,
    how: How,
}

/// How it came back.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// As it was.
    Whole,
    /// As something that the page has to be told: of another schema, or mounted anew.
    Changed,
    /// Mounted anew.
    Anew,
}

/// What a page that comes back is looked for with.
pub(crate) struct Restore<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) secret: &'a ResumeSecret<'a>,
    pub(crate) identity: &'a Identity,
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
    /// A component could not be restored now, or not be stored again.
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
pub(crate) async fn restore(runtime: &Runtime, wanted: Restore<'_>) -> Result<Restored, RestoreError> {
    let Restore { session: id, secret, identity } = wanted;
    let core = runtime.core();
    let Some(keeper) = &core.keeper else { return Ok(Restored::Unknown) };
    let theirs = owner(identity);
    if keeper.has_ended(id) {
        return Ok(Restored::Unknown);
    }
    if keeper.is_revoking(&theirs) {
        return Err(RestoreError::Ending);
    }
    let Some(head) = keeper.within(keeper.store.find(id)).await? else { return Ok(Restored::Unknown) };
    if is_good(secret, &head.secrets).is_none() || head.owner != theirs {
        return Ok(Restored::Unknown);
    }
    let port = Port::new(id.clone(), runtime);
    let (member, surplus) = core.users.enter(identity, id).map_err(|_too_many| RestoreError::TooMany)?;
    let claimed = match keeper.within(keeper.store.claim(id, &keeper.process, &head)).await {
        Ok(claimed) => claimed,
        Err(error) => {
            // It may be this process's by now, and is not run here.
            keeper.release(id);
            return Err(error.into());
        }
    };
    let Some(stored) = claimed else { return Ok(Restored::Moved) };
    if let Some(port) = surplus.and_then(|surplus| core.sessions.port(&surplus)) {
        port.end(CloseCode::SessionEnded, UnmountReason::Expired);
    }
    let StoredSession { owner: _, mut secrets, progress, components, replies, exact } = stored;
    secrets.previous = is_good(secret, &secrets);
    if !core.sessions.adopt(Arc::clone(&port), identity.clone(), member, secrets) {
        return Ok(Restored::Moved);
    }
    let mut session = Box::new(Session::new(runtime.clone(), port, identity.clone(), nobody()));
    session.entered = true;
    let limits = &core.limits;
    let bounds = Bounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
    session.replies = Replies::restore(&progress, &replies, bounds);
    // What was stored is not lost because it is more than may come: it counts, and cannot grow.
    let cx = MountContext::new(core.env(identity.clone()))
        .with_time_limit(limits.action_time)
        .with_budget(Arc::clone(&session.budget), Admission::Known);
    let components = components.into_iter().map(|stored| come_back(runtime, stored, cx.clone()));
    for back in join_all(components).await {
        let taken = match back {
            Ok(Some(back)) => session.take_back(back, exact).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            keeper.release(id);
            return Err(RestoreError::Component(error));
        }
    }
    session.adopt_all();
    session.join_rooms(&progress);
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

/// Makes a component of what was stored; if this program cannot decode that, anew from its props.
///
/// # Errors
/// When that failed and may succeed the next time.
async fn come_back(
    runtime: &Runtime,
    stored: StoredComponent,
    cx: MountContext,
) -> Result<Option<Back>, ActionError> {
    let name = Quoted(&stored.name);
    let Some(registration) = runtime.core().registry.get(&stored.name).copied() else {
        tracing::warn!(%name, "a stored component is of a kind that is not there any more");
        return Ok(None);
    };
    let (how, made) = match registration.restore(&stored.state, stored.schema, cx.clone()).await {
        Ok(Decoded::AsSaved(instance)) => (How::Whole, Ok(instance)),
        Ok(Decoded::Migrated(instance)) => (How::Changed, Ok(instance)),
        Err(RestoreFailure::Undecodable(error)) => {
            let error = Escaped(&error);
            tracing::warn!(%name, %error, "a stored component cannot be decoded: mounted anew");
            let made = anew(&registration, &stored, cx).await;
            (How::Anew, made.map_err(RestoreFailure::of_decoded))
        }
        Err(failure) => (How::Whole, Err(failure)),
    };
    match made {
        Ok(instance) => Ok(Some(Back { stored, registration, instance, how })),
        Err(RestoreFailure::Temporary(error)) => Err(error),
        Err(failure @ (RestoreFailure::Refused(_) | RestoreFailure::Undecodable(_))) => {
            let failure = Escaped(&failure);
            tracing::warn!(%name, %failure, "a stored component does not come back");
            Ok(None)
        }
    }
}

async fn anew(
    registration: &Registration,
    stored: &StoredComponent,
    cx: MountContext,
) -> Result<Box<dyn Instance>, ActionError> {
    let props: &RawValue = serde_json::from_str(&stored.props)?;
    registration.mount(props, cx).await
}

impl Session {
    /// Puts a component into its place. Its history goes on if no page can have seen more of it than was stored.
    async fn take_back(&mut self, back: Back, exact: bool) -> Result<(), ActionError> {
        let Back { stored, registration, mut instance, how } = back;
        let Ok(id) = ComponentId::new(&stored.id) else { return Ok(()) };
        let core = self.runtime.core();
        let spec = registration.spec;
        let goes_on = how == How::Whole && (exact || stored.durable);
        let history = match Epoch::new(&stored.epoch) {
            Ok(epoch) if goes_on => History::Kept(epoch),
            _ => core.begin_history(),
        };
        let mounted_by = match MountedBy::restore(&stored.origin) {
            Ok(mounted_by) => mounted_by,
            Err(error) => {
                tracing::error!(component = %id, %error, "a stored child has no parent");
                return Ok(());
            }
        };
        let mut component = Component::new(spec, history, mounted_by);
        component.rev = if how == How::Whole { Rev(stored.rev) } else { Rev::ZERO };
        component.props = stored.props.into();
        component.settled = stored.settled;
        component.version = stored.version;
        component.replaced = how != How::Whole || stored.template != core.templates.hash_of(spec.name);
        let topics = instance.topics();
        if !goes_on || component.replaced || stored.durable != core.commits(spec).is_some() {
            // What is stored says something else: the next process would take it for what the page has.
            if let Some(entry) = self.entry(&id, &component) {
                instance = entry.commit(Ok(instance)).await?;
            }
            component.version = 0;
        }
        component.slot = Slot::Idle(instance);
        self.components.insert(id.clone(), Box::new(component));
        self.show_topics(&id, topics);
        Ok(())
    }

    /// Whoever was in a room is in it again.
    fn join_rooms(&mut self, progress: &Progress) {
        let hub = self.hub();
        let subscriber = Arc::clone(&self.port) as Arc<dyn Subscriber>;
        for (component, rooms) in &progress.rooms {
            let Some((id, component)) = ComponentId::new(component)
                .ok()
                .and_then(|id| self.components.get_mut(&id).map(|component| (id, component)))
            else {
                continue;
            };
            component.joined = true;
            for room in rooms {
                hub.rooms().join(&room.as_str().into(), &id, &subscriber);
            }
        }
    }
}
