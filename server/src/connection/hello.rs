//! The handshake: receives `HELLO`, identifies the client, and finds or creates its session.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{
    ClientBody, ClientType, CloseCode, ConnectionId, ErrorCode, Hello, SessionId, decode_client,
};

use super::handshake_error::{HandshakeError, IDENTITY_OUTDATED, UNAUTHENTICATED, UNIDENTIFIED};
use super::resume::{ResumeRequest, ResumedSession, resume_session};
use crate::admission::identify::answer_of;
use crate::admission::secret::{random_arrays, text_of};
use crate::persist::store::Fence;
use crate::session::port::Port;
use crate::session::sessions::SecretBytes;
use crate::session::sessions::supervisor::Supervisor;
use crate::session::{ClientPosition, Session, stored_owner};
use crate::telemetry::log::{Escaped, client_event};
use crate::transport::{Incoming, NOT_A_MESSAGE, Transport, Violation};

/// The random bytes of a connection's id.
const CONNECTION_BYTES: usize = 9;
/// The random bytes of a session's id.
const SESSION_BYTES: usize = 12;

/// Receives the `HELLO` and finds or creates the session for it. `revocations` is the value of
/// [`Core::revocations`](crate::core::Core::revocations) from before `identity` was determined: if
/// access was revoked since then, the client gets no session.
///
/// # Errors
/// Returns why the connection gets no session.
///
/// The session is returned with what the client has sent meanwhile, which the caller handles first.
///
/// # Cancel safety
/// Not cancel safe after the `HELLO` has arrived: a claimed session would be dropped.
pub(super) async fn receive<T: Transport>(
    transport: &mut T,
    supervisor: &Arc<Supervisor>,
    identity: Identity,
    revocations: u64,
) -> Result<(Box<Session>, Option<Box<Incoming>>), HandshakeError> {
    let limit = supervisor.core().limits.hello_time;
    let message = tokio::select! {
        message = tokio::time::timeout(limit, first_message(transport)) => message,
        () = supervisor.shutdown.cancelled() => {
            return Err(HandshakeError::code(CloseCode::GoingAway, "the server is shutting down"));
        }
    };
    let Ok(message) = message else {
        return Err(HandshakeError::code(CloseCode::TimedOut, "HELLO timed out"));
    };
    let message = message?;
    let arrived = Instant::now();
    let not_hello = || HandshakeError::code(CloseCode::ProtocolViolation, "the first message must be HELLO");
    let text = std::str::from_utf8(&message).map_err(|_| not_hello())?;
    let hello = match decode_client(text, &supervisor.core().decoder) {
        Ok(message) => match message.body {
            ClientBody::Hello(hello) => hello,
            ClientBody::Request { .. }
            | ClientBody::Unanswered { .. }
            | ClientBody::Resync(_)
            | ClientBody::Template { .. }
            | ClientBody::Ping { .. } => return Err(not_hello()),
        },
        Err(error)
            if error.code == ErrorCode::UnsupportedVersion && error.kind == Some(ClientType::Hello) =>
        {
            return Err(HandshakeError::code(
                CloseCode::UnsupportedVersion,
                "unsupported protocol version; expected 1",
            ));
        }
        Err(error) => {
            let (log, error) = (&supervisor.core().log, Escaped(&error.message));
            client_event!(log, DEBUG, %error, "cannot decode the first message");
            return Err(not_hello());
        }
    };
    let left = CancellationToken::new();
    let resumes = hello.resume.is_some();
    let mut finding = pin!(find_session(hello, supervisor, identity, arrived, revocations, &left));
    let mut early = None;
    loop {
        tokio::select! {
            biased;
            found = &mut finding => return Ok((found?, early)),
            incoming = transport.next(), if resumes && early.is_none() => match incoming {
                Some(Incoming::Heartbeat) => {}
                incoming => {
                    let incoming = incoming.unwrap_or(Incoming::Lost);
                    if matches!(incoming, Incoming::Closed(_) | Incoming::Lost) {
                        left.cancel();
                    }
                    early = Some(Box::new(incoming));
                }
            },
        }
    }
}

/// Creates a session for an offered `HELLO`. `revocations` is as for [`receive`].
///
/// # Errors
/// Returns why the connection gets no session.
pub(super) async fn begin(
    supervisor: &Arc<Supervisor>,
    identity: Identity,
    revocations: u64,
) -> Result<Box<Session>, HandshakeError> {
    let stays = CancellationToken::new();
    let mut session =
        find_session(Hello::default(), supervisor, identity, Instant::now(), revocations, &stays).await?;
    session.expect_offered_hello();
    Ok(session)
}

/// Receives the first message.
async fn first_message<T: Transport>(transport: &mut T) -> Result<bytes::Bytes, HandshakeError> {
    loop {
        let incoming = transport.next().await;
        if let Some(error) = transport.take_read_error() {
            tracing::debug!(error = %Escaped(&error), "cannot read from a connection without a session");
        }
        match incoming {
            Some(Incoming::Text(text)) => return Ok(text),
            Some(Incoming::Heartbeat) => {}
            Some(Incoming::Binary(_)) => {
                return Err(HandshakeError::code(CloseCode::ProtocolViolation, NOT_A_MESSAGE));
            }
            Some(Incoming::Violation(violation)) => {
                let (code, reason) = close_for_violation(violation);
                return Err(HandshakeError::Close(code, reason));
            }
            Some(Incoming::Closed(_) | Incoming::Lost) | None => return Err(HandshakeError::Gone),
        }
    }
}

/// Returns the WebSocket close code and the reason for a violation of the transport's rules.
pub(crate) fn close_for_violation(violation: Violation) -> (u16, &'static str) {
    match violation {
        Violation::TooLarge => (CloseCode::MessageTooBig.as_u16(), "message too large"),
        Violation::NotUtf8 => (1007, "text messages must be UTF-8"),
        Violation::Protocol => (1002, "WebSocket protocol error (RFC 6455)"),
    }
}

/// Authenticates the client, then resumes its session or creates one. `left` is cancelled when the
/// client has left.
async fn find_session(
    hello: Hello<'_>,
    supervisor: &Arc<Supervisor>,
    identity: Identity,
    arrived: Instant,
    revocations: u64,
    left: &CancellationToken,
) -> Result<Box<Session>, HandshakeError> {
    let core = supervisor.core();
    let unable =
        || HandshakeError::code(CloseCode::Full, "the server cannot create a session at the moment; retry");
    let identity = match core.authenticate(identity, hello.auth).await {
        Ok(identity) => identity,
        Err(error) => {
            let (code, reason) = answer_of(&error, UNAUTHENTICATED, UNIDENTIFIED);
            return Err(HandshakeError::code(code, reason));
        }
    };
    let no_randomness = |error: getrandom::Error| {
        tracing::error!(%error, "the system's random number generator failed; the page retries");
        unable()
    };
    let [connection, id, secret]: [SecretBytes; 3] = random_arrays().map_err(no_randomness)?;
    let (connection, _) = connection.split_at(CONNECTION_BYTES);
    let connection = ConnectionId::new(&text_of(connection)).map_err(|_| unable())?;
    if let Some(resume) = hello.resume
        && let Some(ResumedSession { mut session, secret, refused }) = {
            let request = ResumeRequest { resume: &resume, identity: &identity, arrived, revocations, left };
            resume_session(request, supervisor).await?
        }
    {
        let position = ClientPosition { acked: resume.acked, streams: resume.streams };
        session.resume(secret, connection, identity, &position, &refused);
        return Ok(session);
    }
    if core.keeper.as_ref().is_some_and(|keeper| keeper.is_revoking(&stored_owner(&identity))) {
        // The revocation would end a new session in the store together with the earlier ones.
        return Err(HandshakeError::code(
            CloseCode::Full,
            "the sessions of this user are being revoked; retry",
        ));
    }
    let (id, _) = id.split_at(SESSION_BYTES);
    let id = SessionId::new(&text_of(id)).map_err(|_| unable())?;
    let port = Port::new(id, Fence::FIRST, supervisor.as_owner());
    let too_many = |_| HandshakeError::code(CloseCode::Full, "this user has too many sessions");
    let (member, surplus) = core.users.admit(&identity, port.session()).map_err(too_many)?;
    if let Some(port) = surplus.and_then(|surplus| supervisor.sessions.port(&surplus)) {
        port.end(CloseCode::SessionEnded, UnmountReason::Expired);
    }
    let secret = supervisor.sessions.insert(port.clone(), identity.clone(), member, &secret);
    if core.revocations() != revocations {
        // The revocation has already gone through the map, and it may concern this session.
        supervisor.sessions.remove(&port);
        return Err(HandshakeError::code(CloseCode::TimedOut, IDENTITY_OUTDATED));
    }
    let mut session = Box::new(Session::new(Arc::clone(supervisor), port, identity, connection));
    session.attach_first(secret);
    Ok(session)
}
