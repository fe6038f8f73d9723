//! Upgrades an HTTP request to a connection: checks the handshake, the origin, the address and the
//! identity.

#[cfg(test)]
mod echo;

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use vivaz_components::Identity;
use vivaz_protocol::{CloseCode, OFFER_HELLO};

use super::listen::{SendsAtOnce, warn_without_listener};
use crate::admission::address::{AddressPermit, ClientAddress, RetryAfter, client_address};
use crate::admission::browser::BrowserId;
use crate::admission::connection_limit::ConnectionPermit;
use crate::admission::identify::{IdentityError, answer_of};
use crate::connection::{self, Connection, HelloBy};
use crate::runtime::Runtime;
use crate::telemetry::log::{Escaped, Quoted, client_event};
use crate::telemetry::refusal::RefusalReason;
use crate::transport::Transport;
use crate::transport::encoding::Encoding;
#[cfg(feature = "testing")]
use crate::transport::handover::Handover;
use crate::transport::websocket::WebSocket;

/// Handles all requests for the WebSocket's path.
pub(crate) async fn upgrade(State(runtime): State<Runtime>, request: Request) -> Response<Body> {
    let (mut parts, _body) = request.into_parts();
    let address = client_address(&parts, &runtime.core().proxies);
    let checked = match check(&runtime, &mut parts, address) {
        Ok(checked) => checked,
        Err(refusal) => return refusal.answer(&runtime, address),
    };
    let UpgradeRequest { handshake, upgrade, address_permit } = checked;
    let core = runtime.core();
    warn_without_listener(core, &parts.extensions);
    if address == Some(ClientAddress::Unknown) {
        client_event!(core.log, WARN, "a trusted proxy sent no valid client address in X-Forwarded-For");
    }
    // A page cannot read the status of a refused upgrade, so a refused identity is reported with a
    // close code.
    let revocations = core.revocations();
    let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
    let identity = core.identify(parts).await;
    let client = IdentifiedClient { identity, browsers, revocations, address, hello: handshake.hello };
    if runtime.supervisor().shutdown.is_cancelled() {
        return UpgradeRefusal::GoingAway.answer(&runtime, address);
    }
    runtime.on_executor();
    let permit = runtime.core().connection_limit.acquire();
    let tasks = runtime.supervisor().tasks.clone();
    let encoding = handshake.encoding.unwrap_or_default();
    // The first bytes are `WELCOME` or a close frame.
    let sends_at_once = handshake.hello == HelloBy::Offer && !core.awaits_hello_hook();
    let mut response = handshake.accept();
    if sends_at_once {
        response.extensions_mut().insert(SendsAtOnce);
    }
    match upgrade {
        Upgrade::Socket(upgrade) => {
            let socket = complete_upgrade(upgrade, encoding, runtime.core().limits.message_bytes);
            tasks.spawn(serve(Box::pin(open(socket, runtime, permit, client)), address_permit));
        }
        #[cfg(feature = "testing")]
        Upgrade::Memory(handover) => {
            let max_message = runtime.core().limits.message_bytes;
            let memory = handover.take(client.identity.as_ref().ok(), encoding, max_message).map(Box::new);
            let opened = Box::pin(open(std::future::ready(memory), runtime, permit, client));
            handover.served_by(tasks.spawn(serve(opened, address_permit)).abort_handle());
        }
    }
    response
}

/// Serves a connection once it is open.
async fn serve<T: Transport>(
    opened: Pin<Box<impl Future<Output = Option<(Connection<T>, ConnectionPermit)>> + Send>>,
    address_permit: AddressPermit,
) {
    if let Some((connection, permit)) = opened.await {
        connection.serve((permit, address_permit)).await;
    }
}

/// The source of the transport after the request is answered.
enum Upgrade {
    /// The stream of the request.
    Socket(OnUpgrade),
    /// A pipe in memory, for tests.
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

/// An upgrade request that passed the checks before the identity hook.
struct UpgradeRequest {
    handshake: Handshake,
    upgrade: Upgrade,
    address_permit: AddressPermit,
}

/// Checks the handshake, the origin and the address of a request, before the identity hook runs.
///
/// # Errors
/// Returns the reason for which the request is refused.
fn check(
    runtime: &Runtime,
    parts: &mut Parts,
    address: Option<ClientAddress>,
) -> Result<UpgradeRequest, UpgradeRefusal> {
    let core = runtime.core();
    let handshake = Handshake::of(&parts.method, parts.version, &parts.headers)?;
    if !core.origins.allow(&parts.uri, &parts.headers) {
        let origin = parts.headers.get(header::ORIGIN).map(HeaderValue::as_bytes).unwrap_or_default();
        let origin = String::from_utf8_lossy(origin);
        client_event!(core.log, DEBUG, origin = %Quoted(&*origin), "refused an upgrade: origin or host not allowed");
        return Err(UpgradeRefusal::Origin);
    }
    let upgrade = Upgrade::of(parts).ok_or(UpgradeRefusal::NoUpgrade)?;
    let address_permit = core.addresses.acquire(address, core.started.elapsed());
    let address_permit =
        address_permit.map_err(|RetryAfter(wait)| UpgradeRefusal::TooManyConnections(wait))?;
    Ok(UpgradeRequest { handshake, upgrade, address_permit })
}

/// A client with the result of the identity hook.
struct IdentifiedClient {
    identity: Result<Identity, IdentityError>,
    browsers: Box<[BrowserId]>,
    /// The revocation count of the core before the identity hook ran.
    revocations: u64,
    address: Option<ClientAddress>,
    hello: HelloBy,
}

/// Opens a connection once its transport is ready. Closes the transport with the code of the reason
/// and returns `None` if the client is refused.
async fn open<T: Transport>(
    socket: impl Future<Output = Option<Box<T>>> + Send,
    runtime: Runtime,
    permit: Option<ConnectionPermit>,
    client: IdentifiedClient,
) -> Option<(Connection<T>, ConnectionPermit)> {
    let socket = socket.await?;
    let IdentifiedClient { identity, browsers, revocations, address, hello } = client;
    let (code, reason) = match (permit, identity) {
        (None, _) => (CloseCode::Full, "the server is full"),
        (Some(_), Err(error)) => answer_of(&error, connection::UNAUTHENTICATED, connection::UNIDENTIFIED),
        (Some(_), Ok(_)) if runtime.core().revocations() != revocations => {
            (CloseCode::TimedOut, connection::IDENTITY_OUTDATED)
        }
        (Some(permit), Ok(identity)) => {
            let supervisor = runtime.supervisor();
            let mut connection = Connection::open(socket, supervisor, identity, revocations, hello).await?;
            connection.set_browsers(browsers);
            return Some((connection, permit));
        }
    };
    runtime.core().refused(RefusalReason::of_close(code.as_u16()), address);
    socket.close(code.as_u16(), reason).await;
    None
}

/// Waits until the response is sent, then wraps the request's stream in a WebSocket.
async fn complete_upgrade(
    upgrade: OnUpgrade,
    encoding: Encoding,
    message_bytes: usize,
) -> Option<Box<WebSocket<TokioIo<Upgraded>>>> {
    match upgrade.await {
        Ok(upgraded) => Some(Box::new(WebSocket::new(TokioIo::new(upgraded), encoding, message_bytes))),
        Err(error) => {
            tracing::debug!(error = %Escaped(&error), "the upgrade to a WebSocket failed");
            None
        }
    }
}

/// A valid handshake of a client.
#[derive(Debug)]
struct Handshake {
    /// The value of `Sec-WebSocket-Accept`.
    accept: String,
    /// The first supported encoding that the client offered, which the response names; `None` if
    /// the client offered no subprotocol.
    encoding: Option<Encoding>,
    /// How the client says `HELLO`.
    hello: HelloBy,
}

/// The reason why an upgrade is refused.
#[derive(Debug, PartialEq, Eq)]
enum UpgradeRefusal {
    /// The request is not an upgrade to a WebSocket.
    NoUpgrade,
    /// The method is not `GET`.
    Method,
    /// The WebSocket version is not supported, or a header is missing.
    Handshake(&'static str),
    /// The client offers only unsupported subprotocols.
    Subprotocol,
    /// The request comes from a page of another origin, or names another host.
    Origin,
    /// The client's address has too many connections, or opens them too fast. The client may retry
    /// after this time.
    TooManyConnections(Duration),
    /// The server is shutting down.
    GoingAway,
}

impl Handshake {
    /// Reads the handshake of a request.
    ///
    /// # Errors
    /// Returns the reason for which the handshake is refused.
    fn of(method: &Method, version: Version, headers: &HeaderMap) -> Result<Self, UpgradeRefusal> {
        if method != Method::GET {
            return Err(UpgradeRefusal::Method);
        }
        let upgrades = contains(headers, &header::UPGRADE, "websocket")
            && contains(headers, &header::CONNECTION, "upgrade");
        if version != Version::HTTP_11 || !upgrades {
            return Err(UpgradeRefusal::NoUpgrade);
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(UpgradeRefusal::Handshake(
                "unsupported WebSocket version; expected Sec-WebSocket-Version: 13",
            ));
        }
        let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
        let key = keys.next().filter(|key| keys.next().is_none() && is_nonce(key));
        let key = key.ok_or(UpgradeRefusal::Handshake(
            "exactly one Sec-WebSocket-Key is required: 16 bytes in base64",
        ))?;
        let encoding = items(headers, &header::SEC_WEBSOCKET_PROTOCOL).find_map(Encoding::named);
        if encoding.is_none() && headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Err(UpgradeRefusal::Subprotocol);
        }
        let offers_hello = items(headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|item| item == OFFER_HELLO);
        let hello = if offers_hello { HelloBy::Offer } else { HelloBy::Message };
        Ok(Self { accept: accept_key(key.as_bytes()), encoding, hello })
    }

    /// Returns the response that accepts the upgrade.
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

impl UpgradeRefusal {
    fn reason(&self) -> RefusalReason {
        match self {
            Self::NoUpgrade => RefusalReason::NoUpgrade,
            Self::Method => RefusalReason::Method,
            Self::Handshake(_) => RefusalReason::Handshake,
            Self::Subprotocol => RefusalReason::Subprotocol,
            Self::Origin => RefusalReason::Origin,
            Self::TooManyConnections(_) => RefusalReason::Address,
            Self::GoingAway => RefusalReason::GoingAway,
        }
    }

    /// Counts and logs the refusal, and returns its response.
    fn answer(self, runtime: &Runtime, address: Option<ClientAddress>) -> Response<Body> {
        runtime.core().refused(self.reason(), address);
        self.into_response(runtime)
    }

    fn into_response(self, runtime: &Runtime) -> Response<Body> {
        match self {
            Self::NoUpgrade => {
                let path = &runtime.core().path;
                let text = format!(
                    "This is a WebSocket endpoint ({}). A page connects to it with\n\n  \
                     <script type=\"module\" src=\"{path}/client.js\"></script>\n\nand a program with a WebSocket \
                     client, for example: websocat ws://HOST{path}\n",
                    supported_subprotocols()
                );
                let upgrade = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
                (StatusCode::UPGRADE_REQUIRED, upgrade, text).into_response()
            }
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response(),
            Self::Handshake(what) => {
                (StatusCode::BAD_REQUEST, [(header::SEC_WEBSOCKET_VERSION, "13")], what).into_response()
            }
            Self::Subprotocol => {
                let text = format!("Unsupported subprotocol. Supported: {}\n", supported_subprotocols());
                (StatusCode::BAD_REQUEST, text).into_response()
            }
            Self::TooManyConnections(wait) => {
                // In whole seconds, rounded up, so that a client that waits this long is admitted.
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

/// Returns the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`, as RFC 6455 defines it.
fn accept_key(key: &[u8]) -> String {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Checks whether a `Sec-WebSocket-Key` is 16 bytes in base64, as RFC 6455 requires.
fn is_nonce(key: &HeaderValue) -> bool {
    BASE64.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}

/// Checks whether a comma-separated header contains an item. Case is ignored.
fn contains(headers: &HeaderMap, name: &header::HeaderName, item: &str) -> bool {
    items(headers, name).any(|one| one.eq_ignore_ascii_case(item))
}

/// Returns the items of a comma-separated header.
fn items<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Returns the names of the supported subprotocols, separated by commas.
fn supported_subprotocols() -> String {
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

    fn handshake(extra: &[(header::HeaderName, &str)]) -> Result<Handshake, UpgradeRefusal> {
        let mut headers = upgrading();
        for (name, value) in extra {
            headers.insert(name.clone(), value.parse().unwrap());
        }
        Handshake::of(&Method::GET, Version::HTTP_11, &headers)
    }

    #[test]
    fn the_response_is_that_of_rfc_6455() {
        let response = handshake(&[]).unwrap().accept();
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL));
    }

    #[test]
    fn an_offered_subprotocol_is_selected_and_unknown_ones_are_refused() {
        let offer = |value| handshake(&[(header::SEC_WEBSOCKET_PROTOCOL, value)]);
        assert_eq!(offer("soap, vivaz.v1.json").unwrap().encoding, Some(Encoding::Json));
        assert_eq!(offer("vivaz.v1.json, vivaz.v1.msgpack").unwrap().encoding, Some(Encoding::Json));
        let packed = offer("vivaz.v1.msgpack, vivaz.v1.json").unwrap().encoding.unwrap();
        assert_eq!(
            packed.subprotocol(),
            if cfg!(feature = "msgpack") { "vivaz.v1.msgpack" } else { "vivaz.v1.json" }
        );
        assert_eq!(offer("soap").unwrap_err(), UpgradeRefusal::Subprotocol);
        assert_eq!(offer("vivaz.hello").unwrap_err(), UpgradeRefusal::Subprotocol);
        assert_eq!(offer("vivaz.v1.json").unwrap().hello, HelloBy::Message);
        assert_eq!(offer("vivaz.hello, vivaz.v1.json").unwrap().hello, HelloBy::Offer);
    }

    #[test]
    fn the_key_is_one_of_sixteen_bytes() {
        let long = "dGhlIHNhbXBsZSBub25jZSB0aGF0IGlzIGxvbmc=";
        for key in [
            "",
            "short",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZ===",
            long,
            "dGhl IHNhbXBsZSBub25jZQ==",
        ] {
            let refused = handshake(&[(header::SEC_WEBSOCKET_KEY, key)]);
            assert!(matches!(refused, Err(UpgradeRefusal::Handshake(_))), "{key}");
        }
        for key in ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            let mut headers = upgrading();
            headers.append(header::SEC_WEBSOCKET_KEY, key.parse().unwrap());
            let refused = Handshake::of(&Method::GET, Version::HTTP_11, &headers);
            assert!(matches!(refused, Err(UpgradeRefusal::Handshake(_))), "two keys");
        }
    }

    #[test]
    fn an_invalid_handshake_is_refused() {
        assert_eq!(handshake(&[(header::UPGRADE, "h2c")]).unwrap_err(), UpgradeRefusal::NoUpgrade);
        assert!(matches!(
            handshake(&[(header::SEC_WEBSOCKET_VERSION, "8")]),
            Err(UpgradeRefusal::Handshake(_))
        ));
        assert_eq!(
            Handshake::of(&Method::POST, Version::HTTP_11, &HeaderMap::new()).unwrap_err(),
            UpgradeRefusal::Method
        );
        assert_eq!(
            Handshake::of(&Method::GET, Version::HTTP_11, &HeaderMap::new()).unwrap_err(),
            UpgradeRefusal::NoUpgrade
        );
    }

    proptest! {
        /// Whatever a client offers, an encoding is chosen only if the offer names it.
        #[test]
        fn an_invalid_offer_selects_no_protocol(offer in proptest::collection::vec(any::<u8>(), 0..24)) {
            let Ok(value) = HeaderValue::from_bytes(&offer) else { return Ok(()) };
            let mut headers = upgrading();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
            let answer = Handshake::of(&Method::GET, Version::HTTP_11, &headers);
            prop_assert_eq!(answer.err(), Some(UpgradeRefusal::Subprotocol));
        }
    }
}
