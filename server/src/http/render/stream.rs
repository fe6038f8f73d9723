//! A page that is sent in parts: at first with the components as they are while they load, then the
//! loaded components.
//!
//! The end of the body follows the last part, or the deadline. Each part is the component's whole
//! element, with the seal of its loaded state, in an element that browsers do not show; the script
//! `parts.js` puts it into its place.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use vivaz_components::instance::{BoxFuture, Instance, Job, JobProgress, Started};
use vivaz_components::{Context, FirstLoads, Loaded};
use vivaz_protocol::{ComponentId, SessionId};
use vivaz_template::containment::OpenElement;

use super::paint::{FirstPaint, MountedComponent, PaintSlot};
use super::{Live, PageParams, RenderError};
use crate::admission::seal::SealedChild;
use crate::assets::client::module_path;
use crate::http::forms::FormChain;
use crate::telemetry::log::{Escaped, Quoted, client_event};

/// The session and the component of a first load, which has neither yet.
const FIRST_PAINT: &str = "first-paint";
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Nginx passes the response on without collecting it.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The parts of a page that follow later. The loads end when this is dropped: with the response, or
/// when its client is gone.
#[derive(Debug)]
pub(super) struct PageStream {
    deadline: Instant,
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    /// The number of the last part.
    last: usize,
    /// The loads, each with the number of its part.
    loads: JoinSet<(usize, Option<Loaded>)>,
    parts: BTreeMap<usize, Part>,
}

/// A component that loads, and what its element is rendered from.
pub(super) struct Part {
    pub(super) instance: Box<dyn Instance>,
    pub(super) props: Box<RawValue>,
    pub(super) attributes: String,
    pub(super) child: Option<SealedChild>,
    pub(super) around: Vec<OpenElement>,
    pub(super) depth: usize,
    /// The parents, if the page accepts forms.
    pub(super) forms: Option<FormChain>,
    /// The number of loads that have not ended.
    pub(super) pending: usize,
    /// Whether a load has ended.
    pub(super) is_changed: bool,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("last", &self.last).finish_non_exhaustive()
    }
}

impl PageStream {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { deadline: Instant::now() + deadline, parts: Mutex::default() }
    }

    /// Checks whether a part follows.
    pub(super) fn has_parts(&self) -> bool {
        !self.lock().parts.is_empty()
    }

    /// Starts the loads of a component. Returns the number of its part.
    pub(super) fn start(&self, loads: Vec<BoxFuture<Option<Loaded>>>) -> usize {
        let mut parts = self.lock();
        parts.last += 1;
        let number = parts.last;
        for load in loads {
            parts.loads.spawn(async move { (number, load.await) });
        }
        number
    }

    /// Adds the component of a part whose loads were started.
    pub(super) fn add(&self, number: usize, part: Part) {
        self.lock().parts.insert(number, part);
    }

    /// Waits for the next part whose loads have ended. Returns `None` if no other part follows. At
    /// the deadline, a part that has loaded some of its fields is the next.
    async fn next(&self, live: &Live) -> Option<(usize, Part)> {
        loop {
            let ended = timeout_at(self.deadline, poll_fn(|cx| self.lock().loads.poll_join_next(cx))).await;
            let (number, loaded) = match ended {
                Ok(Some(Ok(ended))) => ended,
                // A load catches its panics, and is aborted only with all others.
                Ok(Some(Err(_))) => continue,
                Ok(None) | Err(_) => return self.take(|_, part| part.is_changed),
            };
            let Some((_, mut part)) = self.take(|of, _| of == number) else { continue };
            part.pending = part.pending.saturating_sub(1);
            if let Some(loaded) = loaded {
                part = part.settle(loaded, live).await;
            }
            if part.pending == 0 {
                return Some((number, part));
            }
            self.add(number, part);
        }
    }

    fn take(&self, is: impl Fn(usize, &Part) -> bool) -> Option<(usize, Part)> {
        let mut parts = self.lock();
        let number =
            parts.parts.iter().find(|(number, part)| is(**number, part)).map(|(number, _)| *number)?;
        parts.parts.remove(&number).map(|part| (number, part))
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Gives the component the outcome of a load. The component logs a failure.
    async fn settle(mut self, loaded: Loaded, live: &Live) -> Self {
        let env = live.runtime.core().env(live.identity.clone());
        let session = SessionId::new(FIRST_PAINT).expect("a valid id");
        let component = ComponentId::new(FIRST_PAINT).expect("a valid id");
        let cx = Context::new(env, session, component);
        let finished = match self.instance.run(cx, Job::Loaded { loaded }) {
            Started::Now(finished) => finished,
            Started::Running { future, .. } => JobProgress::end(future, drop).await,
        };
        self.instance = finished.instance;
        self.is_changed = true;
        self
    }

    /// Renders the component as it is now.
    ///
    /// # Errors
    /// Returns the errors of [`FirstPaint::paint`].
    async fn paint(self, live: &Live) -> Result<String, RenderError> {
        let Self { instance, props, attributes, child, around, depth, forms, .. } = self;
        let mounted = MountedComponent { instance, loads: FirstLoads::default() };
        let slot = PaintSlot { attributes, child, around: &around, depth, forms, target: None };
        FirstPaint::new(live).paint(mounted, &props, slot).await
    }
}

/// The body of a streamed page: what is sent of it next.
struct Sender {
    live: Live,
    stream: Arc<PageStream>,
    start: Option<String>,
    end: Option<String>,
}

/// Returns the response with a page, whose parts follow before the end of its body.
pub(super) fn respond(live: Live, stream: Arc<PageStream>, headers: HeaderMap, mut html: String) -> Response {
    let end = html.rfind("</body>").or_else(|| html.rfind("</html>")).unwrap_or(html.len());
    let end = html.split_off(end);
    let (path, script) = (&live.runtime.core().path, module_path("parts"));
    let ms = stream.deadline.saturating_duration_since(Instant::now()).as_millis();
    html.push_str(&format!("<script src=\"{path}/{script}\" data-deadline=\"{ms}\"></script>"));
    // A part is rendered again, with the parameters that it has bound already. Its children load
    // over the connection.
    let live = Live { bound: PageParams::default(), stream: None, ..live };
    let sender = Sender { live, stream, start: Some(html), end: Some(end) };
    let chunks = unfold(sender, |mut sender| async {
        sender.next().await.map(|chunk| (Ok::<_, Infallible>(Bytes::from(chunk)), sender))
    });
    (headers, [(header::CONTENT_TYPE, HTML), UNBUFFERED], Body::from_stream(chunks)).into_response()
}

impl Sender {
    /// Returns the next piece of the page; `None` after its end.
    async fn next(&mut self) -> Option<String> {
        if let Some(start) = self.start.take() {
            return Some(start);
        }
        while self.end.is_some() {
            let Some((number, part)) = self.stream.next(&self.live).await else { break };
            let name = part.instance.spec().name;
            match part.paint(&self.live).await {
                Ok(element) => return Some(chunk(number, &element)),
                // The page mounts the component as it was sent.
                Err(error) => {
                    let (name, error) = (Quoted(name), Escaped(&error));
                    let log = &self.live.runtime.core().log;
                    client_event!(log, WARN, component = %name, %error, "rendering a loaded component failed; the page loads it again");
                }
            }
        }
        self.end.take()
    }
}

/// Returns the piece of a page with the element of a loaded component. Browsers that run scripts do
/// not show the content of `<noscript>`, and all others show it, at the end of the page. An element
/// that could end it is in a `<template>`, which only the script shows.
fn chunk(number: usize, element: &str) -> String {
    let is_text = !element.to_ascii_lowercase().contains("noscript");
    let tag = if is_text { "noscript" } else { "template" };
    format!("<{tag} live-part=\"{number}\">{element}</{tag}><live-part></live-part>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_content_ends_its_piece() {
        assert_eq!(
            chunk(1, "<p>a</p>"),
            "<noscript live-part=\"1\"><p>a</p></noscript><live-part></live-part>"
        );
        let hostile = "<p title='</NoScript><b>'></p>";
        assert_eq!(
            chunk(2, hostile),
            format!("<template live-part=\"2\">{hostile}</template><live-part></live-part>")
        );
    }
}
