//! The spans of handlers, as a tracer records them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::json;
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use vivaz::Runtime;

use crate::app::{Server, start, start_by};
use crate::client::{Client, assert_error};

/// A span as it was recorded.
#[derive(Clone, Debug, Default)]
struct Recorded {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<String, String>,
    is_closed: bool,
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Records all spans of the test's own thread.
#[derive(Clone, Default)]
struct Tracer(Arc<Mutex<BTreeMap<u64, Recorded>>>);

impl Tracer {
    fn collect(&self) -> tracing::subscriber::DefaultGuard {
        // See `Log::collect`.
        static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
        LazyLock::force(&ANOTHER);
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    fn spans(&self, name: &str) -> Vec<Recorded> {
        self.0.lock().unwrap().values().filter(|span| span.name == name).cloned().collect()
    }

    fn open(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().values().filter(|span| !span.is_closed).map(|span| span.name).collect()
    }
}

/// Ids of spans are used again, so closed ones are kept under another key.
const CLOSED: u64 = 1 << 63;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Tracer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let span = cx.span(id).unwrap();
        let parent = span.parent().map(|parent| parent.name());
        let mut recorded = Recorded { name: span.name(), parent, ..Recorded::default() };
        attributes.record(&mut recorded);
        self.0.lock().unwrap().insert(id.into_u64(), recorded);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(self.0.lock().unwrap().get_mut(&id.into_u64()).unwrap());
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let mut span = spans.remove(&id.into_u64()).unwrap();
        span.is_closed = true;
        let key = CLOSED + spans.len() as u64;
        spans.insert(key, span);
    }
}

fn field<'a>(span: &'a Recorded, name: &str) -> Option<&'a str> {
    span.fields.get(name).map(String::as_str)
}

#[tokio::test]
async fn each_action_is_a_span_of_its_own_with_its_session() {
    let tracer = Tracer::default();
    let _collecting = tracer.collect();
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let session = client.welcome["session"].as_str().unwrap().to_owned();
    client.mount("c", "counter", json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    client.act("c", "increment", json!([])).await;
    assert_error(&client.act("lab", "boom", json!([])).await, "panicked");
    assert_error(&client.act("lab", "stolen<script>", json!([])).await, "unknown_action");
    let actions = tracer.spans("action");
    let expected = [
        ("counter/increment", "counter", "increment", "3", None, None),
        ("lab/boom", "lab", "boom", "4", Some("panicked"), Some("ERROR")),
        ("lab/unknown", "lab", "unknown", "5", Some("unknown_action"), Some("ERROR")),
    ];
    assert_eq!(actions.len(), expected.len(), "{actions:?}");
    for (span, (name, component, action, reference, error, status)) in actions.iter().zip(expected) {
        assert_eq!((field(span, "otel.name"), field(span, "otel.kind")), (Some(name), Some("server")));
        assert_eq!(field(span, "session.id"), Some(&*session));
        assert_eq!(field(span, "vivaz.component.name"), Some(component));
        assert_eq!(field(span, "vivaz.action.name"), Some(action));
        assert_eq!(field(span, "vivaz.message.ref"), Some(reference));
        assert_eq!((field(span, "error.type"), field(span, "otel.status_code")), (error, status));
        assert!(span.is_closed && span.parent.is_none(), "{span:?}");
    }
    // The socket is open and nothing runs.
    assert_eq!(tracer.open(), Vec::<&str>::new());
}

/// Serves as an application does whose middleware has a span for each request.
fn serve_with_spans(listener: TcpListener, app: Router, runtime: Runtime) -> Server {
    let app = app.layer(from_fn(|request: Request, next: Next| {
        next.run(request).instrument(tracing::info_span!("request"))
    }));
    Server::serve(listener, app, runtime)
}

#[tokio::test]
async fn the_span_of_the_request_does_not_reach_the_socket() {
    let tracer = Tracer::default();
    let _collecting = tracer.collect();
    let server = start_by(serve_with_spans, |builder| builder).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let call = client.call("lab", "wait", json!([]));
    client.send(call).await;
    server.bench.entered.notified().await;
    assert_eq!(tracer.open(), ["action"], "the request has ended, and its span with it");
    server.bench.gate.notify_one();
    client.expect("STATE_UPDATE").await;
    assert_eq!(tracer.spans("request").len(), 1);
    let actions = tracer.spans("action");
    assert!(matches!(&*actions, [action] if action.is_closed && action.parent.is_none()), "{actions:?}");
    assert_eq!(tracer.open(), Vec::<&str>::new());
}
