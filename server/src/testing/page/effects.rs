//! The effects of handlers on their page: `cx.navigate`, `cx.flash` and the like.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use vivaz_components::{Cookie, Flash};

use super::{OpenError, Page};
use crate::admission::browser::BrowserId;
use crate::admission::seal::now;
use crate::admission::ticket::{Ticket, TicketContent};
use crate::session::page_effects;

/// The effects of handlers on a page so far: see [`Page::effects`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PageEffects {
    /// The path of the last `cx.navigate`.
    pub navigate: Option<String>,
    /// The address of the last `cx.redirect`.
    pub redirect: Option<String>,
    /// The last title of `cx.set_title`.
    pub title: Option<String>,
    /// The messages of `cx.flash`, oldest first.
    pub flashes: Vec<Flash>,
    /// The cookies of `cx.set_cookie`, oldest first.
    pub cookies: Vec<Cookie<'static>>,
}

/// The effects as the page receives them.
#[derive(Default)]
struct ReceivedEffects {
    effects: PageEffects,
    /// The tickets for the server.
    tickets: Vec<String>,
    /// Where the last request of another page leads.
    destination: Option<String>,
}

impl Page {
    /// Returns the effects of handlers on the page so far.
    ///
    /// # Panics
    /// Panics if the server is down, or if the page's user is not the one whom a handler has set a
    /// cookie or a message for.
    #[must_use]
    pub fn effects(&self) -> PageEffects {
        self.received_effects().effects
    }

    /// Shows the page that a handler has requested last, as the browser does: sets the cookies and
    /// messages, then opens the path of `cx.navigate` or `cx.redirect`.
    ///
    /// # Errors
    /// Returns an [`OpenError`] if the page, the connection or a component was refused, and
    /// [`OpenError::Elsewhere`] for an address of another server.
    ///
    /// # Panics
    /// Panics if no handler has requested another page, or if the page was not opened by a
    /// [`Browser`](crate::testing::Browser).
    pub async fn follow(&self) -> Result<Self, OpenError> {
        let ReceivedEffects { tickets, destination, .. } = self.received_effects();
        let Some(browser) = self.shared().lock().browser.clone() else {
            panic!("the page was opened without the application's router: open it with a `Browser`")
        };
        let Some(destination) = destination else { panic!("no handler has requested another page") };
        if !tickets.is_empty() {
            let path = self.0.shared.server().wait_running().await.core().path.clone();
            let body = format!("a test\n{}", tickets.join("\n"));
            let used = match Request::post(format!("{path}/tickets")).body(Body::from(body)) {
                Ok(request) => browser.send(request).await,
                Err(error) => panic!("the path of the tickets: {error}"),
            };
            assert_eq!(used.status(), StatusCode::NO_CONTENT, "the tickets are accepted");
        }
        browser.open_address(&destination).await
    }

    fn received_effects(&self) -> ReceivedEffects {
        let Some(runtime) = self.0.shared.server().running() else { panic!("the server is down") };
        let core = runtime.core();
        let (events, identity, cookies) = {
            let state = self.shared().lock();
            let cookies = state.browser.as_ref().map_or_else(HeaderMap::new, super::Browser::headers);
            (state.events.clone(), state.identity.clone(), cookies)
        };
        let browsers = BrowserId::of_connection(&cookies, &core.secret);
        let open = |token: &str| match Ticket::open(token, &core.sealer, &identity, &browsers, now()) {
            Some(ticket) => ticket.content,
            None => panic!("a handler's request belongs to another user, or has expired"),
        };
        let mut received = ReceivedEffects::default();
        // The server repeats a reply that was lost, with the same id.
        let mut ids = HashSet::new();
        for event in events.iter().filter(|event| event.name == page_effects::EVENT) {
            let [id, effects @ ..] = event.data.as_array().map_or(&[][..], Vec::as_slice) else { continue };
            if !ids.insert(id.to_string()) {
                continue;
            }
            for effect in effects {
                let text = |at: usize| effect.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (name, argument) = (text(0), text(1));
                if name == "title" {
                    received.effects.title = Some(argument);
                } else if matches!(&*name, "navigate" | "redirect") {
                    received.destination = Some(argument.clone());
                    let all = &mut received.effects;
                    *(if name == "navigate" { &mut all.navigate } else { &mut all.redirect }) =
                        Some(argument);
                } else {
                    match open(&argument) {
                        TicketContent::Flash(kind, text) => {
                            received.effects.flashes.push(Flash { kind, text });
                        }
                        TicketContent::Cookie { set, .. } => match Cookie::parse(set) {
                            Ok(cookie) => received.effects.cookies.push(cookie),
                            Err(error) => panic!("a handler's cookie cannot be read: {error}"),
                        },
                    }
                    received.tickets.push(argument);
                }
            }
        }
        received
    }
}
