//! The response to a form that was sent.

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use vivaz_components::{Flash, Identity};

use super::target::SubmittedPage;
use crate::admission::browser::{BrowserId, CookieScope};
use crate::admission::form::outcome::FormOutcome;
use crate::admission::form::seal::FormSeal;
use crate::admission::ticket::TicketContent;
use crate::core::Core;
use crate::http::caching::UNCACHED;
use crate::http::tickets::{flash_headers, set_cookie};
use vivaz_template::escape;

/// The answer to a form.
#[derive(Debug)]
pub(super) enum FormAnswer {
    /// A page that says why the form was not run.
    Refused(RefusedForm),
    /// The browser is sent to another page.
    Redirect { location: HeaderValue, cookies: Vec<HeaderValue> },
    /// The page is rendered again. `flashes` are the cookies with its messages, for the next page
    /// if the handler does not render this one.
    Page { page: Arc<SubmittedPage>, cookies: Vec<HeaderValue>, flashes: Vec<HeaderValue> },
}

/// Why a form was refused before its component was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusedForm {
    /// A page of another origin has sent it.
    CrossOrigin,
    /// The client sends too many forms; it may send one after this time.
    TooMany(Duration),
    /// The content type is not that of a form.
    ContentType,
    /// The form has too many bytes or fields.
    TooLarge,
    /// The form contains a file.
    File,
    /// The body cannot be decoded.
    Malformed,
    /// The form has no seal: the page did not render it.
    NoSeal,
    /// The seal was not made here, or not for this visitor.
    BadSeal,
    /// The server shuts down, or its store fails. The form was not run.
    Unavailable,
}

impl RefusedForm {
    fn status(self) -> StatusCode {
        match self {
            Self::CrossOrigin | Self::BadSeal => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::File => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Malformed | Self::NoSeal => StatusCode::BAD_REQUEST,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::CrossOrigin => "The form was sent from another site.",
            Self::TooMany(_) => "Too many forms were sent. Wait a moment, then send it again.",
            Self::ContentType => "The content type is not that of a form.",
            Self::TooLarge => "The form is too large.",
            Self::File => "Files cannot be sent without JavaScript.",
            Self::Malformed => "The form cannot be read.",
            Self::NoSeal => "The form is not one of this page. Load the page again.",
            Self::BadSeal => {
                "The form was opened by another user or in another browser, or cookies are blocked. Load the page \
                 again."
            }
            Self::Unavailable => "The form was not sent, because the server is not available. Send it again.",
        }
    }

    fn respond(self) -> Response {
        let (status, message) = (self.status(), self.message());
        let html = page(message, &format!("<h1>The form was not sent</h1><p>{message}</p>"));
        let mut headers = HeaderMap::from_iter(UNCACHED);
        let retry = match self {
            Self::TooMany(wait) => Some(wait.as_secs().saturating_add(1)),
            Self::Unavailable => Some(1),
            Self::CrossOrigin
            | Self::ContentType
            | Self::TooLarge
            | Self::File
            | Self::Malformed
            | Self::NoSeal
            | Self::BadSeal => None,
        };
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        (status, headers, html).into_response()
    }
}

impl FormAnswer {
    /// Returns the answer for an outcome.
    ///
    /// # Errors
    /// Returns an error if a message cannot be sealed.
    pub(super) fn of(
        core: &Core,
        identity: &Identity,
        parts: &Parts,
        form: FormSeal,
        outcome: Arc<FormOutcome>,
    ) -> Result<Self, RefusedForm> {
        let scope = CookieScope::of(parts);
        let cookies = outcome.cookies.iter().filter_map(|cookie| match cookie {
            TicketContent::Cookie { set, follows_scheme } => set_cookie(set, *follows_scheme, scope),
            TicketContent::Flash(..) => None,
        });
        let mut cookies: Vec<HeaderValue> = cookies.collect();
        let location = outcome.location.as_ref().and_then(|to| HeaderValue::from_str(to).ok());
        let messages = outcome.flashes.iter().cloned().map(|(kind, text)| Flash { kind, text });
        let alert = outcome.alert.clone().map(|text| Flash { kind: "error".to_owned(), text });
        let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
        let flashes = flash_headers(core, parts, identity, &browsers, messages.chain(alert));
        let flashes = flashes.map_err(|error| {
            tracing::error!(%error, "cannot seal the messages of a form");
            RefusedForm::Unavailable
        })?;
        Ok(if let Some(location) = location {
            cookies.extend(flashes);
            Self::Redirect { location, cookies }
        } else {
            Self::Page { page: Arc::new(SubmittedPage::new(form, outcome)), cookies, flashes }
        })
    }

    /// Returns the page that is to be rendered.
    pub(super) fn page(&self) -> Option<Arc<SubmittedPage>> {
        match self {
            Self::Page { page, .. } => Some(Arc::clone(page)),
            Self::Refused(_) | Self::Redirect { .. } => None,
        }
    }

    /// Returns the response. `rendered` is that of the page's handler.
    pub(super) fn respond(&self, mut rendered: Response) -> Response {
        match self {
            Self::Refused(refused) => refused.respond(),
            Self::Redirect { location, cookies } => {
                let mut headers = HeaderMap::from_iter(UNCACHED);
                headers.insert(header::LOCATION, location.clone());
                append(&mut headers, cookies);
                (StatusCode::SEE_OTHER, headers).into_response()
            }
            Self::Page { page, cookies, flashes } => {
                let outcome = page.outcome();
                let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::OK);
                let is_refused = status.is_client_error() || status.is_server_error();
                let alert = outcome.alert.as_deref();
                let alert = alert
                    .or_else(|| is_refused.then_some("Some fields are not valid. Go back and check them."));
                if rendered.status() == StatusCode::OK {
                    // The page may not show the component any more.
                    if let Some(alert) = alert
                        && !page.shows_outcome()
                    {
                        rendered = message(status, alert);
                    }
                    *rendered.status_mut() = status;
                } else if let Some(alert) = alert.filter(|_| rendered.status().is_client_error()) {
                    rendered = message(status, alert);
                } else {
                    append(rendered.headers_mut(), flashes);
                }
                append(rendered.headers_mut(), cookies);
                rendered
            }
        }
    }
}

fn append(headers: &mut HeaderMap, cookies: &[HeaderValue]) {
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
}

/// Returns a page with a message.
fn message(status: StatusCode, text: &str) -> Response {
    let text = escape::text(text);
    (status, UNCACHED, page(&text, &format!("<p>{text}</p>"))).into_response()
}

/// Returns a page with this title and content, both as HTML.
fn page(title: &str, content: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body>\
         <main>{content}</main></body></html>"
    ))
}
