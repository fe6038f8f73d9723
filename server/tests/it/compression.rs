//! Compressed responses, and what their lengths tell another site.

use std::convert::Infallible;
use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request};
use axum::http::Response;
use axum::response::Html;
use axum::routing::get;
use flate2::write::GzDecoder;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::oneshot;
use tower_http::compression::CompressionLayer;
use tower_service::Service;
use vivaz::{Compression, Live, Runtime};

/// What a page knows about its visitor, and no other site may learn.
const SECRET: &str = "code=7310596284";

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// A page with a secret of the visitor and a text from the URL, which is what the attack needs.
async fn search(Query(Search { q }): Query<Search>) -> Html<String> {
    let rows: String =
        (0..40).map(|row| format!("<li>Result {row} of many, which all look alike</li>")).collect();
    Html(format!("<p>Your {SECRET}, as ever</p><p>Nothing found for {q}</p><ul>{rows}</ul>"))
}

async fn ask(app: &Router, uri: &str, headers: Headers<'_>) -> Response<Body> {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().call(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn length(app: &Router, q: &str, headers: Headers<'_>) -> i64 {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let response = ask(app, &format!("/search?q={q}"), headers).await;
    i64::try_from(to_bytes(response.into_body(), usize::MAX).await.unwrap().len()).unwrap()
}

/// Texts before a guess. Each moves the end of the response by some bits, so that the sum of the
/// lengths shows differences of less than a byte.
const SHIFTS: [&str; 8] = ["", "!", "!$", "!$*", "!$*@", "!$*@^", "!$*@^|", "!$*@^|G"];

/// The headers of a request or a response.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// Reads the secret from the lengths of responses, as an observer of the network does who can make
/// the visitor's browser send requests. A guess is asked twice, with a filler after it and before
/// its last character: a right guess makes the first response shorter, whatever the characters'
/// own costs are. Returns what was read before two guesses looked alike.
async fn attack(app: &Router, headers: Headers<'_>) -> String {
    let mut known = String::from("code=");
    while known.len() < SECRET.len() {
        let mut gains = Vec::new();
        for digit in "0123456789".chars() {
            let mut gain = 0;
            // Repetitions of some lengths cost more bits than others.
            for end in (3..8).map(|length| &known[known.len().saturating_sub(length)..]) {
                for shift in SHIFTS {
                    gain += length(app, &format!("{shift}{end}{digit}~{{}}~"), headers).await;
                    gain -= length(app, &format!("{shift}{end}~{{}}~{digit}"), headers).await;
                }
            }
            gains.push((gain, digit));
        }
        gains.sort_unstable();
        if gains[0].0 == gains[1].0 {
            break;
        }
        known.push(gains[0].1);
    }
    known
}

const VICTIM: [(&str, &str); 3] =
    [("accept-encoding", "gzip"), ("cookie", "user=ana"), ("sec-fetch-site", "cross-site")];

#[tokio::test]
async fn lengths_tell_another_site_nothing() {
    let app = Router::new().route("/search", get(search));
    // The attack is a real one.
    let unprotected = app.clone().layer(CompressionLayer::new());
    assert_eq!(attack(&unprotected, &VICTIM).await, SECRET);
    let protected = app.layer(Compression::new());
    assert_eq!(attack(&protected, &VICTIM).await, "code=");
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn only_requests_of_the_own_pages_and_without_credentials_are_compressed() {
    let app = Router::new().route("/search", get(search)).layer(Compression::new());
    let nobody: [Headers<'_>; 3] = [
        &[],
        &[("cookie", "vivaz_browser=1.2")],
        &[("cookie", "vivaz_browser=1.2; __Host-vivaz_browser=3.4")],
    ];
    let visitors: [Headers<'_>; 5] = [
        &[("cookie", "user=ana")],
        &[("cookie", "vivaz_browser=1.2; user=ana")],
        &[("cookie", "vivaz_browser=1.2"), ("cookie", "user=ana")],
        &[("cookie", "user")],
        &[("authorization", "Basic YTpi")],
    ];
    let sites: [(Headers<'_>, bool); 7] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "unknown")], false),
        (&[], false),
    ];
    for (site, is_own) in sites {
        for credentials in [&nobody[..], &visitors].concat() {
            for (accepted, encoding) in [("gzip, br", "br"), ("gzip", "gzip")] {
                let headers = [&[("accept-encoding", accepted)], credentials, site].concat();
                let response = ask(&app, "/search?q=x", &headers).await;
                let expected = (is_own || nobody.contains(&credentials)).then_some(encoding);
                assert_eq!(header(&response, "content-encoding"), expected, "{headers:?}");
            }
        }
    }
    let plain = ask(&app, "/search?q=x", &[]).await;
    assert_eq!(header(&plain, "content-encoding"), None, "no encoding was accepted");
}

#[tokio::test]
async fn only_text_that_may_be_changed_is_compressed() {
    let long = "long ".repeat(400);
    let cases: [(Headers<'_>, &str, bool); 15] = [
        (&[("content-type", "text/html; charset=utf-8")], &long, true),
        (&[("content-type", "Text/CSS")], &long, true),
        (&[("content-type", "application/json")], &long, true),
        (&[("content-type", "application/manifest+json")], &long, true),
        (&[("content-type", "image/svg+xml")], &long, true),
        (&[("content-type", "application/wasm")], &long, true),
        (&[("content-type", "text/html")], "short", false),
        (&[("content-type", "text/event-stream")], &long, false),
        (&[("content-type", "image/png")], &long, false),
        (&[("content-type", "application/octet-stream")], &long, false),
        (&[], &long, false),
        (&[("content-type", "text/html"), ("cache-control", "private, No-Transform")], &long, false),
        (&[("content-type", "text/html"), ("content-range", "bytes 0-1999/4000")], &long, false),
        (&[("content-type", "text/html"), ("content-encoding", "zstd")], &long, false),
        (&[("content-type", "text/html"), ("cache-control", "no-store")], &long, true),
    ];
    for (headers, body, is_compressed) in cases {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = body.to_owned();
        let handler = {
            let headers = headers.clone();
            async || {
                let mut response = Response::builder();
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(body)).unwrap()
            }
        };
        let app = Router::new().route("/", get(handler)).layer(Compression::new());
        let response = ask(&app, "/", &[("accept-encoding", "br")]).await;
        assert_eq!(header(&response, "content-encoding") == Some("br"), is_compressed, "{headers:?}");
    }
}

#[tokio::test]
async fn the_tag_of_a_compressed_response_is_weak() {
    for (sent, compressed) in [("\"a\"", "W/\"a\""), ("W/\"a\"", "W/\"a\"")] {
        let handler = async move || ([("etag", sent)], Html("long ".repeat(400)));
        let app = Router::new().route("/", get(handler)).layer(Compression::new());
        let response = ask(&app, "/", &[("accept-encoding", "br")]).await;
        assert_eq!(
            (header(&response, "etag"), header(&response, "vary")),
            (Some(compressed), Some("accept-encoding"))
        );
        assert_eq!(header(&ask(&app, "/", &[]).await, "etag"), Some(sent));
    }
}

/// What of a compressed response can be read already.
enum Decoder {
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
}

impl Decoder {
    fn read(&mut self, bytes: &[u8]) -> String {
        let text = match self {
            Self::Gzip(decoder) => {
                decoder.write_all(bytes).unwrap();
                decoder.flush().unwrap();
                decoder.get_ref()
            }
            Self::Brotli(decoder) => {
                decoder.write_all(bytes).unwrap();
                decoder.get_ref()
            }
        };
        String::from_utf8(text.clone()).unwrap()
    }
}

#[tokio::test]
async fn what_a_handler_has_sent_arrives_before_it_goes_on() {
    let decoders = [
        Decoder::Gzip(Box::new(GzDecoder::new(Vec::new()))),
        Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(Vec::new(), 4096))),
    ];
    for (mut decoder, encoding) in decoders.into_iter().zip(["gzip", "br"]) {
        let (go_on, may_go_on) = oneshot::channel();
        let rest = stream::once(async {
            may_go_on.await.unwrap();
            Ok::<_, Infallible>("the rest")
        });
        let body = Body::from_stream(stream::iter([Ok("the head, ")]).chain(rest));
        let body = Arc::new(Mutex::new(Some(body)));
        let handler = async move || ([("content-type", "text/html")], body.lock().unwrap().take().unwrap());
        let app = Router::new().route("/", get(handler)).layer(Compression::new());
        let response = ask(&app, "/", &[("accept-encoding", encoding)]).await;
        assert_eq!(header(&response, "content-encoding"), Some(encoding));
        let mut chunks = response.into_body().into_data_stream();
        let mut read = String::new();
        while read != "the head, " {
            read = decoder.read(&chunks.next().await.unwrap().unwrap());
        }
        go_on.send(()).unwrap();
        while let Some(chunk) = chunks.next().await {
            read = decoder.read(&chunk.unwrap());
        }
        assert_eq!(read, "the head, the rest");
    }
}

#[tokio::test]
async fn proxies_are_told_not_to_compress_a_page_for_another_site() {
    let app = Router::new()
        .route("/", get(async |live: Live| live.page("<p>A page</p>")))
        .with_state(Runtime::builder().build().unwrap());
    for (headers, expected) in [
        (&VICTIM[..], "private, no-store, no-transform"),
        (&[("cookie", "user=ana"), ("sec-fetch-site", "same-origin")], "private, no-store"),
        (&[("sec-fetch-site", "cross-site")], "private, no-store"),
    ] {
        let response = ask(&app, "/", headers).await;
        assert_eq!(header(&response, "cache-control"), Some(expected), "{headers:?}");
    }
}
