//! Pages that are streamed: the components that load follow in the response.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tower_service::Service;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{Compression, Limits, RenderError, Runtime, with_forms};

/// Counts the runs of the work; dropped with it.
#[derive(Default)]
struct Work {
    runs: Mutex<u32>,
    alive: Mutex<Option<oneshot::Sender<()>>>,
    /// What the work at `/gate` waits for.
    gate: Mutex<Option<oneshot::Receiver<()>>>,
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "figures",
    inline = r#"
    <p live:if="figures.ready">{{ figures.value }}</p>
    <em live:else-if="figures.failed">{{ figures.error }}</em>
    <i live:else>…</i>
    <u>{{ count }}</u><button live:click="add()">+</button>
"#
)]
struct Figures {
    #[live(prop)]
    way: String,
    figures: Async<String>,
    other: Async<u32>,
    #[live(default)]
    count: u32,
}

async fn work(way: String, work: Arc<Work>) -> Result<String> {
    *work.runs.lock().unwrap() += 1;
    let _alive = work.alive.lock().unwrap().take();
    match &*way {
        "error" => Err(ActionError::user("not there")),
        "panic" => panic!("broken"),
        "slow" => {
            sleep(Duration::from_secs(10)).await;
            Ok("late".into())
        }
        "gate" => {
            let gate = work.gate.lock().unwrap().take().unwrap();
            gate.await.unwrap();
            Ok("open".into())
        }
        "hostile" => Ok("</NOSCRIPT></template><b>".into()),
        _ => {
            sleep(Duration::from_secs(1)).await;
            Ok("<seven>".into())
        }
    }
}

#[actions]
impl Figures {
    fn mount(props: FiguresProps, cx: &mut MountContext) -> Self {
        let (mut figures, mut other) = (Async::new(), Async::new());
        figures.load(cx, work(props.way.clone(), cx.state::<Arc<Work>>().clone()));
        if props.way == "two" {
            other.load(cx, async { Ok(2) });
        }
        Self { way: props.way, figures, other, count: 0 }
    }

    fn connected(&mut self, cx: &mut Context) {
        if self.figures.is_loading() {
            let work = work(self.way.clone(), cx.state::<Arc<Work>>().clone());
            self.figures.load(cx, work);
        }
    }

    #[action]
    fn add(&mut self) {
        self.count += 1;
    }
}

async fn page(live: Live, Path(way): Path<String>) -> Result<Response, RenderError> {
    let live = live.streaming(Duration::from_secs(3));
    let figures = live.render::<Figures>(FiguresProps { way }).await?;
    let head = live.head();
    Ok(live.page(format!("<!doctype html><title>F</title>{head}<body><main>{figures}</main></body></html>")))
}

fn router(runtime: Runtime) -> Router {
    Router::new().route("/{way}", get(page)).with_state(runtime.clone()).merge(runtime.router())
}

fn server() -> (Server, Arc<Work>) {
    let work = Arc::new(Work::default());
    let state = Arc::clone(&work);
    (Server::with_router(move || Runtime::builder().state(Arc::clone(&state)), router), work)
}

#[tokio::test(start_paused = true)]
async fn a_component_is_shown_as_it_was_loaded_and_the_work_runs_once() {
    let (server, work) = server();
    for way in ["fast", "two"] {
        *work.runs.lock().unwrap() = 0;
        let html = server.browser().get(&format!("/{way}")).await;
        let (headers, html) = (html.headers(), html.body());
        assert_eq!(headers["x-accel-buffering"], "no");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "private, no-store");
        let (shown, rest) = html.split_once("<script src=\"/live/module/").unwrap();
        assert!(shown.contains("live-part=\"1\"") && shown.contains("<i>…</i>"), "{shown}");
        assert!(rest.contains("<noscript live-part=\"1\"><live-component name=\"figures\" seal="), "{rest}");
        assert!(
            rest.contains("<p>&lt;seven&gt;</p>") && rest.ends_with("</live-part></body></html>"),
            "{rest}"
        );

        *work.runs.lock().unwrap() = 0;
        let page = server.browser().open(&format!("/{way}")).await.unwrap();
        let figures = page.component("figures");
        assert_eq!(figures.text("p"), "<seven>");
        figures.click("button").await.unwrap();
        assert_eq!((figures.text("u"), *work.runs.lock().unwrap()), ("1".into(), 1));
        assert_eq!(figures.count("[live-part]"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_and_hostile_content_are_shown() {
    let (server, work) = server();
    for (way, selector, text) in [
        ("error", "em", "not there"),
        ("panic", "em", "internal server error; nothing was changed"),
        ("hostile", "p", "</NOSCRIPT></template><b>"),
    ] {
        *work.runs.lock().unwrap() = 0;
        let page = server.browser().open(&format!("/{way}")).await.unwrap();
        let figures = page.component("figures");
        assert_eq!(figures.text(selector), text);
        figures.click("button").await.unwrap();
        assert_eq!((figures.text(selector), *work.runs.lock().unwrap()), (text.into(), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_the_connection_brings_the_value() {
    let (server, _) = server();
    let page = server.browser().open("/slow").await.unwrap();
    let figures = page.component("figures");
    assert_eq!(figures.text("i"), "…");
    figures.until(|figures| figures.count("p") == 1).await;
    assert_eq!(figures.text("p"), "late");
}

#[tokio::test(start_paused = true)]
async fn a_script_gets_the_page_at_once_and_without_the_work() {
    let (server, work) = server();
    for (name, value) in [("sec-fetch-dest", "empty"), ("accept", "text/html")] {
        let browser = server.browser();
        browser.set_header(name, value);
        let response = browser.get("/fast").await;
        assert!(response.body().contains("<i>…</i>") && !response.body().contains("live-part"));
        assert_eq!(*work.runs.lock().unwrap(), 0);
    }
}

#[tokio::test]
async fn the_work_ends_when_the_client_is_gone() {
    let work = Arc::new(Work::default());
    let (alive, gone) = oneshot::channel::<()>();
    *work.alive.lock().unwrap() = Some(alive);
    let runtime = Runtime::builder().state(Arc::clone(&work)).build().unwrap();
    let request = Request::builder().uri("/slow").header("host", "app.example").body(Body::empty()).unwrap();
    let response = router(runtime).call(request).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let shown = body.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&shown).contains("<i>…</i>"));
    while *work.runs.lock().unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    drop(body);
    gone.await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_response_is_whole_if_nothing_loads() {
    async fn idle(live: Live, headers: HeaderMap) -> Result<Response, RenderError> {
        assert!(headers.get("sec-fetch-dest").is_none());
        let live = live.streaming(Duration::from_secs(3));
        Ok(live.page(format!("<!doctype html>{}<body></body>", live.head())))
    }
    let routes = |runtime: Runtime| {
        Router::new().route("/", get(idle)).with_state(runtime.clone()).merge(runtime.router())
    };
    let response = Server::with_router(Runtime::builder, routes).browser().get("/").await;
    assert!(!response.body().contains("parts.js") && !response.headers().contains_key("x-accel-buffering"));
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "order",
    inline = r#"
    <form method="post" live:submit="send($form.note)"><textarea name="note"></textarea><button>Send</button></form>
    <p live:if="stock.ready">{{ stock.value }}</p>
"#
)]
struct Order {
    stock: Async<u32>,
}

#[actions]
impl Order {
    fn mount(_props: OrderProps, cx: &mut MountContext) -> Self {
        let mut stock = Async::new();
        stock.load(cx, async { Ok(3) });
        Self { stock }
    }

    #[action]
    fn send(&mut self, _note: String) {}
}

#[tokio::test]
async fn a_page_that_answers_a_form_is_sent_whole() {
    async fn order(live: Live) -> Result<Response, RenderError> {
        let live = live.streaming(Duration::from_secs(3));
        let order = live.render::<Order>(OrderProps {}).await?;
        Ok(live.page(format!("<!doctype html><title>O</title>{}<body>{order}</body>", live.head())))
    }
    let limits = Limits { seal_time: Duration::ZERO, ..Limits::default() };
    let runtime = Runtime::builder().limits(limits).build().unwrap();
    let mut router = Router::new().route("/", with_forms(get(order))).with_state(runtime);
    let request = || Request::builder().uri("/").header("host", "app.example");
    let response = router.call(request().body(Body::empty()).unwrap()).await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let html = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let html = String::from_utf8_lossy(&html).into_owned();
    assert!(html.contains("<noscript live-part=\"1\">"), "{html}");
    let (_, token) = html.split_once("name=\"live:form\" value=\"").unwrap();
    let token: String =
        form_urlencoded::byte_serialize(token.split('"').next().unwrap().as_bytes()).collect();
    let request = request()
        .method("POST")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("note=typed&live:form={token}")))
        .unwrap();
    let response = router.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let html = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let html = String::from_utf8_lossy(&html);
    assert!(html.contains("typed</textarea>") && html.contains("role=\"alert\""), "{html}");
    assert!(!html.contains("live-part"), "{html}");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_arrives_through_the_compression() {
    let (work, (go_on, may_go_on)) = (Arc::new(Work::default()), oneshot::channel());
    *work.gate.lock().unwrap() = Some(may_go_on);
    let runtime = Runtime::builder().state(work).build().unwrap();
    let mut router = router(runtime).layer(Compression::new());
    let request =
        Request::builder().uri("/gate").header("host", "app.example").header("accept-encoding", "br");
    let response = router.call(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "br");
    let mut body = response.into_body().into_data_stream();
    let mut decoder = brotli::DecompressorWriter::new(Vec::new(), 4096);
    let read = |decoder: &mut brotli::DecompressorWriter<Vec<u8>>| {
        String::from_utf8_lossy(decoder.get_ref()).into_owned()
    };
    // The script is the end of what is sent first.
    while !read(&mut decoder).ends_with("</script>") || !read(&mut decoder).contains("<i>…</i>") {
        decoder.write_all(&body.next().await.unwrap().unwrap()).unwrap();
    }
    assert!(!read(&mut decoder).contains("</body>"));
    go_on.send(()).unwrap();
    while let Some(chunk) = body.next().await {
        decoder.write_all(&chunk.unwrap()).unwrap();
    }
    let html = read(&mut decoder);
    assert!(html.contains("<p>open</p>") && html.ends_with("</body></html>"), "{html}");
}
