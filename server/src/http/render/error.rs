//! The error of a first paint.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use vivaz_components::{ActionError, ErrorCode};
use vivaz_databases::DatabaseError;

use crate::http::caching::UNCACHED;
use crate::telemetry::log::Escaped;

/// The reason why a component could not be rendered.
///
/// As a response it is plain text without details: 401, 403 or 404 if the component or one of its
/// topics returned `unauthenticated`, `forbidden` or `not_found`, otherwise 500.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The component, or one of its topics, returned an error.
    #[error("{0}")]
    Component(ActionError),
    /// The component and its children have more bytes of state than
    /// [`Limits::session_state_bytes`](crate::Limits::session_state_bytes) allows.
    #[error("{0}")]
    TooLarge(ActionError),
    /// No component of this name is registered: its crate is not linked, or
    /// `builder.component::<C>()` is missing.
    #[error("{0}")]
    Unknown(String),
    /// The props cannot be serialised as JSON: a number in them is NaN or infinite, or the
    /// `Serialize` implementation of a type fails. The source names the prop.
    #[error("the props of `{component}` cannot be serialised as JSON: {source}")]
    Props {
        /// The component's name.
        component: &'static str,
        /// The error of the serialiser.
        source: serde_json::Error,
    },
    /// A value of a page cannot be serialised as JSON.
    #[error("the values of the page `{page}` cannot be serialised as JSON: {source}")]
    Values {
        /// The page's type.
        page: &'static str,
        /// The error of the serialiser.
        source: serde_json::Error,
    },
    /// Two components of the page are bound to one parameter of its URL.
    #[error(
        "the components `{first}` and `{second}` are both bound to the parameter `{parameter}` of the URL; give one of \
         the fields another name, #[live(url = \"…\")], or bind a field of their parent and pass it as a prop"
    )]
    Parameter {
        /// The parameter's name.
        parameter: &'static str,
        /// The component that was rendered first.
        first: &'static str,
        /// The other component.
        second: &'static str,
    },
    /// The seal of a component cannot be created, for example because the system's random number
    /// generator fails.
    #[error("cannot create a seal: {0}")]
    Seal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The state cannot be serialised as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<ActionError> for RenderError {
    fn from(error: ActionError) -> Self {
        if error.code() == ErrorCode::TooLarge { Self::TooLarge(error) } else { Self::Component(error) }
    }
}

impl From<DatabaseError> for RenderError {
    fn from(error: DatabaseError) -> Self {
        ActionError::from(error).into()
    }
}

impl IntoResponse for RenderError {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Component(error) if error.code() == ErrorCode::Unauthenticated => {
                (StatusCode::UNAUTHORIZED, "Authentication required.")
            }
            Self::Component(error) if error.code() == ErrorCode::Forbidden => {
                (StatusCode::FORBIDDEN, "Permission denied.")
            }
            // The props have the right types, so a bad value is a topic's key, most likely from the
            // URL.
            Self::Component(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::BadProps) => {
                tracing::debug!(error = %Escaped(error), "page not found");
                (StatusCode::NOT_FOUND, "Page not found.")
            }
            Self::Component(_)
            | Self::TooLarge(_)
            | Self::Unknown(_)
            | Self::Props { .. }
            | Self::Values { .. }
            | Self::Parameter { .. }
            | Self::Seal(_)
            | Self::Json(_) => {
                tracing::error!(error = %Escaped(&self), "rendering a page failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.")
            }
        };
        (status, UNCACHED, text).into_response()
    }
}
