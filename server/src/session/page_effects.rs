//! Sends the requests of handlers to their page.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use vivaz_components::{Identity, PageEffect, ServerEvent};
use vivaz_protocol::{ComponentId, Ref, SessionId};

use crate::admission::browser::BrowserId;
use crate::admission::seal::{SealError, now};
use crate::admission::secret::random_text;
use crate::admission::ticket::{Ticket, TicketContent};
use crate::session::Session;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::log::Escaped;

/// The name of the event that carries the requests.
pub(crate) const EVENT: &str = "live:effects";

/// Encodes the requests of the handlers of one session.
#[derive(Clone)]
pub(in crate::session) struct EffectEncoder {
    supervisor: Arc<Supervisor>,
    session: SessionId,
    identity: Identity,
    browsers: Box<[BrowserId]>,
}

impl EffectEncoder {
    /// Encodes requests to the page for their event. Returns `None` if there are none, or if a
    /// ticket cannot be sealed, which is logged.
    ///
    /// A page that gets the event again, because it has not received the reply, recognises the
    /// event's id. With a reply to `reference` it is the same for each encoding: a stored reply may
    /// follow one that was sent.
    pub(in crate::session) fn encode(
        &self,
        effects: Vec<PageEffect>,
        reference: Option<Ref>,
    ) -> Option<Box<str>> {
        if effects.is_empty() {
            return None;
        }
        match self.to_json(effects, reference) {
            Ok(json) => Some(json.into()),
            Err(error) => {
                tracing::error!(error = %Escaped(&error), "cannot send the requests of a handler to its page");
                None
            }
        }
    }

    /// Returns encoded requests with tickets that are valid from now on: the page may have been
    /// away for longer than they last. Returns `None` if the session has other users by now.
    pub(in crate::session) fn renew(&self, json: &str) -> Option<String> {
        let mut requests: Vec<Value> = serde_json::from_str(json).ok()?;
        for request in &mut requests {
            if let Some([Value::String(name), Value::String(token)]) =
                request.as_array_mut().map(Vec::as_mut_slice)
                && ["ticket", "flash"].contains(&name.as_str())
            {
                let sealer = &self.supervisor.core().sealer;
                *token = Ticket::renew(token, sealer, &self.identity, &self.browsers, now())?;
            }
        }
        serde_json::to_string(&requests).ok()
    }

    fn to_json(&self, effects: Vec<PageEffect>, reference: Option<Ref>) -> Result<String, SealError> {
        let ticket = |content| {
            let ticket = Ticket::new(content, now())?;
            ticket.seal(&self.supervisor.core().sealer, &self.identity, &self.browsers)
        };
        let id = match reference {
            Some(reference) => format!("{}/{}", self.session, reference.get()),
            None => random_text::<12>().map_err(SealError::Randomness)?,
        };
        let mut json = format!("[\"{id}\"");
        for effect in effects {
            let request = match effect {
                PageEffect::Navigate(path) => json!(["navigate", path.as_str()]),
                PageEffect::Redirect(url) => json!(["redirect", url.as_str()]),
                PageEffect::Title(title) => json!(["title", title]),
                PageEffect::Cookie(cookie) => {
                    json!(["ticket", ticket(TicketContent::of_cookie(&cookie))?])
                }
                PageEffect::Flash(flash) => {
                    let content = TicketContent::Flash(flash.kind, flash.text);
                    json!(["flash", ticket(content)?])
                }
            };
            // Writing to a string cannot fail.
            let _ = write!(json, ",{request}");
        }
        json.push(']');
        Ok(json)
    }
}

impl Session {
    /// Returns the encoder of the handlers' requests.
    pub(in crate::session) fn effect_encoder(&self) -> EffectEncoder {
        EffectEncoder {
            supervisor: Arc::clone(&self.supervisor),
            session: self.id().clone(),
            identity: self.identity.clone(),
            browsers: self.browsers.clone(),
        }
    }

    /// Sends requests that no reply carries. A page that is not connected does not receive them.
    pub(in crate::session) fn send_page_effects(&self, id: &ComponentId, effects: Vec<PageEffect>) {
        if effects.is_empty() {
            return;
        }
        let Some(json) = self.effect_encoder().encode(effects, None) else { return };
        let data = serde_json::value::RawValue::from_string(json.into());
        match data {
            Ok(data) => self.send_event(id, &ServerEvent { name: EVENT.into(), data: data.into() }),
            Err(error) => {
                tracing::error!(session = %self.port.session(), error = %Escaped(&error), "cannot encode requests to a page");
            }
        }
    }
}
