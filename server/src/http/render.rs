//! The first paint: components rendered into the page that the application answers with.

mod paint;

use std::fmt;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::value::RawValue;
use vivaz_components::{ActionError, ErrorCode, Identity, LiveComponent};

use super::listen::expect_listener;
use crate::admission::browser::{Browser, NewBrowser};
use crate::admission::identify::{IdentityError, answer_of};
use crate::admission::scheme::is_https;
use crate::admission::seal::{holder, holder_in};
use crate::assets;
use crate::runtime::Runtime;
use crate::telemetry::log::Escaped;

/// What a handler renders components with: extracted from the request, so that components know whom they are for.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use vivaz::{Live, RenderError};
/// # use vivaz::LiveComponent;
///
/// async fn page<Counter>(live: Live) -> Result<Response, RenderError>
/// where
///     Counter: LiveComponent<Props: Default>,
/// {
///     let counter = live.render::<Counter>(Default::default()).await?;
///     Ok(live.page(format!("<!doctype html><title>Counter</title>{}{counter}", live.head())))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Live {
    runtime: Runtime,
    identity: Identity,
    browser: InBrowser,
}

/// What seals are bound to beside the identity.
#[derive(Clone, Debug)]
enum InBrowser {
    /// Nothing: there is a user, or the application wants none.
    Any,
    /// A browser that has its cookie.
    Known(Browser),
    /// One that gets it with the answer.
    New { browser: Browser, answer: NewBrowser, is_secure: bool },
}

impl InBrowser {
    fn of(parts: &Parts, runtime: &Runtime, identity: &Identity) -> Self {
        let core = runtime.core();
        if identity.user_id().is_some() || !core.binds_browsers {
            return Self::Any;
        }
        if let Some(browser) = Browser::of(&parts.headers, &core.secret) {
            return Self::Known(browser);
        }
        let Some(browser) = Browser::new() else { return Self::Any };
        // Without `serve`, the cookie is in the answer of `Live::page` alone.
        let answer = parts.extensions.get().cloned().unwrap_or_default();
        Self::New { browser, answer, is_secure: is_https(parts) }
    }
}

/// HTML of components: the elements with their first paint, and what the page needs to go on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// The HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a component could not be rendered. As a response it is a plain page that gives nothing away: 401, 403 or 404
/// where the component or a topic that it shows returned `unauthenticated`, `forbidden` or `not_found`, else 500.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The component, or a topic that it shows, refused or failed.
    #[error("{0}")]
    Component(ActionError),
    /// It would hold more bytes of state than a session may: [`Limits::session_state_bytes`](crate::Limits).
    #[error("{0}")]
    TooLarge(ActionError),
    /// No component of that name is registered: its crate is not linked, or `builder.component::<C>()` is missing.
    #[error("{0}")]
    Unknown(String),
    /// The props have no JSON form: a number in them is NaN or infinite, or a type does not serialise. The source names
    /// the prop.
    #[error("the props of `{component}` cannot be written as JSON: {source}")]
    Props {
        /// The component's name.
        component: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The state has no JSON form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<ActionError> for RenderError {
    fn from(error: ActionError) -> Self {
        if error.code() == ErrorCode::TooLarge { Self::TooLarge(error) } else { Self::Component(error) }
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
            // The props are of their types, so what is bad is a topic's key, most likely out of the address.
            Self::Component(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::BadProps) => {
                tracing::debug!(error = %Escaped(error), "a page does not exist");
                (StatusCode::NOT_FOUND, "Page not found.")
            }
            Self::Component(_)
            | Self::TooLarge(_)
            | Self::Unknown(_)
            | Self::Props { .. }
            | Self::Json(_) => {
                tracing::error!(error = %Escaped(&self), "a page could not be rendered");
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error.")
            }
        };
        (status, UNCACHED, text).into_response()
    }
}

/// A cache may otherwise keep a 404 and give it to others.
const UNCACHED: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"))];

impl Live {
    #[cfg(feature = "testing")]
    pub(crate) fn new(runtime: Runtime, identity: Identity) -> Self {
        Self { runtime, identity, browser: InBrowser::Any }
    }

    /// Renders a component: `mount` runs here, once. The page brings its state back under seal. The component and its
    /// children may hold as many bytes of state as a session. A child that there is no room for is left to the page.
    ///
    /// # Errors
    /// What `mount` says, and what the topics that the component shows say. [`RenderError::TooLarge`] when the component
    /// holds too much.
    pub async fn render<C: LiveComponent>(&self, props: C::Props) -> Result<Markup, RenderError> {
        self.paint::<C>(props, String::new()).await
    }

    /// The same with an `id` for the element: for two components of one kind that the page has to tell apart.
    ///
    /// # Errors
    /// What `mount` says, and what the topics that the component shows say.
    pub async fn render_as<C: LiveComponent>(
        &self,
        id: &str,
        props: C::Props,
    ) -> Result<Markup, RenderError> {
        self.paint::<C>(props, format!(" id=\"{}\"", vivaz_template::escape::attribute(id))).await
    }

    async fn paint<C: LiveComponent>(
        &self,
        props: C::Props,
        attributes: String,
    ) -> Result<Markup, RenderError> {
        let json: Box<RawValue> = vivaz_protocol::json::to_raw_json(&props)
            .map_err(|source| RenderError::Props { component: C::SPEC.name, source })?;
        let painter = paint::Painter::new(self);
        let instance = vivaz_components::mount::<C>(props, painter.mount_context()).await?;
        self.runtime.on_executor();
        painter.paint(instance, &json, attributes, None, &[], 0).await.map(Markup)
    }

    /// Returns what belongs into the page's `<head>`, once: the script that keeps the clicks and
    /// submits which come before the client runs, and the [client](Self::script). The first is not
    /// `async` or `defer` on purpose: the browser runs it before it shows anything.
    ///
    /// To write the first script into the page itself, see [`CAPTURE`](crate::CAPTURE).
    #[must_use]
    pub fn head(&self) -> Markup {
        let path = &self.runtime.core().path;
        let capture = assets::client::capture_path();
        Markup(format!(r#"<script src="{path}/{capture}"></script>{}"#, self.script()))
    }

    /// Returns the element that loads the client: once a page, anywhere in it. It names the build,
    /// so that the page notices a later one.
    ///
    /// Without the other script of [`head`](Self::head), clicks and submits that come before the
    /// client runs are lost.
    #[must_use]
    pub fn script(&self) -> Markup {
        let core = self.runtime.core();
        let (path, build) = (&core.path, vivaz_template::escape::attribute(&core.build));
        Markup(format!(r#"<script type="module" src="{path}/client.js" live-build="{build}"></script>"#))
    }

    /// Returns a page as a response that no cache keeps, because the seals in it are this visitor's. It
    /// sets the cookie that they are bound to, if the browser has none yet.
    ///
    /// A handler that makes its response in another way adds [`headers`](Self::headers) to it, unless
    /// [`serve`](crate::serve) serves the application: that sets the cookie in any response.
    #[must_use]
    pub fn page(&self, html: impl Into<String>) -> Response {
        (self.headers(), Html(html.into())).into_response()
    }

    /// Returns the headers of a response that contains what was rendered here so far: `Cache-Control`, and
    /// `Set-Cookie` if seals in it are bound to a browser that has no cookie yet.
    ///
    /// ```
    /// use axum::http::StatusCode;
    /// use axum::response::{Html, IntoResponse};
    ///
    /// fn not_found(live: &vivaz::Live, html: String) -> impl IntoResponse {
    ///     (StatusCode::NOT_FOUND, live.headers(), Html(html))
    /// }
    /// ```
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter(UNCACHED);
        if let InBrowser::New { answer, .. } = &self.browser {
            answer.write(&mut headers);
        }
        headers
    }

    /// Whom the application recognised.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Who opens what is sealed here. A browser that has no cookie yet gets one.
    fn holder(&self) -> String {
        match &self.browser {
            InBrowser::Any => holder(&self.identity),
            InBrowser::Known(browser) => holder_in(&self.identity, *browser),
            InBrowser::New { browser, answer, is_secure } => {
                answer.set(*browser, &self.runtime.core().secret, *is_secure);
                holder_in(&self.identity, *browser)
            }
        }
    }
}

impl<S> FromRequestParts<S> for Live
where
    S: Send + Sync,
    Runtime: FromRef<S>,
{
    type Rejection = IdentityError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, IdentityError> {
        let runtime = Runtime::from_ref(state);
        expect_listener(runtime.core(), &parts.extensions);
        let identity = runtime.core().identify(parts.clone()).await?;
        let browser = InBrowser::of(parts, &runtime, &identity);
        Ok(Self { runtime, identity, browser })
    }
}

impl IntoResponse for IdentityError {
    fn into_response(self) -> Response {
        let refused = (StatusCode::UNAUTHORIZED, UNCACHED, "Authentication required.\n").into_response();
        let retry = [(header::RETRY_AFTER, "1")];
        let failed =
            (StatusCode::SERVICE_UNAVAILABLE, retry, "Authentication is temporarily unavailable; retry.\n");
        answer_of(&self, refused, (UNCACHED, failed).into_response())
    }
}
