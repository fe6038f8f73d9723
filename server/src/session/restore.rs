//! Sessions out of the store.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use vivaz_components::instance::Instance;
use vivaz_components::{
    ActionError, Identity, MountContext, Registration, Result, Subscriber, UnmountReason,
};
use vivaz_protocol::{CloseCode, ComponentId, ConnectionId, Epoch, ErrorCode, Resume, Rev};

use super::Session;
use super::component::{Component, Slot};
use super::history::History;
use super::keep::owner;
use super::replies::{Bounds, Replies};
use crate::port::Port;
use crate::runtime::Runtime;
use crate::seal::now;
use crate::sessions::is_good;
use crate::store::{Progress, StoredComponent, StoredSession};

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

/// Brings a session here that another process had. `None` says nothing about why not; whoever is told so may find that
/// somebody else has just brought it.
pub(crate) async fn restore(
    runtime: &Runtime,
    resume: &Resume<'_>,
    identity: &Identity,
) -> Option<Box<Session>> {
    let core = runtime.core();
    let keeper = core.keeper.as_ref()?;
    let stored = match keeper.store.load(&resume.session, now()).await {
        Ok(stored) => stored?,
        Err(error) => {
            tracing::error!(%error, "a session could not be loaded");
            return None;
        }
    };
    let StoredSession { owner: theirs, mut secrets, progress, components, replies, exact } = stored;
    let given = is_good(&resume.secret, &secrets)?;
    if theirs != owner(identity) {
        return None;
    }
    secrets.previous = Some(given);
    let port = Port::new(resume.session.clone(), runtime);
    let (member, surplus) = core.users.enter(identity, port.session()).ok()?;
    if let Some(port) = surplus.and_then(|surplus| core.sessions.port(&surplus)) {
        port.end(CloseCode::SessionEnded, UnmountReason::Expired);
    }
    if !core.sessions.adopt(Arc::clone(&port), identity.clone(), member, secrets) {
        return None;
    }
    // The connection is named when it resumes; until then there is none.
    let nobody = ConnectionId::new("none").ok()?;
    let mut session = Box::new(Session::new(runtime.clone(), port, identity.clone(), nobody));
    let limits = &core.limits;
    let bounds = Bounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
    session.replies = Replies::restore(&progress, &replies, bounds);
    let cx = MountContext::new(core.env(identity.clone())).with_time_limit(limits.action_time);
    let components = components.into_iter().map(|stored| come_back(runtime, stored, cx.clone()));
    for back in join_all(components).await.into_iter().flatten() {
        session.take_back(back, exact).await;
    }
    session.join_rooms(&progress);
    session.port.attend();
    // From now on it is this process's.
    session.touch();
    tracing::debug!(session = %session.id(), exact, "session restored");
    Some(session)
}

/// Makes a component of what was stored; if that cannot be read any more, anew from its props.
async fn come_back(runtime: &Runtime, stored: StoredComponent, cx: MountContext) -> Option<Back> {
    let registration = match runtime.core().registry.get(&stored.name) {
        Some(registration) => *registration,
        None => {
            tracing::warn!(name = stored.name, "a stored component is of a kind that is not there any more");
            return None;
        }
    };
    let (how, made) = match registration.restore(&stored.state, stored.schema, cx.clone()).await {
        Ok(instance) if stored.schema == registration.spec.schema => (How::Whole, Ok(instance)),
        Ok(instance) => (How::Changed, Ok(instance)),
        Err(error) if is_refusal(&error) => (How::Whole, Err(error)),
        Err(error) => {
            tracing::warn!(name = stored.name, %error, "a stored component cannot be restored: mounted anew");
            (How::Anew, anew(&registration, &stored, cx).await)
        }
    };
    match made {
        Ok(instance) => Some(Back { stored, registration, instance, how }),
        Err(error) => {
            tracing::warn!(name = stored.name, %error, "a stored component does not come back");
            None
        }
    }
}

/// Whether the user may not see it (any more): mounting it anew is no way around that.
fn is_refusal(error: &ActionError) -> bool {
    matches!(error.code(), ErrorCode::Forbidden | ErrorCode::Unauthenticated)
}

async fn anew(
    registration: &Registration,
    stored: &StoredComponent,
    cx: MountContext,
) -> Result<Box<dyn Instance>> {
    let props: &RawValue = serde_json::from_str(&stored.props)?;
    registration.mount(props, cx).await
}

impl Session {
    /// Puts a component into its place. Its history goes on if no page can have seen more of it than was stored.
    async fn take_back(&mut self, back: Back, exact: bool) {
        let Back { stored, registration, mut instance, how } = back;
        let Ok(id) = ComponentId::new(&stored.id) else { return };
        let core = self.runtime.core();
        let spec = registration.spec;
        let goes_on = how == How::Whole && (exact || stored.durable);
        let history = match Epoch::new(&stored.epoch) {
            Ok(epoch) if goes_on => History::Kept(epoch),
            _ => core.begin_history(),
        };
        let mut component = Component::new(spec, history);
        component.rev = if how == How::Whole { Rev(stored.rev) } else { Rev::ZERO };
        component.settled = stored.settled;
        component.version = stored.version;
        component.replaced = how != How::Whole || stored.template != core.templates.hash_of(spec.name);
        let topics = instance.topics();
        if !goes_on || component.replaced || stored.durable != core.commits(spec).is_some() {
            // What is stored says something else: the next process would take it for what the page has.
            let entry = self.entry(&id, &component, &stored.props);
            let entered = match entry {
                Some(entry) => entry.commit(Ok(instance)).await,
                None => Ok(instance),
            };
            instance = match entered {
                Ok(instance) => instance,
                Err(error) => {
                    return tracing::error!(component = %id, %error, "a component could not be stored again");
                }
            };
            component.version = 0;
        }
        component.slot = Slot::Idle(instance);
        self.components.insert(id.clone(), Box::new(component));
        self.show_topics(&id, topics);
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
