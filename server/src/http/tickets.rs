//! Uses tickets: sets the cookies that handlers have requested.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vivaz_components::{Flash, Identity};

use crate::admission::browser::{BrowserId, CookieScope};
use crate::admission::cookies::all_cookies;
use crate::admission::seal::{SealError, now};
use crate::admission::ticket::{FLASH_SECONDS, Ticket, TicketContent};
use crate::core::Core;
use crate::runtime::Runtime;
use crate::telemetry::log::client_event;

/// The path of tickets below the WebSocket's path.
pub(super) const PATH: &str = "tickets";
/// The beginning of the names of cookies with messages for the next page. The ticket's number in
/// hexadecimal digits follows: with one cookie for all, two tabs would overwrite the messages of
/// each other.
const FLASH_COOKIE: &str = "vivaz_flash_";
/// Maximum length of a request, in bytes. It has an attempt and tickets, one a line.
const MAX_BODY: usize = 32 * 1024;
/// Maximum length of the cookies of all messages, in bytes. Servers refuse long headers.
const MAX_FLASH_COOKIES: usize = 3_800;
/// The names of the cookies of the messages that a page shows, for the client.
const SHOWN_FLASHES: HeaderName = HeaderName::from_static("live-flashes");
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
    let mut length = 0;
    let mut tickets = Vec::new();
    for token in lines {
        tickets.push((token, Ticket::open(token, &core.sealer, identity, &browsers, now)?));
    }
    for (token, ticket) in tickets {
        match ticket.content {
            TicketContent::Cookie { .. } if !core.used_tickets.admit(&ticket, attempt, now) => return None,
            TicketContent::Cookie { set, follows_scheme } => {
                headers.append(header::SET_COOKIE, set_cookie(&set, follows_scheme, scope)?);
            }
            TicketContent::Flash(..) => {
                length += token.len();
                headers.append(header::SET_COOKIE, new_flash_cookie(ticket.id(), token, scope)?);
            }
        }
    }
    for removal in removals_of_older(length, &parts.headers, scope)? {
        headers.append(header::SET_COOKIE, removal);
    }
    Some(headers)
}

/// Returns the value of `Set-Cookie` for a cookie of a handler.
pub(super) fn set_cookie(set: &str, follows_scheme: bool, scope: CookieScope) -> Option<HeaderValue> {
    let secure = if follows_scheme && scope == CookieScope::HttpsOnly { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{set}{secure}")).ok()
}

/// Returns the values of `Set-Cookie` that remove older messages of a request, for which new ones
/// of that length leave no room.
fn removals_of_older(mut length: usize, headers: &HeaderMap, scope: CookieScope) -> Option<Vec<HeaderValue>> {
    if length == 0 {
        return Some(Vec::new());
    }
    // Browsers send the oldest cookies first.
    let older: Vec<_> = flash_cookies(headers).collect();
    let removed = older.into_iter().rev().filter(|(_, value)| {
        length += value.len();
        length > MAX_FLASH_COOKIES
    });
    removed.map(|(name, _)| flash_cookie(name, "", 0, scope)).collect()
}

/// Returns the values of `Set-Cookie` that add messages to those of a request.
///
/// # Errors
/// Returns an error if a message cannot be sealed.
pub(super) fn flash_headers(
    core: &Core,
    parts: &Parts,
    identity: &Identity,
    browsers: &[BrowserId],
    flashes: impl Iterator<Item = Flash>,
) -> Result<Vec<HeaderValue>, SealError> {
    let scope = CookieScope::of(parts);
    let (mut headers, mut length) = (Vec::new(), 0);
    for Flash { kind, text } in flashes {
        let ticket = Ticket::new(TicketContent::Flash(kind, text), now())?;
        let token = ticket.seal(&core.sealer, identity, browsers)?;
        length += token.len();
        headers.extend(new_flash_cookie(ticket.id(), &token, scope));
    }
    headers.extend(removals_of_older(length, &parts.headers, scope).into_iter().flatten());
    Ok(headers)
}

/// Returns the value of `Set-Cookie` for a new message, given the number of its ticket.
fn new_flash_cookie(number: u64, token: &str, scope: CookieScope) -> Option<HeaderValue> {
    flash_cookie(&format!("{FLASH_COOKIE}{number:x}"), token, FLASH_SECONDS, scope)
}

/// Returns the value of `Set-Cookie` for a message. The client removes it; its value is sealed.
fn flash_cookie(name: &str, value: &str, seconds: u64, scope: CookieScope) -> Option<HeaderValue> {
    let secure = if scope == CookieScope::HttpsOnly { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// Returns the cookies with messages that a request carries: their names, and the tickets.
fn flash_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    all_cookies(headers).filter(|(name, _)| {
        let number = name.strip_prefix(FLASH_COOKIE);
        number
            .is_some_and(|number| number.len() <= 16 && number.bytes().all(|digit| digit.is_ascii_hexdigit()))
    })
}

/// The messages for a page that is rendered now.
#[derive(Clone, Debug, Default)]
pub(super) struct PageFlashes {
    messages: Vec<Flash>,
    /// The headers that remove the cookies which carried them.
    removals: Vec<(HeaderName, HeaderValue)>,
    /// Whether the page shows them. All clones share it.
    are_shown: Arc<AtomicBool>,
}

impl PageFlashes {
    /// Reads the messages of a request for a page. One that the client makes before the visitor
    /// follows a link gets none.
    pub(super) fn of(parts: &Parts, core: &Core, identity: &Identity) -> Self {
        if parts.headers.contains_key("live-prefetch") {
            return Self::default();
        }
        let (names, tokens): (Vec<_>, Vec<_>) = flash_cookies(&parts.headers).unzip();
        if tokens.is_empty() {
            return Self::default();
        }
        let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
        let open = |token: &str| Ticket::open(token, &core.sealer, identity, &browsers, now());
        let messages = tokens.into_iter().filter_map(open).filter_map(Ticket::into_flash).collect();
        let removals = if parts.headers.contains_key("live-navigate") {
            // The client removes them when it shows the page: it may have to request it again.
            let names = HeaderValue::try_from(names.join(" "));
            names.into_iter().map(|names| (SHOWN_FLASHES, names)).collect()
        } else {
            let scope = CookieScope::of(parts);
            let removed = names.into_iter().filter_map(|name| flash_cookie(name, "", 0, scope));
            removed.map(|removed| (header::SET_COOKIE, removed)).collect()
        };
        Self { messages, removals, are_shown: Arc::default() }
    }

    /// Adds messages that no cookie carries.
    pub(super) fn add(&mut self, messages: impl Iterator<Item = Flash>) {
        self.messages.extend(messages);
    }

    /// Returns the messages, for a page that shows them.
    pub(super) fn show(&self) -> &[Flash] {
        self.are_shown.store(true, Ordering::Relaxed);
        &self.messages
    }

    /// Returns the headers that remove the messages, if the page shows them.
    pub(super) fn removals(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let are_shown = self.are_shown.load(Ordering::Relaxed);
        self.removals.iter().filter(move |_| are_shown).cloned()
    }
}
