//! Sends a page in parts: at first with the components as they are while they load, then the loaded
//! components.
//!
//! The end of the body follows the last part, or the deadline. Each part is the component's whole
//! element, with the seal of its loaded state, in an element that browsers do not show; the script
//! `parts.js` puts it into its place.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use vivaz_components::FirstLoads;

use super::paint::{FirstPaint, MountedInstance, PaintSlot};
use super::stream::{PageStream, Part};
use super::{Live, PageParams, RenderError};
use crate::assets::client::module_path;
use crate::telemetry::log::{Escaped, Quoted, client_event};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Nginx passes the response on without collecting it.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

impl Part {
    /// Renders the component as it is now.
    ///
    /// # Errors
    /// Returns the errors of [`FirstPaint::paint`].
    async fn paint(self, live: &Live) -> Result<String, RenderError> {
        let Self { instance, props, attributes, child, around, depth, forms, .. } = self;
        let mounted = MountedInstance { instance, loads: FirstLoads::default() };
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
    let ms = stream.remaining().as_millis();
    html.push_str(&format!("<script src=\"{path}/{script}\" data-deadline=\"{ms}\"></script>"));
    // A part is rendered again, with the parameters that it has bound already. Its children load
    // over the connection.
    let live = Live { bound: PageParams::default(), stream: None, ..live };
    let sender = Sender { live, stream, start: Some(html), end: Some(end) };
    let chunks = unfold(sender, |mut sender| async {
        sender.next().await.map(|chunk| (Ok::<_, Infallible>(Bytes::from(chunk)), sender))
    });
    // A layer that compresses asks for more after the end.
    let chunks = chunks.fuse();
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
