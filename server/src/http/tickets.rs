//! Uses tickets: sets the cookies that handlers have requested.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vivaz_components::{Flash, Identity};

use crate::admission::browser::{BrowserId, CookieScope};
use crate::admission::cookies::cookies;
use crate::admission::seal::{SealError, now};
use crate::admission::ticket::{FLASH_SECONDS, Ticket, TicketContent};
use crate::core::Core;
use crate::runtime::Runtime;
use crate::telemetry::log::client_event;

/// The path of tickets below the WebSocket's path.
pub(super) const PATH: &str = "tickets";
/// The cookie with the tickets of messages for the next page.
const FLASH_COOKIE: &str = "vivaz_flash";
/// Maximum length of a request, in bytes. It has an attempt and tickets, one a line.
const MAX_BODY: usize = 32 * 1024;
/// Maximum length of the cookie's value, in bytes. Browsers refuse cookies above 4,096 bytes.
const MAX_FLASH_COOKIE: usize = 3_800;
/// The longest name of an attempt, in bytes.
const MAX_ATTEMPT: usize = 64;

/// Answers a request of a page with tickets.
pub(super) async fn use_tickets(State(runtime): State<Runtime>, request: Request) -> Response {
    let core = runtime.core();
    let (parts, body) = request.into_parts();
    // Checked here, too, because an application may not use the layer.
    if parts.method != Method::POST || !core.origins.allow_method(&parts.method, &parts.uri, &parts.headers) {
        return (StatusCode::FORBIDDEN, "Cross-origin request rejected.\n").into_response();
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n").into_response();
    };
    let identity = match core.identify(parts.clone()).await {
        Ok(identity) => identity,
        Err(error) => return error.into_response(),
    };
    let text = String::from_utf8_lossy(&body);
    match set_cookies(core, &parts, &identity, &text) {
        Some(headers) => (StatusCode::NO_CONTENT, headers).into_response(),
        None => {
            client_event!(core.log, INFO, "a ticket was refused");
            (StatusCode::GONE, "The request has expired or was made already.\n").into_response()
        }
    }
}

/// Returns the headers that set the cookies of all tickets; `None` if one of them is refused.
fn set_cookies(core: &Core, parts: &Parts, identity: &Identity, text: &str) -> Option<HeaderMap> {
    let mut lines = text.lines();
    let attempt = lines.next().filter(|attempt| !attempt.is_empty() && attempt.len() <= MAX_ATTEMPT)?;
    let (now, scope) = (now(), CookieScope::of(parts));
    let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut flashes: Vec<&str> = flash_tokens(&parts.headers).collect();
    let mut tickets = Vec::new();
    for token in lines {
        tickets.push((token, Ticket::open(token, &core.sealer, identity, &browsers, now)?));
    }
    for (token, ticket) in tickets {
        if !core.used_tickets.admit(&ticket, attempt, now) {
            return None;
        }
        match ticket.content {
            TicketContent::Cookie { set, follows_scheme } => {
                headers.append(header::SET_COOKIE, set_cookie(&set, follows_scheme, scope)?);
            }
            TicketContent::Flash(..) => {
                flashes.retain(|other| *other != token);
                flashes.push(token);
            }
        }
    }
    if !flashes.is_empty() {
        headers.append(header::SET_COOKIE, newest_flashes(flashes, scope)?);
    }
    Some(headers)
}

/// Returns the value of `Set-Cookie` for a cookie of a handler.
pub(super) fn set_cookie(set: &str, follows_scheme: bool, scope: CookieScope) -> Option<HeaderValue> {
    let secure = if follows_scheme && scope == CookieScope::HttpsOnly { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{set}{secure}")).ok()
}

/// Returns the value of `Set-Cookie` for the newest of these messages, as many as browsers store.
fn newest_flashes(mut tokens: Vec<&str>, scope: CookieScope) -> Option<HeaderValue> {
    while tokens.iter().map(|token| token.len() + 1).sum::<usize>() > MAX_FLASH_COOKIE {
        tokens.remove(0);
    }
    flash_cookie(&tokens.join("."), FLASH_SECONDS, scope)
}

/// Returns the value of `Set-Cookie` that adds messages to those of a request.
///
/// # Errors
/// Returns an error if a message cannot be sealed.
pub(super) fn flash_headers(
    core: &Core,
    parts: &Parts,
    identity: &Identity,
    browsers: &[BrowserId],
    flashes: impl Iterator<Item = Flash>,
) -> Result<Option<HeaderValue>, SealError> {
    let sealed = flashes.map(|Flash { kind, text }| {
        let ticket = Ticket::new(TicketContent::Flash(kind, text), now(), FLASH_SECONDS)?;
        ticket.seal(&core.sealer, identity, browsers)
    });
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    let tokens = flash_tokens(&parts.headers).chain(sealed.iter().map(String::as_str)).collect();
    Ok(newest_flashes(tokens, CookieScope::of(parts)))
}

/// Returns the value of `Set-Cookie` for messages.
fn flash_cookie(value: &str, seconds: u64, scope: CookieScope) -> Option<HeaderValue> {
    let secure = if scope == CookieScope::HttpsOnly { "; Secure" } else { "" };
    let text = format!("{FLASH_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// Returns the tickets of messages that a request carries.
fn flash_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    cookies(headers, FLASH_COOKIE).flat_map(|value| value.split('.')).filter(|token| !token.is_empty())
}

/// The messages for a page that is rendered now.
#[derive(Clone, Debug, Default)]
pub(super) struct PageFlashes {
    pub(super) messages: Vec<Flash>,
    /// Removes the cookie that carried them.
    pub(super) removal: Option<HeaderValue>,
}

impl PageFlashes {
    /// Reads the messages of a request for a page. One that the client makes before the visitor
    /// follows a link gets none.
    pub(super) fn of(parts: &Parts, core: &Core, identity: &Identity) -> Self {
        if parts.headers.contains_key("live-prefetch") {
            return Self::default();
        }
        let mut tokens = flash_tokens(&parts.headers).peekable();
        if tokens.peek().is_none() {
            return Self::default();
        }
        let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
        let open = |token: &str| Ticket::open(token, &core.sealer, identity, &browsers, now());
        let messages = tokens.filter_map(open).filter_map(Ticket::into_flash).collect();
        Self { messages, removal: flash_cookie("", 0, CookieScope::of(parts)) }
    }
}
