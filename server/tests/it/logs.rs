//! What clients can write into the log, and how much.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use vivaz::Limits;
use vivaz_protocol::ClientType;

use crate::app::{limited, start_with};
use crate::client::{Client, Received};
use crate::http::request;

/// The log of one test. All tasks of its server have to run on the test's own thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects log events until the guard is dropped.
    pub(crate) fn collect(&self) -> tracing::subscriber::DefaultGuard {
        // With only one subscriber, `tracing` caches the interest of the thread that reaches an
        // event first; a test without a subscriber would disable the event for all.
        static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
        LazyLock::force(&ANOTHER);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter(EnvFilter::new("off,vivaz=trace,vivaz_components=trace"))
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Ends the line, continues with one that looks like the server's, moves the cursor, changes the
/// text direction, and is long.
fn hostile() -> String {
    let forged = "2026-01-01T00:00:00.000000Z ERROR vivaz: forged";
    format!("\n{forged}\r\n\u{1b}[2J\u{1b}[31m\u{202e}\u{85}\u{2028}\0\u{7}\"{}", "x".repeat(4_000))
}

/// Checks that each line is one event of the server.
#[track_caller]
fn assert_lines(log: &str) {
    for line in log.lines() {
        // Timestamp, level, and the target or the span: `2026-01-01T00:00:00.000000Z INFO
        // connection{…}: vivaz::…`.
        let mut words = line.split_whitespace();
        let (time, level) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        assert!(time.ends_with('Z') && time.contains('T'), "not the start of an event: {line:?}");
        assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level), "{line:?}");
        let hidden = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
        assert!(!line.contains(hidden), "{line:?}");
        assert!(!line.starts_with("2026-01-01T00:00:00.000000Z"), "forged: {line:?}");
        assert!(!line.contains(&"x".repeat(512)), "a long text is not truncated: {line:?}");
    }
}

/// The published examples of client messages.
fn examples() -> Vec<Value> {
    let protocol = include_str!("../../../docs/protocol.md");
    let messages = protocol.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let says = |message: &Value| message["type"].as_str().and_then(ClientType::parse);
    let examples: Vec<Value> = messages.filter(|message| says(message).is_some()).collect();
    for kind in ClientType::ALL {
        assert!(examples.iter().any(|example| says(example) == Some(*kind)), "no example of {kind}");
    }
    examples
}

/// The message with each of its texts, and each field name of the application, replaced in turn.
fn variants(message: &Value) -> Vec<Value> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    walk(item, &format!("{path}/{at}"), found);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    walk(field, &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut paths = Vec::new();
    walk(message, "", &mut paths);
    let mut variants = Vec::new();
    for path in paths {
        let mut variant = message.clone();
        *variant.pointer_mut(&path).unwrap() = hostile().into();
        variants.push(variant);
    }
    for map in ["/payload", "/payload/props", "/payload/streams", "/set"] {
        let mut variant = message.clone();
        if let Some(Value::Object(fields)) = variant.pointer_mut(map) {
            fields.insert(hostile(), "x".into());
            variants.push(variant);
        }
    }
    let mut more = message.clone();
    more[hostile()] = hostile().into();
    variants.push(more);
    variants
}

#[tokio::test]
async fn no_text_of_a_client_begins_a_line_of_the_log() {
    let log = Log::default();
    let _collecting = log.collect();
    let limits = Limits { client_events_per_second: u32::MAX, upgrade_burst: u32::MAX, ..Limits::default() };
    let server = start_with(|builder| builder.limits(limits)).await;
    let mut client = Client::hello(&server).await;
    let mut replies = 0;
    for example in examples() {
        for variant in variants(&example) {
            if variant["type"] == "HELLO" {
                let mut other = Client::open(&server).await;
                other.send(variant).await;
                let _welcome_or_close = other.receive().await;
                continue;
            }
            client.send(json!({ "v": 1, "type": "COMPONENT_MOUNT", "ref": 1, "componentId": "c1", "payload": { "component": "lab" } })).await;
            client.send(variant).await;
            // A session closed after too many mistakes is followed by another.
            loop {
                client.send(json!({ "v": 1, "type": "PING", "payload": "over" })).await;
                match client.receive().await {
                    Received::Message(message) if message["payload"] == "over" => break,
                    Received::Message(_) => replies += 1,
                    Received::Closed(_) => client = Client::hello(&server).await,
                }
            }
            client.cut();
            client = Client::hello(&server).await;
        }
    }
    assert!(replies > 0);
    // Errors of the application that quote a message of the client.
    client.mount("lab", "lab", json!({})).await;
    client.act("lab", "complain", json!([hostile()])).await;
    // Panics of the whole process are logged within one rate, and other tests panic too.
    while !log.text().contains("collapsed: ") {
        client.act("lab", "collapse", json!([hostile()])).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.mount("room", "chat", json!({ "room": hostile() })).await;
    client.mount("paint", "closed", json!({ "text": hostile() })).await;
    // Headers contain no line breaks, but other bytes.
    for name in ["origin", "sec-websocket-protocol", "x-user", "cookie", "x-forwarded-for", "host"] {
        let value = format!("\u{1b}[31m\u{202e}{}", "x".repeat(4_000)).replace('\u{1b}', "\t");
        let _refused = Client::open_with_bytes(&server, &[(name, value.as_bytes())]).await;
    }
    request(&server, "GET", "/live", &[("X-Odd", "\u{202e}")]).await;
    let text = log.text();
    assert_lines(&text);
    for logged in ["complained: ", "collapsed: ", "no component is named", "connection refused"] {
        assert!(text.contains(logged), "{logged:?} is not logged: {text}");
    }
}

#[tokio::test]
async fn a_client_cannot_flood_the_log() {
    let log = Log::default();
    let _collecting = log.collect();
    let limits = Limits {
        client_events_per_second: 1,
        messages_per_second: u32::MAX,
        burst: u32::MAX,
        ..Limits::default()
    };
    let server = limited(limits).await;
    let mut client = Client::hello(&server).await;
    let name = "n".repeat(60_000);
    for n in 0..300 {
        let refused = client.mount(&format!("c{n}"), &name, json!({})).await;
        assert_eq!(refused["payload"]["code"], "unknown_component");
    }
    let logged = log.text().matches("no component is named").count();
    assert!((5..100).contains(&logged), "{logged} of 300");
    assert!(log.text().len() < 100_000, "{}", log.text().len());
    // The number of suppressed events is logged once the rate allows it again.
    server.until(|_| log.text().contains("suppressed=")).await;
}

#[tokio::test]
async fn a_client_cannot_flood_the_log_with_large_messages() {
    let log = Log::default();
    let _collecting = log.collect();
    let limits = Limits {
        client_events_per_second: 1,
        messages_per_second: u32::MAX,
        burst: u32::MAX,
        session_state_bytes: 1_000,
        topic_state_bytes: 1_000,
        ..Limits::default()
    };
    let server = limited(limits).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.mount("chat", "chat", json!({})).await;
    let text = "x".repeat(2_000);
    for _ in 0..100 {
        let edit = client.message("PROPERTY_UPDATE", "lab", json!({ "property": "draft", "value": text }));
        assert_eq!(client.ask(edit).await["payload"]["code"], "too_large");
        assert_eq!(client.act("chat", "say", json!([text])).await["payload"]["code"], "too_large");
    }
    let text = log.text();
    let logged = text.lines().filter(|line| line.contains("refused") && !line.contains(" DEBUG ")).count();
    assert!((5..50).contains(&logged), "{logged} of 200");
}

#[tokio::test]
async fn why_a_message_cannot_be_read_is_in_the_log() {
    let log = Log::default();
    let _collecting = log.collect();
    let server = start_with(|builder| builder).await;
    let mut client = Client::hello(&server).await;
    let bad = [
        "{",
        "\u{feff}{}",
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":9,"componentId":"c"}"#,
        r#"{"v":1,"type":"PING","payload":"\ud800"}"#,
        r#"{"v":1,"type":"COFFEE"}"#,
    ];
    for (count, text) in bad.iter().enumerate() {
        client.send_text(text).await;
        let answer = client.next().await;
        let said = answer["payload"]["message"].as_str().unwrap();
        let log = log.text();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("cannot decode a message")).collect();
        assert_eq!(lines.len(), count + 1, "{text}: {log}");
        let last = lines.last().unwrap();
        assert!(last.contains("DEBUG") && last.contains(said), "{last}: {said}");
    }
    let mut other = Client::open(&server).await;
    other.send_text("{").await;
    assert_eq!(other.closed().await, 4400);
    assert!(log.text().contains("cannot decode the first message"));
}
