//! Finds the session of a resuming page: in this process, in another one, or in the store.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{CloseCode, Resume, ResumeSecret, TopicName};

use super::detached::{drive_detached, end_session};
use super::handshake_error::{HandshakeError, IDENTITY_OUTDATED};
use crate::persist::store::{StoreError, WriteError, WriteRefusal};
use crate::session::port::mail::EvictionReason;
use crate::session::sessions::supervisor::Supervisor;
use crate::session::sessions::{Claim, matching_secret_hash};
use crate::session::{
    RestoreError, RestoreRequest, Restored, Session, TopicAuthorization, restore, stored_owner,
};
use crate::telemetry::log::{Quoted, client_event};

/// The maximum number of lookups of a session that moves between tasks or processes.
const MAX_LOOKUPS: u32 = 5;

/// Why a page does not get a session of this process.
const NOT_THEIRS: &str = "the session in memory has another secret or owner";

/// Why a session that may exist is not resumed. The page keeps its state and retries.
#[derive(Debug, thiserror::Error)]
enum ResumeError {
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the session moved on each lookup")]
    Moving,
    #[error("the system's random number generator failed: {0}")]
    NoSecret(getrandom::Error),
    #[error("access to the session was revoked during the resume")]
    Revoked,
    #[error("access of some user was revoked between identification and resume")]
    IdentityOutdated,
    #[error("cannot authorize a topic")]
    Unauthorized,
    #[error("the page has requested the session on a later connection")]
    Superseded,
}

/// A session found for a resuming page.
pub(super) struct ResumedSession {
    pub(super) session: Box<Session>,
    /// The page's next secret.
    pub(super) secret: ResumeSecret<'static>,
    /// The topics of the session that the user may not see any more.
    pub(super) refused: HashSet<TopicName>,
}

impl From<StoreError> for ResumeError {
    fn from(error: StoreError) -> Self {
        Arc::new(error).into()
    }
}

impl From<Arc<StoreError>> for ResumeError {
    fn from(error: Arc<StoreError>) -> Self {
        Self::Restore(error.into())
    }
}

impl From<ResumeError> for HandshakeError {
    fn from(failed: ResumeError) -> Self {
        match failed {
            ResumeError::Revoked => Self::code(CloseCode::Unauthenticated, "access revoked"),
            ResumeError::IdentityOutdated => Self::code(CloseCode::TimedOut, IDENTITY_OUTDATED),
            ResumeError::Superseded | ResumeError::Restore(RestoreError::Resumed) => {
                Self::code(CloseCode::Full, "superseded by a later connection")
            }
            ResumeError::Restore(RestoreError::Left) => Self::Gone,
            ResumeError::Restore(RestoreError::TooMany) => {
                Self::code(CloseCode::Full, "this user has too many sessions")
            }
            ResumeError::Restore(
                RestoreError::Store(_) | RestoreError::Component(_) | RestoreError::Ending,
            )
            | ResumeError::Moving
            | ResumeError::Unauthorized
            | ResumeError::NoSecret(_) => {
                tracing::error!(error = %failed, "cannot resume a session; its page retries");
                Self::code(CloseCode::Full, "the session cannot be resumed at the moment; retry")
            }
        }
    }
}

/// The `HELLO` of a resuming client.
#[derive(Clone, Copy)]
pub(super) struct ResumeRequest<'a> {
    pub(super) resume: &'a Resume<'a>,
    pub(super) identity: &'a Identity,
    /// When it arrived. The page has left the connections of all `HELLO`s before its newest.
    pub(super) arrived: Instant,
    /// [`Core::revocations`](crate::core::Core::revocations) when the client was identified.
    pub(super) revocations: u64,
    /// Cancelled when the page has left the connection.
    pub(super) left: &'a CancellationToken,
}

/// Finds the session that a client resumes. Returns `None` if there is no such session for this
/// client; the client cannot tell why.
///
/// # Errors
/// Returns an error if the store fails or does not answer in time, so that it is unknown whether
/// the session exists; if a component cannot be restored now, or a topic cannot be authorized; if
/// access was revoked meanwhile; and if the user has too many sessions.
pub(super) async fn resume_session(
    request: ResumeRequest<'_>,
    supervisor: &Arc<Supervisor>,
) -> Result<Option<ResumedSession>, HandshakeError> {
    Ok(try_resume(request, supervisor).await?)
}

/// Looks the session up until it no longer moves.
async fn try_resume(
    request: ResumeRequest<'_>,
    supervisor: &Arc<Supervisor>,
) -> Result<Option<ResumedSession>, ResumeError> {
    let ResumeRequest { resume, identity, arrived, revocations, left } = request;
    for _ in 0..MAX_LOOKUPS {
        let is_here = supervisor.sessions.contains(&resume.session);
        let found = if is_here {
            claim_local(request, supervisor).await?
        } else {
            let (session, secret, streams) = (&resume.session, &resume.secret, &resume.streams);
            let wanted = RestoreRequest { session, secret, identity, streams, received_at: arrived, left };
            restore(supervisor, wanted).await?
        };
        let session = match found {
            Restored::Unknown(reason) => {
                let session = Quoted(&resume.session);
                client_event!(
                    supervisor.core().log,
                    DEBUG,
                    %session,
                    reason,
                    "session not resumed; its page gets a new one"
                );
                return Ok(None);
            }
            Restored::Moved => continue,
            Restored::Session(session) => session,
        };
        // A restore has authorized the topics already.
        let (session, refused) =
            if is_here { authorize(session, identity).await? } else { (session, HashSet::new()) };
        if let Some((session, secret)) = renew_secret(session, identity, revocations).await? {
            let session = check_not_revoked(session)?;
            supervisor.core().failing.resumed(session.id());
            return Ok(Some(ResumedSession { session, secret, refused }));
        }
    }
    Err(ResumeError::Moving)
}

/// Claims a session of this process.
async fn claim_local(
    request: ResumeRequest<'_>,
    supervisor: &Arc<Supervisor>,
) -> Result<Restored, ResumeError> {
    let ResumeRequest { resume, identity, arrived, .. } = request;
    let core = supervisor.core();
    match supervisor.sessions.claim(&resume.session, &resume.secret, identity, arrived) {
        Some(Claim::Superseded) => return Err(ResumeError::Superseded),
        Some(claim) => return Ok(await_claim(claim).await),
        None => {}
    }
    // Another process may have owned the session since, and have given the page another secret.
    let Some(keeper) = &core.keeper else { return Ok(Restored::Unknown(NOT_THEIRS)) };
    let Some(outdated) = supervisor.sessions.port(&resume.session) else { return Ok(Restored::Moved) };
    let Some(head) = keeper.store.find(&resume.session).await? else {
        return Ok(Restored::Unknown(NOT_THEIRS));
    };
    let is_theirs =
        matching_secret_hash(&resume.secret, &head.secrets).is_some() && head.owner == stored_owner(identity);
    if !is_theirs || head.fence <= outdated.fence() {
        return Ok(Restored::Unknown(NOT_THEIRS));
    }
    // Another `HELLO` may have replaced the copy while the store answered.
    if let Some(claim) = supervisor.sessions.seize(&outdated)
        && let Restored::Session(outdated) = await_claim(claim).await
    {
        outdated.evict(EvictionReason::Taken);
    }
    Ok(Restored::Moved)
}

/// Authorizes the topics of a session for an identity. Returns those that the user may not see.
/// The session's running handlers continue meanwhile, because a topic may wait for a lock that one
/// of them holds. Their completions are processed after the resume.
///
/// # Errors
/// Returns an error if access to the session was revoked, or a topic does not answer. The session
/// is suspended again unchanged, and nothing is sent to its page. Components whose topics have not
/// answered for [`Limits::restore_time`](crate::Limits::restore_time) are set aside instead.
async fn authorize(
    mut session: Box<Session>,
    identity: &Identity,
) -> Result<(Box<Session>, HashSet<TopicName>), ResumeError> {
    let authorizing = session.authorize_topics(identity);
    let TopicAuthorization { refused, unknown } = session.run_during(authorizing).await;
    session = check_not_revoked(session)?;
    let supervisor = session.supervisor().clone();
    let failing = &supervisor.core().failing;
    if unknown.is_empty() || failing.is_overdue(session.id()) && session.set_aside_components(&unknown) {
        return Ok((session, refused));
    }
    failing.failed(session.id());
    suspend_again(session);
    Err(ResumeError::Unauthorized)
}

/// Waits for a claimed session.
async fn await_claim(claim: Claim) -> Restored {
    match claim {
        Claim::Session(session) => Restored::Session(session),
        // The session may end before it is handed over.
        Claim::Requested(receiver) => receiver.await.map_or(Restored::Moved, Restored::Session),
        Claim::Superseded => Restored::Moved,
    }
}

/// Returns the session unless access to it was revoked. Its mail ends it in that case.
fn check_not_revoked(session: Box<Session>) -> Result<Box<Session>, ResumeError> {
    if session.port().is_revoked() {
        suspend_again(session);
        return Err(ResumeError::Revoked);
    }
    Ok(session)
}

/// Replaces the secret of a session, in the store too. Returns `None` if another process owns the
/// session. The session's running handlers continue while the store writes.
///
/// # Errors
/// Returns an error if access of some user was revoked since the client was identified. A later
/// revocation finds the session under its new owner.
async fn renew_secret(
    session: Box<Session>,
    identity: &Identity,
    revocations: u64,
) -> Result<Option<(Box<Session>, ResumeSecret<'static>)>, ResumeError> {
    let supervisor = session.supervisor().clone();
    let core = supervisor.core();
    let (secret, secrets) = match supervisor.sessions.renew_secret(session.id(), identity.clone()) {
        Ok(Some(renewed)) => renewed,
        // The shutdown has removed the session and released it in the store.
        Ok(None) => return Ok(None),
        Err(error) => {
            suspend_again(session);
            return Err(ResumeError::NoSecret(error));
        }
    };
    let mut session = check_not_revoked(session)?;
    if core.revocations() != revocations {
        suspend_again(session);
        return Err(ResumeError::IdentityOutdated);
    }
    let Some(keeper) = core.keeper.as_ref().filter(|_| session.may_be_stored()) else {
        return Ok(Some((session, secret)));
    };
    let renewal =
        keeper.store.renew(session.id(), &keeper.process, session.port().fence(), secrets, keeper.good_for);
    let renewed = match session.run_during(renewal).await {
        Ok(()) => Ok(None),
        Err(WriteError::Refused(WriteRefusal::Absent)) => session.write_whole_and_wait(keeper, None).await,
        Err(WriteError::Refused(refusal)) => Ok(Some(refusal)),
        Err(WriteError::Store(error)) => Err(Arc::new(error)),
    };
    match renewed {
        Ok(None) => Ok(Some((session, secret))),
        Ok(Some(WriteRefusal::Ended)) => {
            supervisor.tasks.spawn(end_session(session, UnmountReason::Closed));
            Ok(None)
        }
        Ok(Some(WriteRefusal::Taken | WriteRefusal::Absent)) => {
            session.evict(EvictionReason::Taken);
            Ok(None)
        }
        Err(error) => {
            // The page can still resume it with its current secret.
            suspend_again(session);
            Err(error.into())
        }
    }
}

/// Suspends a session again whose page was refused.
fn suspend_again(mut session: Box<Session>) {
    let supervisor = session.supervisor().clone();
    let until = Instant::now() + supervisor.core().limits.suspended_time;
    session.mark_expiry_changed();
    // The session keeps the identity that its components know.
    supervisor.sessions.set_owner(session.id(), session.identity().clone());
    supervisor.tasks.spawn(drive_detached(session, until));
}
