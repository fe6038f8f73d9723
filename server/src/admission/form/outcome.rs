//! The outcome of a submitted form, from which its response is made each time that the form is
//! sent.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vivaz_components::{ActionError, ErrorCode, Flash, PageEffect};

use crate::admission::ticket::TicketContent;

/// Maximum size of the typed values that are kept for a repetition of the form, in bytes.
const MAX_TYPED: usize = 16 * 1024;

/// The outcome of a submitted form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FormOutcome {
    pub(crate) status: u16,
    /// The state of the form's component; `None` if the page mounts it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<SavedState>,
    /// The values that the form shows again, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typed: Option<Value>,
    /// Whether they replace those of the component's fields, too.
    #[serde(default)]
    pub(crate) replaces_models: bool,
    /// A message that the form shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alert: Option<String>,
    /// Where the browser is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// The cookies that the action has set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cookies: Vec<TicketContent>,
    /// Messages for the next page: kinds and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) flashes: Vec<(String, String)>,
}

/// The saved state of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedState {
    /// The hash of its schema.
    pub(crate) schema: u64,
    pub(crate) json: String,
}

/// Why a form was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// The seal has expired, or the program has changed since. An earlier attempt may be forgotten.
    Expired,
    /// The component does not show the form any more.
    Gone,
    /// An earlier attempt ended without a result, or may be forgotten.
    Interrupted,
    /// It was sent before with other values.
    Changed,
}

impl NotRun {
    fn message(self) -> &'static str {
        match self {
            Self::Expired => {
                "This form was open for too long, or the site has changed. Check it and send it again."
            }
            Self::Gone => "This form has changed since and was not sent. Check it and send it again.",
            Self::Interrupted => {
                "It is not known whether this form was accepted. Check before you send it again."
            }
            Self::Changed => {
                "This form was sent before with other values. Check the result before you send it again."
            }
        }
    }
}

impl FormOutcome {
    pub(crate) fn with_status(status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            state: None,
            typed: None,
            replaces_models: false,
            alert: None,
            location: None,
            cookies: Vec::new(),
            flashes: Vec::new(),
        }
    }

    /// Returns the outcome of a form that was not run. The page shows the form again with the typed
    /// values.
    pub(crate) fn not_run(why: NotRun, typed: Option<Value>) -> Self {
        let alert = Some(why.message().to_owned());
        Self { typed, replaces_models: true, alert, ..Self::with_status(StatusCode::CONFLICT) }
    }

    /// Returns the outcome of a form that was refused. `has_errors` is whether the component shows
    /// the errors of its fields itself.
    pub(crate) fn refused(error: &ActionError, has_errors: bool, typed: Value) -> Self {
        let is_of_fields = error.code() == ErrorCode::Invalid
            || matches!(error.code(), ErrorCode::BadArguments | ErrorCode::BadValue)
                && error.errors().is_some();
        let is_shown = has_errors && is_of_fields;
        let alert = (!is_shown).then(|| error.message().to_owned());
        Self { typed: Some(typed), alert, ..Self::with_status(status_of(error)) }
    }

    /// Adds the requests of a handler to the page.
    pub(crate) fn add(&mut self, effects: Vec<PageEffect>) {
        for effect in effects {
            match effect {
                PageEffect::Navigate(path) => self.location = Some(path.as_str().to_owned()),
                PageEffect::Redirect(url) => self.location = Some(url.as_str().to_owned()),
                // The page that is rendered next has its own title.
                PageEffect::Title(_) => {}
                PageEffect::Cookie(cookie) => self.cookies.push(TicketContent::of_cookie(&cookie)),
                PageEffect::Flash(Flash { kind, text }) => self.flashes.push((kind, text)),
            }
        }
    }

    /// Returns the outcome without its typed values, if these are too large to keep.
    pub(crate) fn shortened(&self) -> Option<Self> {
        let typed = self.typed.as_ref()?;
        (typed.to_string().len() > MAX_TYPED).then(|| Self { typed: None, ..self.clone() })
    }

    /// Returns the number of bytes that the outcome takes in memory, without its small parts.
    pub(crate) fn bytes(&self) -> usize {
        let typed = self.typed.as_ref().map_or(0, |typed| typed.to_string().len());
        let cookies = self.cookies.iter().map(|cookie| match cookie {
            TicketContent::Cookie { set, .. } => set.len(),
            TicketContent::Flash(kind, text) => kind.len() + text.len(),
        });
        let flashes = self.flashes.iter().map(|(kind, text)| kind.len() + text.len());
        let state = self.state.as_ref().map_or(0, |state| state.json.len());
        let texts = [&self.alert, &self.location].into_iter().flatten().map(String::len);
        typed + state + cookies.chain(flashes).chain(texts).sum::<usize>()
    }
}

/// Returns the status of the page that shows an error.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other errors are those of the request")]
fn status_of(error: &ActionError) -> StatusCode {
    match error.code() {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Panicked | ErrorCode::Timeout => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ActionFailed if error.source().is_some() => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
