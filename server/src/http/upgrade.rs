//! From an HTTP request to a connection: who asks, from where, and in which words.

#[cfg(test)]
mod echo;

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use vivaz_components::Identity;
use vivaz_protocol::CloseCode;

use super::listen::expect_listener;
use crate::admission::address::{ClientAddress, TooMany, Visit, client_address};
use crate::admission::browser::Browser;
use crate::admission::connection_limit::ConnectionPermit;
use crate::admission::identify::{IdentityError, answer_of};
use crate::connection::{self, Connection};
use crate::runtime::Runtime;
use crate::telemetry::log::{Escaped, Quoted, client_event};
use crate::telemetry::stats::RefusalReason;
use crate::transport::Transport;
use crate::transport::encoding::Encoding;
#[cfg(feature = "testing")]
use crate::transport::handover::Handover;
use crate::transport::websocket::WebSocket;

/// Answers every request for the socket's path.
pub(crate) async fn upgrade(State(runtime): State<Runtime>, request: Request) -> Response<Body> {
    let (mut parts, _body) = request.into_parts();
    let address = client_address(&parts, &runtime.core().proxies);
    let admitted = match admit(&runtime, &mut parts, address) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.answer(&runtime, address),
    };
    let Admitted { handshake, upgrade, visit } = admitted;
    let core = runtime.core();
    expect_listener(core, &parts.extensions);
    if address == Some(ClientAddress::Unknown) {
        client_event!(
            core.log,
            WARN,
            "a trusted proxy names no client in X-Forwarded-For, or none that can be read"
        );
    }
    // A page cannot read the status of a refused upgrade, so a refused identity is told with a
    // close code.
    let revocations = core.revocations();
    let browser = Browser::of(&parts.headers, &core.secret);
    let identity = core.identify(parts).await;
    let client = Recognised { identity, browser, revocations, address };
    if runtime.supervisor().shutdown.is_cancelled() {
        return Refusal::GoingAway.answer(&runtime, address);
    }
    runtime.on_executor();
    let place = runtime.core().connection_limit.enter();
    let tasks = runtime.supervisor().tasks.clone();
    let encoding = handshake.encoding.unwrap_or_default();
    let response = handshake.accept();
    match upgrade {
        Upgrade::Socket(upgrade) => {
            let socket = open(upgrade, encoding, runtime.core().limits.message_bytes);
            tasks.spawn(attend(Box::pin(enter(socket, runtime, place, client)), visit));
        }
        #[cfg(feature = "testing")]
        Upgrade::Memory(handover) => {
            let memory = handover.take(client.identity.as_ref().ok()).map(Box::new);
            let entered = Box::pin(enter(std::future::ready(memory), runtime, place, client));
            handover.served_by(tasks.spawn(attend(entered, visit)).abort_handle());
        }
    }
    response
}

/// Serves a connection once it is there.
async fn attend<T: Transport>(
    entered: Pin<Box<impl Future<Output = Option<(Connection<T>, ConnectionPermit)>> + Send>>,
    visit: Visit,
) {
    if let Some((connection, place)) = entered.await {
        connection.serve((place, visit)).await;
    }
}

/// What becomes the connection once the request is answered.
enum Upgrade {
    /// The stream that the request came on.
    Socket(OnUpgrade),
    /// A test's pipe.
    #[cfg(feature = "testing")]
    Memory(Handover),
}

impl Upgrade {
    fn of(parts: &mut Parts) -> Option<Self> {
        #[cfg(feature = "testing")]
        if let Some(handover) = parts.extensions.remove::<Handover>() {
            return Some(Self::Memory(handover));
        }
        parts.extensions.remove::<OnUpgrade>().map(Self::Socket)
    }
}

/// A request that may become a connection.
struct Admitted {
    handshake: Handshake,
    upgrade: Upgrade,
    visit: Visit,
}

/// Checks a request before the application is asked who sent it.
fn admit(runtime: &Runtime, parts: &mut Parts, address: Option<ClientAddress>) -> Result<Admitted, Refusal> {
    let core = runtime.core();
    let handshake = Handshake::of(&parts.method, parts.version, &parts.headers)?;
    if !core.origins.allow(&parts.uri, &parts.headers) {
        let origin = parts.headers.get(header::ORIGIN).map(HeaderValue::as_bytes).unwrap_or_default();
        let origin = String::from_utf8_lossy(origin);
        client_event!(core.log, DEBUG, origin = %Quoted(&*origin), "a page of another origin asks for a socket");
        return Err(Refusal::Origin);
    }
    let upgrade = Upgrade::of(parts).ok_or(Refusal::NoUpgrade)?;
    let visit = core.addresses.enter(address, core.started.elapsed());
    let visit = visit.map_err(|TooMany(wait)| Refusal::TooMany(wait))?;
    Ok(Admitted { handshake, upgrade, visit })
}

/// A client as the application recognised it.
struct Recognised {
    identity: Result<Identity, IdentityError>,
    browser: Option<Browser>,
    /// [`Core::revocations`](crate::core::Core::revocations) before the client was recognised.
    revocations: u64,
    address: Option<ClientAddress>,
}

/// From the answer to the request to a session, or to a close code that says why there is none.
async fn enter<T: Transport>(
    socket: impl Future<Output = Option<Box<T>>> + Send,
    runtime: Runtime,
    place: Option<ConnectionPermit>,
    client: Recognised,
) -> Option<(Connection<T>, ConnectionPermit)> {
    let socket = socket.await?;
    let Recognised { identity, browser, revocations, address } = client;
    let (code, reason) = match (place, identity) {
        (None, _) => (CloseCode::Full, "the server is full"),
        (Some(_), Err(error)) => answer_of(&error, connection::UNAUTHENTICATED, connection::UNIDENTIFIED),
        (Some(_), Ok(_)) if runtime.core().revocations() != revocations => {
            (CloseCode::TimedOut, connection::IDENTITY_OUTDATED)
        }
        (Some(place), Ok(identity)) => {
            let mut connection = Connection::open(socket, runtime.supervisor(), identity).await?;
            connection.set_browser(browser);
            return Some((connection, place));
        }
    };
    runtime.core().refused(RefusalReason::of_close(code.as_u16()), address);
    socket.close(code.as_u16(), reason).await;
    None
}

/// Takes the stream over once the answer to the request is sent.
async fn open(
    upgrade: OnUpgrade,
    encoding: Encoding,
    message_bytes: usize,
) -> Option<Box<WebSocket<TokioIo<Upgraded>>>> {
    match upgrade.await {
        Ok(upgraded) => Some(Box::new(WebSocket::new(TokioIo::new(upgraded), encoding, message_bytes).await)),
        Err(error) => {
            tracing::debug!(error = %Escaped(&error), "an upgrade failed");
            None
        }
    }
}

/// What a client's half of a handshake said.
#[derive(Debug)]
struct Handshake {
    accept: String,
    /// What the client offered first of what is spoken, if it offered anything. The answer names it.
    encoding: Option<Encoding>,
}

/// Why a request is no upgrade that is granted.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// It asks for no upgrade at all.
    NoUpgrade,
    /// It asks with a method that cannot be upgraded.
    Method,
    /// It asks in another version of WebSocket, or leaves something out.
    Handshake(&'static str),
    /// It offers only subprotocols that are not spoken.
    Subprotocol,
    /// It comes from a page of another origin, or names another host.
    Origin,
    /// Its address has too many connections, or asks for them too fast.
    TooMany(Duration),
    /// The server is about to end.
    GoingAway,
}

impl Handshake {
    fn of(method: &Method, version: Version, headers: &HeaderMap) -> Result<Self, Refusal> {
        if method != Method::GET {
            return Err(Refusal::Method);
        }
        let upgrades =
            lists(headers, &header::UPGRADE, "websocket") && lists(headers, &header::CONNECTION, "upgrade");
        if version != Version::HTTP_11 || !upgrades {
            return Err(Refusal::NoUpgrade);
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Refusal::Handshake(
                "unsupported WebSocket version; expected Sec-WebSocket-Version: 13",
            ));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY);
        let key = key.ok_or(Refusal::Handshake("the header Sec-WebSocket-Key is missing"))?;
        let encoding = items(headers, &header::SEC_WEBSOCKET_PROTOCOL).find_map(Encoding::named);
        if encoding.is_none() && headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Err(Refusal::Subprotocol);
        }
        Ok(Self { accept: derive_accept_key(key.as_bytes()), encoding })
    }

    fn accept(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(encoding) = self.encoding {
            let name = HeaderValue::from_static(encoding.subprotocol());
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        response
    }
}

impl Refusal {
    fn reason(&self) -> RefusalReason {
        match self {
            Self::NoUpgrade => RefusalReason::NoUpgrade,
            Self::Method => RefusalReason::Method,
            Self::Handshake(_) => RefusalReason::Handshake,
            Self::Subprotocol => RefusalReason::Subprotocol,
            Self::Origin => RefusalReason::Origin,
            Self::TooMany(_) => RefusalReason::Address,
            Self::GoingAway => RefusalReason::GoingAway,
        }
    }

    /// Counts and logs the refusal, and answers the request with it.
    fn answer(self, runtime: &Runtime, address: Option<ClientAddress>) -> Response<Body> {
        runtime.core().refused(self.reason(), address);
        self.into_response(runtime)
    }

    fn into_response(self, runtime: &Runtime) -> Response<Body> {
        match self {
            Self::NoUpgrade => {
                let path = &runtime.core().path;
                let text = format!(
                    "This is a WebSocket endpoint ({}). Pages reach it with\n\n  \
                     <script type=\"module\" src=\"{path}/client.js\"></script>\n\nand programs with a WebSocket \
                     client, as in: websocat ws://HOST{path}\n",
                    spoken()
                );
                let upgrade = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
                (StatusCode::UPGRADE_REQUIRED, upgrade, text).into_response()
            }
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response(),
            Self::Handshake(what) => {
                (StatusCode::BAD_REQUEST, [(header::SEC_WEBSOCKET_VERSION, "13")], what).into_response()
            }
            Self::Subprotocol => {
                let text = format!("Unsupported subprotocol. Supported: {}\n", spoken());
                (StatusCode::BAD_REQUEST, text).into_response()
            }
            Self::TooMany(wait) => {
                // In whole seconds, rounded up: who waits that long is not refused for the rest of one.
                let seconds = HeaderValue::from(wait.as_secs() + 1);
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)], "Too many connections.\n")
                    .into_response()
            }
            Self::GoingAway => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "1")],
                "The server is shutting down.\n",
            )
                .into_response(),
            Self::Origin => (StatusCode::FORBIDDEN, "Origin not allowed.\n").into_response(),
        }
    }
}

/// Whether a comma-separated header has that item.
fn lists(headers: &HeaderMap, name: &header::HeaderName, item: &str) -> bool {
    items(headers, name).any(|one| one.eq_ignore_ascii_case(item))
}

/// The items of a comma-separated header.
fn items<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The names of the subprotocols that are spoken.
fn spoken() -> String {
    let names: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.subprotocol()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn upgrading() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, "keep-alive, Upgrade".parse().unwrap());
        headers.insert(header::UPGRADE, "websocket".parse().unwrap());
        headers.insert(header::SEC_WEBSOCKET_VERSION, "13".parse().unwrap());
        headers.insert(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap());
        headers
    }

    fn handshake(extra: &[(header::HeaderName, &str)]) -> Result<Handshake, Refusal> {
        let mut headers = upgrading();
        for (name, value) in extra {
            headers.insert(name.clone(), value.parse().unwrap());
        }
        Handshake::of(&Method::GET, Version::HTTP_11, &headers)
    }

    #[test]
    fn the_answer_is_that_of_rfc_6455() {
        let response = handshake(&[]).unwrap().accept();
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL));
    }

    #[test]
    fn the_subprotocol_is_named_to_those_who_offer_it_and_others_are_refused() {
        let offer = |value| handshake(&[(header::SEC_WEBSOCKET_PROTOCOL, value)]);
        assert_eq!(offer("soap, vivaz.v1.json").unwrap().encoding, Some(Encoding::Json));
        assert_eq!(offer("vivaz.v1.json, vivaz.v1.msgpack").unwrap().encoding, Some(Encoding::Json));
        let packed = offer("vivaz.v1.msgpack, vivaz.v1.json").unwrap().encoding.unwrap();
        assert_eq!(
            packed.subprotocol(),
            if cfg!(feature = "msgpack") { "vivaz.v1.msgpack" } else { "vivaz.v1.json" }
        );
        assert_eq!(offer("soap").unwrap_err(), Refusal::Subprotocol);
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        assert_eq!(handshake(&[(header::UPGRADE, "h2c")]).unwrap_err(), Refusal::NoUpgrade);
        assert!(matches!(handshake(&[(header::SEC_WEBSOCKET_VERSION, "8")]), Err(Refusal::Handshake(_))));
        assert_eq!(
            Handshake::of(&Method::POST, Version::HTTP_11, &HeaderMap::new()).unwrap_err(),
            Refusal::Method
        );
        assert_eq!(
            Handshake::of(&Method::GET, Version::HTTP_11, &HeaderMap::new()).unwrap_err(),
            Refusal::NoUpgrade
        );
    }

    proptest! {
        /// Whatever is offered: JSON is agreed on only where it is named, and nothing else is
        /// guessed.
        #[test]
        fn an_offer_that_cannot_be_read_agrees_on_nothing(offer in proptest::collection::vec(any::<u8>(), 0..24)) {
            let Ok(value) = HeaderValue::from_bytes(&offer) else { return Ok(()) };
            let mut headers = upgrading();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
            let answer = Handshake::of(&Method::GET, Version::HTTP_11, &headers);
            prop_assert_eq!(answer.err(), Some(Refusal::Subprotocol));
        }
    }
}
