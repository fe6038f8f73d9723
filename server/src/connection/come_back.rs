//! Pages that come back: their sessions are in this process, in another one, or in the store.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{CloseCode, Resume, ResumeSecret, TopicName};

use super::detached::{drive_detached, end};
use super::refused::{RECOGNISED_BEFORE, Refused};
use crate::persist::store::{StoreError, WriteError, WriteRefusal};
use crate::session::port::Loss;
use crate::session::sessions::{Claim, is_good};
use crate::session::supervisor::Supervisor;
use crate::session::{Authorized, Restore, RestoreError, Restored, Session, owner, restore};

/// How often a session is looked for that moves from task to task or from process to process.
const TRIES: u32 = 5;

/// Why a session that may be there is not resumed. The page keeps what it has and tries again.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the session moved each time that it was looked for")]
    Moving,
    #[error("no randomness for a new secret")]
    NoSecret,
    #[error("access to the session was revoked while its page came back")]
    Revoked,
    #[error("access of others was revoked, or that of the page before the session was found")]
    RecognisedBefore,
    #[error("a topic does not answer whether the user may see it")]
    Unauthorized,
    #[error("the page has asked for the session on a later connection")]
    Overtaken,
}

/// A session whose page is back.
pub(super) struct Returned {
    pub(super) session: Box<Session>,
    /// The page's next secret.
    pub(super) secret: ResumeSecret<'static>,
    /// The topics of the session that the user may not see any more.
    pub(super) refused: HashSet<TopicName>,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Restore(error.into())
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Revoked => Self::code(CloseCode::Unauthenticated, "access revoked"),
            Failed::RecognisedBefore => Self::code(CloseCode::TimedOut, RECOGNISED_BEFORE),
            Failed::Overtaken => Self::code(CloseCode::Full, "superseded by a later connection"),
            Failed::Restore(RestoreError::TooMany) => {
                Self::code(CloseCode::Full, "this user has too many sessions")
            }
            Failed::Restore(RestoreError::Store(_) | RestoreError::Component(_) | RestoreError::Ending)
            | Failed::Moving
            | Failed::Unauthorized
            | Failed::NoSecret => {
                tracing::error!(error = %failed, "a session could not be resumed; its page tries again");
                Self::code(CloseCode::Full, "the session cannot be resumed at the moment; retry")
            }
        }
    }
}

/// The `HELLO` of a client that comes back.
#[derive(Clone, Copy)]
pub(super) struct Greeting<'a> {
    pub(super) resume: &'a Resume<'a>,
    pub(super) identity: &'a Identity,
    /// When it arrived. The page has left the connection of every `HELLO` before its newest.
    pub(super) arrived: Instant,
    /// [`Core::revocations`](crate::core::Core::revocations) when the client was recognised.
    pub(super) revocations: u64,
}

/// Returns the session that a client comes back to. `Ok(None)` means that
/// there is no such session for it; all reasons give the same answer.
///
/// # Errors
/// When the store fails or does not answer in time, so that it is not known whether it has the
/// session; when a component cannot be restored now, or a topic does not answer whether the user may
/// see it; when access was revoked meanwhile; and when the user has too many sessions.
pub(super) async fn come_back(
    greeting: Greeting<'_>,
    supervisor: &Arc<Supervisor>,
) -> Result<Option<Returned>, Refused> {
    Ok(look_for(greeting, supervisor).await?)
}

async fn look_for(greeting: Greeting<'_>, supervisor: &Arc<Supervisor>) -> Result<Option<Returned>, Failed> {
    let Greeting { resume, identity, arrived, revocations } = greeting;
    for _ in 0..TRIES {
        let is_here = supervisor.sessions.has(&resume.session);
        let found = if is_here {
            find_here(greeting, supervisor).await?
        } else {
            let (session, secret, streams) = (&resume.session, &resume.secret, &resume.streams);
            let wanted = Restore { session, secret, identity, streams, asked: arrived };
            restore(supervisor, wanted).await?
        };
        let session = match found {
            Restored::Unknown => return Ok(None),
            Restored::Moved => continue,
            Restored::Session(session) => session,
        };
        // A session that was just restored has asked its topics.
        let (session, refused) =
            if is_here { authorize(session, identity).await? } else { (session, HashSet::new()) };
        if let Some((session, secret)) = renew(session, identity, revocations).await? {
            let session = still_allowed(session)?;
            supervisor.core().failing.resumed(session.id());
            return Ok(Some(Returned { session, secret, refused }));
        }
    }
    Err(Failed::Moving)
}

/// Takes a session that this process has, from the map or from the task that has it.
async fn find_here(greeting: Greeting<'_>, supervisor: &Arc<Supervisor>) -> Result<Restored, Failed> {
    let Greeting { resume, identity, arrived, .. } = greeting;
    let core = supervisor.core();
    match supervisor.sessions.claim(&resume.session, &resume.secret, identity, arrived) {
        Some(Claim::Overtaken) => return Err(Failed::Overtaken),
        Some(claim) => return Ok(taken(claim).await),
        None => {}
    }
    // Another process may have had the session since, and given its page another secret.
    let Some(keeper) = &core.keeper else { return Ok(Restored::Unknown) };
    let Some(head) = keeper.store.find(&resume.session).await? else {
        return Ok(Restored::Unknown);
    };
    let is_theirs = is_good(&resume.secret, &head.secrets).is_some() && head.owner == owner(identity);
    if !is_theirs || head.holder == *keeper.process {
        return Ok(Restored::Unknown);
    }
    if let Some(claim) = supervisor.sessions.seize(&resume.session)
        && let Restored::Session(outdated) = taken(claim).await
    {
        outdated.evict(Loss::Taken);
    }
    Ok(Restored::Moved)
}

/// Asks the topics of a session that waited whether the user may see them. Returns those that refuse.
///
/// # Errors
/// When access to the session was revoked, or a topic does not answer. The session waits on as it
/// was, and nothing is sent to its page. What has not answered for
/// [`Limits::restore_time`](crate::Limits::restore_time) is set aside instead.
async fn authorize(
    mut session: Box<Session>,
    identity: &Identity,
) -> Result<(Box<Session>, HashSet<TopicName>), Failed> {
    let Authorized { refused, unknown } = session.authorize_topics(identity).await;
    session = still_allowed(session)?;
    let supervisor = session.supervisor().clone();
    let failing = &supervisor.core().failing;
    if unknown.is_empty() || failing.is_overdue(session.id()) && session.set_aside(&unknown) {
        return Ok((session, refused));
    }
    failing.failed(session.id());
    wait_on(session);
    Err(Failed::Unauthorized)
}

async fn taken(claim: Claim) -> Restored {
    match claim {
        Claim::Session(session) => Restored::Session(session),
        // It may end while it is asked for.
        Claim::Asked(take) => take.await.map_or(Restored::Moved, Restored::Session),
        Claim::Overtaken => Restored::Moved,
    }
}

/// Returns a session unless access to it was revoked. Its mail says so too, and it ends when that is read.
fn still_allowed(session: Box<Session>) -> Result<Box<Session>, Failed> {
    if session.port().is_revoked() {
        wait_on(session);
        return Err(Failed::Revoked);
    }
    Ok(session)
}

/// Gives a session its next secret, in the store too. `None` if it turns out not to be this
/// process's.
///
/// # Errors
/// When access was revoked since the client was recognised: that of this session, or of the user as
/// of before the session was known to be theirs. From then on a revocation finds it.
async fn renew(
    session: Box<Session>,
    identity: &Identity,
    revocations: u64,
) -> Result<Option<(Box<Session>, ResumeSecret<'static>)>, Failed> {
    let supervisor = session.supervisor().clone();
    let core = supervisor.core();
    let Some((secret, secrets)) = supervisor.sessions.renew(session.id(), identity.clone()) else {
        wait_on(session);
        return Err(Failed::NoSecret);
    };
    let mut session = still_allowed(session)?;
    if core.revocations() != revocations {
        wait_on(session);
        return Err(Failed::RecognisedBefore);
    }
    let Some(keeper) = core.keeper.as_ref().filter(|_| session.is_entered()) else {
        return Ok(Some((session, secret)));
    };
    let renewal = keeper.store.renew(session.id(), &keeper.process, secrets, keeper.good_for);
    let renewed = match renewal.await {
        Ok(()) => Ok(None),
        Err(WriteError::Refused(WriteRefusal::Absent)) => session.enter_now(keeper).await,
        Err(WriteError::Refused(refusal)) => Ok(Some(refusal)),
        Err(WriteError::Store(error)) => Err(error),
    };
    match renewed {
        Ok(None) => Ok(Some((session, secret))),
        Ok(Some(WriteRefusal::Ended)) => {
            supervisor.tasks.spawn(end(session, UnmountReason::Closed));
            Ok(None)
        }
        Ok(Some(WriteRefusal::Taken | WriteRefusal::Absent)) => {
            session.evict(Loss::Taken);
            Ok(None)
        }
        Err(error) => {
            // It can still be resumed with the secret that the page has.
            wait_on(session);
            Err(error.into())
        }
    }
}

/// Lets a session wait again whose page could not be let in.
fn wait_on(mut session: Box<Session>) {
    let supervisor = session.supervisor().clone();
    let until = Instant::now() + supervisor.core().limits.suspended_time;
    session.mark_unsaved();
    // It goes on as the one that its components know.
    supervisor.sessions.keep_owner(session.id(), session.identity().clone());
    supervisor.tasks.spawn(drive_detached(session, until));
}
