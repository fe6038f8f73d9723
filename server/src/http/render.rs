//! The first paint: renders components into the application's HTML response.

mod binding;
mod error;
mod paint;
mod preload;
mod send;
mod state;
mod stream;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::value::RawValue;
use vivaz_components::spec::Spec;
use vivaz_components::{Flash, Identity, LiveComponent, LivePage, Registration, UrlParams};

use self::binding::SealBinding;
pub use self::error::RenderError;
use self::preload::PageTemplates;
use self::stream::PageStream;
use super::caching::{UNCACHED, cache_control};
use super::forms::{AcceptsForms, FormRequest, FormRoots, RestoreTarget, SubmittedPage};
use super::listen::warn_without_listener;
use super::tickets::PageFlashes;
use crate::admission::form::seal::RootKey;
use crate::admission::identify::{IdentityError, answer_of};
use crate::admission::seal::{holder, holder_with_browser};
use crate::assets;
use crate::runtime::Runtime;

/// Renders components in an axum handler. It is extracted from the request and carries the client's
/// identity.
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
    binding: SealBinding,
    /// The parameters of the request's URL.
    params: UrlParams,
    bound: PageParams,
    templates: PageTemplates,
    /// The path of the request, which is that of the page.
    path: Box<str>,
    flashes: PageFlashes,
    /// The components of the response, if the page accepts forms.
    forms: Option<FormRoots>,
    /// The form that was sent to the page.
    submitted: Option<Arc<SubmittedPage>>,
    cache_control: HeaderValue,
    /// Whether the client shows the response while it arrives: it loads a page.
    is_shown_early: bool,
    /// The parts of the page that follow later, if it is streamed.
    stream: Option<Arc<PageStream>>,
}

/// The parameters that the components of a response are bound to, each with a component's name.
/// Kept in the request, for all `Live`s of a handler.
#[derive(Clone, Debug, Default)]
struct PageParams(Arc<Mutex<BTreeMap<&'static str, &'static str>>>);

/// The HTML of components: their elements with the first paint, their seals, and the attributes
/// that the client needs to mount them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Returns the HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the markup into the HTML.
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

impl Live {
    #[cfg(feature = "testing")]
    pub(crate) fn new(runtime: Runtime, identity: Identity) -> Self {
        Self {
            runtime,
            identity,
            binding: SealBinding::Identity,
            params: UrlParams::default(),
            bound: PageParams::default(),
            templates: PageTemplates::default(),
            path: "".into(),
            flashes: PageFlashes::default(),
            forms: None,
            submitted: None,
            cache_control: super::caching::PRIVATE,
            is_shown_early: true,
            stream: None,
        }
    }

    /// Returns the key of a component without a parent, if the page accepts forms.
    fn root_key(
        &self,
        component: &'static str,
        id: Option<&str>,
        props: &RawValue,
        is_only: bool,
    ) -> Option<RootKey> {
        self.forms.as_ref().map(|forms| forms.next(component, id, props.get(), is_only))
    }

    /// Returns a component without a parent if it has, or contains, the form that was sent.
    fn find_root(&self, component: &str, key: Option<&RootKey>) -> Option<RestoreTarget<'_>> {
        self.submitted.as_ref()?.find_root(component, key?)
    }

    /// Returns the parameters of the request's URL.
    #[must_use]
    pub fn params(&self) -> &UrlParams {
        &self.params
    }

    /// Binds the parameters of a component.
    fn bind_params(&self, spec: &'static Spec) -> Result<(), RenderError> {
        let mut bound = self.bound.0.lock().unwrap_or_else(PoisonError::into_inner);
        for param in spec.url {
            if let Some(first) = bound.insert(param.name, spec.name) {
                return Err(RenderError::Parameter { parameter: param.name, first, second: spec.name });
            }
        }
        Ok(())
    }

    /// Forgets the components rendered so far: the response will be another one, with others.
    fn forget_components(&self) {
        self.bound.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.templates.clear();
    }

    /// Renders a component. Its `mount` runs here, once: the page sends the state back in a seal.
    ///
    /// The component and its children may have as many bytes of state as a session. A child that
    /// exceeds the limit is not rendered; the page mounts it later.
    ///
    /// # Errors
    /// - [`RenderError::Component`]: the error of `mount` or of a topic that the component shows.
    /// - [`RenderError::TooLarge`]: the component has too much state.
    /// - [`RenderError::Unknown`]: the component, or a child in its template, is not registered.
    /// - [`RenderError::Props`], [`RenderError::Json`]: the props or the state have no JSON form.
    /// - [`RenderError::Seal`]: the seal cannot be created.
    pub async fn render<C: LiveComponent>(&self, props: C::Props) -> Result<Markup, RenderError> {
        self.paint::<C>(props, None).await
    }

    /// Renders a component as [`render`](Self::render) does, and sets the `id` of its element, so
    /// that a page can distinguish two components of the same type.
    ///
    /// # Errors
    /// Returns the same errors as [`render`](Self::render).
    pub async fn render_as<C: LiveComponent>(
        &self,
        id: &str,
        props: C::Props,
    ) -> Result<Markup, RenderError> {
        self.paint::<C>(props, Some(id)).await
    }

    async fn paint<C: LiveComponent>(
        &self,
        props: C::Props,
        id: Option<&str>,
    ) -> Result<Markup, RenderError> {
        let json: Box<RawValue> = vivaz_protocol::json::to_raw_json(&props)
            .map_err(|source| RenderError::Props { component: C::SPEC.name, source })?;
        let id_attribute = |id| format!(" id=\"{}\"", vivaz_template::escape::attribute(id));
        let slot = paint::RootSlot {
            id,
            attributes: id.map(id_attribute).unwrap_or_default(),
            around: &[],
            is_only: false,
        };
        let paint = paint::FirstPaint::new(self);
        let mount = |cx| vivaz_components::mount::<C>(props, cx);
        let painted = paint.paint_root(&Registration::of::<C>(), &json, slot, mount).await;
        let html = painted.inspect_err(|_| self.forget_components())?;
        self.runtime.on_executor();
        Ok(Markup(html))
    }

    /// Renders a page: its template, with the components in it. The response is that of
    /// [`page`](Self::page).
    ///
    /// Each component in the template is mounted as by [`render`](Self::render), in the order of
    /// the document, and an error of one is the result.
    ///
    /// ```
    /// use axum::response::Response;
    /// use vivaz::prelude::*;
    ///
    /// #[derive(LivePage)]
    /// #[live(inline = r#"<html lang="en"><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1></body></html>"#)]
    /// struct Home {
    ///     title: String,
    /// }
    ///
    /// async fn home(live: Live) -> Result<Response, RenderError> {
    ///     live.render_page(Home { title: "Tea & cake".into() }).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub async fn render_page<P: LivePage>(&self, page: P) -> Result<Response, RenderError> {
        let values =
            page.values().map_err(|source| RenderError::Values { page: P::SPEC.type_name, source })?;
        drop(page);
        let painted = paint::FirstPaint::new(self).paint_page(P::SPEC.type_name, values).await;
        let html = painted.inspect_err(|_| self.forget_components())?;
        self.runtime.on_executor();
        Ok(self.page(html))
    }

    /// Returns the elements to put once into the page's `<head>`: the [capture
    /// script](Self::capture) and the [client](Self::script). A page starts faster if its
    /// components are rendered before this call: then their templates are requested, too.
    ///
    /// A page with a style sheet starts faster if it has the capture script before it, which then
    /// does not wait for it, and the client after it, so that the style sheet is requested first.
    #[must_use]
    pub fn head(&self) -> Markup {
        Markup(format!("{}{}", self.capture(), self.script()))
    }

    /// Returns the inline script that records the clicks and submits that happen before the client
    /// runs, and opens the socket as soon as the page has a component. Put it into the `<head>`,
    /// once, before style sheets. A content security policy has to name
    /// [`CAPTURE_HASH`](crate::CAPTURE_HASH) in `script-src`; without it the browser blocks the
    /// script, and writes the hash into the console.
    #[must_use]
    pub fn capture(&self) -> Markup {
        Markup(format!("<script>{}</script>", assets::client::CAPTURE))
    }

    /// Returns the element that loads the capture script from the server, in place of
    /// [`capture`](Self::capture), for a content security policy that cannot name a hash. It has
    /// neither `async` nor `defer`, so that the browser runs it before it shows the page: the page
    /// waits for one more request.
    #[must_use]
    pub fn capture_file(&self) -> Markup {
        let path = &self.runtime.core().path;
        Markup(format!(r#"<script src="{path}/{}"></script>"#, assets::client::capture_path()))
    }

    /// Returns the elements that load the client and its engine, to put once anywhere into a page.
    /// They name the build, so that the page detects a newer one. The browser also requests the
    /// templates of the components that were rendered before this call; those of others are
    /// requested when the client runs.
    ///
    /// Without the [capture script](Self::capture), clicks and submits that happen before the
    /// client runs are lost.
    #[must_use]
    pub fn script(&self) -> Markup {
        let core = self.runtime.core();
        let (path, build) = (&core.path, vivaz_template::escape::attribute(&core.build));
        let (script, engine) = (assets::client::script_path(), assets::client::engine_path());
        let (visitor, templates) = (self.visitor(), self.templates.links(path));
        Markup(format!(
            r#"<script type="module" src="{path}/{script}" live-build="{build}"{visitor}></script><link rel="preload" href="{path}/{engine}" as="fetch" crossorigin>{templates}"#
        ))
    }

    /// Returns the attribute that names the user whom the page is for, by a text that says nothing
    /// about the user. With another one, `live:navigate` loads the page.
    fn visitor(&self) -> String {
        let identity = &self.identity;
        if identity.is_same_as(&Identity::anonymous()) {
            return String::new();
        }
        let parts = format!("{:?}", (identity.tenant(), identity.user_id(), identity.login()));
        let name = self.runtime.core().secret.sign("visitor", parts.as_bytes());
        format!(r#" data-visitor="{name}""#)
    }

    /// Returns a page as a response that no cache stores, because its seals belong to this visitor.
    /// The response sets the cookie that the seals are bound to, if the browser has none yet.
    ///
    /// A handler that builds its response in another way has to add [`headers`](Self::headers) to
    /// it, unless [`serve`](crate::serve) serves the application: it sets the cookie in any
    /// response.
    #[must_use]
    pub fn page(&self, html: impl Into<String>) -> Response {
        let headers = self.rendered_headers();
        match self.stream.as_ref().filter(|stream| stream.has_parts()) {
            Some(stream) => send::respond(self.clone(), Arc::clone(stream), headers, html.into()),
            None => (headers, Html(html.into())).into_response(),
        }
    }

    /// Returns a `Live` whose pages are sent in parts. What a component's `mount` loads
    /// ([`Async::load`](crate::Async::load)) does not delay the page: it is sent with the component
    /// as it is while it loads, and the loaded components follow in the same response, each as soon
    /// as it is loaded, but at most for the `deadline`, which begins now. After it the page ends,
    /// and what is still missing is loaded over the connection.
    ///
    /// The response has to be that of [`page`](Self::page) or [`render_page`](Self::render_page).
    /// A script that fetches the page, as a navigation does, gets it at once, without the loads. So
    /// does a browser that has sent a form to the page.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use axum::response::Response;
    /// use vivaz::{Live, LiveComponent, RenderError};
    ///
    /// async fn report<Report>(live: Live) -> Result<Response, RenderError>
    /// where
    ///     Report: LiveComponent<Props: Default>,
    /// {
    ///     let live = live.streaming(Duration::from_secs(2));
    ///     let report = live.render::<Report>(Default::default()).await?;
    ///     let head = live.head();
    ///     Ok(live.page(format!("<!doctype html><title>Report</title>{head}<body>{report}</body>")))
    /// }
    /// ```
    #[must_use]
    pub fn streaming(self, deadline: Duration) -> Self {
        // A part would lack what was typed into the form, and its message.
        let is_streamed = self.is_shown_early && self.submitted.is_none();
        let stream = is_streamed.then(|| Arc::new(PageStream::new(deadline)));
        Self { stream, ..self }
    }

    /// Returns the headers for a response that contains components: `Cache-Control`, and
    /// `Set-Cookie` if their seals are bound to a browser that has no cookie yet. The components
    /// may be rendered before or after this call.
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
        if let SealBinding::NewBrowser { browser, cookie, scope } = &self.binding {
            cookie.set(*browser, &self.runtime.core().secret, *scope);
        }
        self.rendered_headers()
    }

    /// Returns the headers for a response that contains the components rendered so far.
    fn rendered_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(header::CACHE_CONTROL, self.cache_control.clone())]);
        if let SealBinding::NewBrowser { cookie, .. } = &self.binding {
            cookie.write(&mut headers);
        }
        headers.extend(self.flashes.removals());
        headers
    }

    /// Returns the messages that [`Context::flash`](crate::Context::flash) has left for this page.
    /// The response of [`page`](Self::page), or one with [`headers`](Self::headers), removes them
    /// if this method was called before; otherwise they stay for the next page.
    #[must_use]
    pub fn flash(&self) -> &[Flash] {
        self.flashes.show()
    }

    /// Returns the client's identity.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the holder of the seals created here. Makes the response set the browser's cookie,
    /// if the browser has none yet.
    fn holder(&self) -> String {
        match &self.binding {
            SealBinding::Identity => holder(&self.identity),
            SealBinding::KnownBrowser(browser) => holder_with_browser(&self.identity, *browser),
            SealBinding::NewBrowser { browser, cookie, scope } => {
                cookie.set(*browser, &self.runtime.core().secret, *scope);
                holder_with_browser(&self.identity, *browser)
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
        // Inside a nested router, the request's own URI lacks the path of the nesting.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let path = uri.path().into();
        warn_without_listener(runtime.core(), &parts.extensions);
        let identity = runtime.core().identify(parts.clone()).await?;
        let binding = SealBinding::of(parts, &runtime, &identity).map_err(IdentityError::no_randomness)?;
        let params = UrlParams::parse(parts.uri.query().unwrap_or_default());
        let bound = parts.extensions.get_or_insert_default::<PageParams>().clone();
        let templates = parts.extensions.get_or_insert_default::<PageTemplates>().clone();
        let submitted = match parts.extensions.get::<FormRequest>().cloned() {
            Some(form) => match form.submit(&runtime, &identity, parts).await {
                Some(submitted) => Some(submitted),
                // The response to the form replaces that of the handler.
                None => return Err(IdentityError::Refused),
            },
            None => None,
        };
        let mut flashes = PageFlashes::of(parts, runtime.core(), &identity);
        flashes.add(submitted.iter().flat_map(|page| page.flashes()));
        let accepts = parts.extensions.get::<AcceptsForms>().is_some();
        let forms = accepts.then(|| parts.extensions.get_or_insert_default::<FormRoots>().clone());
        let cache_control = cache_control(&parts.headers);
        // The status of the response to a form depends on the whole page.
        let is_shown_early = submitted.is_none() && is_shown_early(&parts.headers);
        let stream = None;
        Ok(Self {
            runtime,
            identity,
            binding,
            params,
            bound,
            templates,
            path,
            flashes,
            forms,
            submitted,
            cache_control,
            is_shown_early,
            stream,
        })
    }
}

/// Returns whether the client of a request shows the response while it arrives. A script does not:
/// it shows a page when it has all of it, so that slow parts would make it wait.
fn is_shown_early(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-dest") {
        Some(destination) => destination != "empty",
        // Browsers send it only to trustworthy origins. A browser accepts more than HTML.
        None => headers.get(header::ACCEPT).is_none_or(|accepted| accepted != "text/html"),
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
