//! Forms that a browser sends without JavaScript.

mod errors;
mod fields;
mod handlers;
mod nested;
mod once;
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use tower_service::Service;
use vivaz::prelude::*;
use vivaz::{Builder, with_forms};

/// Counts the actions that have run.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicU64>);

impl Runs {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// What the action of a form does with the note `kill`.
#[derive(Clone, Default)]
struct Kill(Arc<std::sync::Mutex<Option<Act>>>);

type Act = Box<dyn Fn() + Send>;

impl Kill {
    fn set(&self, act: impl Fn() + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(act));
    }

    fn act(&self) {
        if let Some(act) = &*self.0.lock().unwrap() {
            act();
        }
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "guestbook",
    inline = r#"
    <form method="post" live:submit="sign($form.note); draft = ''">
      <input live:model="name">
      <input live:model="draft">
      <label><input type="checkbox" live:model="agree"> I agree</label>
      <textarea name="note"></textarea>
      <p live:for="e in errors.name" live:key="e" class="error">{{ e }}</p>
      <button>Sign</button>
    </form>
    <p class="signed">{{ signed }} by {{ last }}</p>
    "#
)]
struct Guestbook {
    #[live(model, default)]
    name: String,
    #[live(model, default)]
    draft: String,
    #[live(model, default)]
    agree: bool,
    #[live(errors, default)]
    errors: Errors,
    #[live(default)]
    signed: u32,
    #[live(default)]
    last: String,
    #[live(private, default)]
    secret: u32,
}

#[actions]
impl Guestbook {
    #[action]
    fn sign(&mut self, note: String, cx: &mut Context) -> Result {
        let runs = cx.state::<Runs>().add();
        if self.name.is_empty() {
            self.errors.set("name", vec!["who are you?".to_owned()]);
            return Err(ActionError::invalid(self.errors.clone()));
        }
        match &*note {
            "panic" => panic!("the note says so"),
            "refuse" => return Err(ActionError::user("not today")),
            "fail" => return Err(ActionError::internal("the disk is full")),
            "forbid" => return Err(ActionError::forbidden("members only")),
            "away" => {
                cx.set_cookie(vivaz::Cookie::new("theme", "dark"))?;
                cx.flash("info", "You are signed.")?;
                cx.navigate("/thanks?run=1")?;
            }
            "flash" => cx.flash("info", "Signed here.")?,
            "kill" => cx.state::<Kill>().act(),
            _ => {}
        }
        self.errors.clear();
        self.signed += 1;
        self.secret += 1;
        self.last = format!("{} ({note}, {}, {runs})", self.name, self.agree);
        Ok(())
    }
}

#[derive(LivePage)]
#[live(
    inline = r#"<!DOCTYPE html><html lang="en"><head><title>Guests</title></head><body>
        <p live:for="flash in flashes" class="flash">{{ flash }}</p>
        <live:guestbook></live:guestbook></body></html>"#,
    children(Guestbook)
)]
struct Guests {
    flashes: Vec<String>,
}

async fn guests(live: Live) -> std::result::Result<Response, RenderError> {
    let flashes = live.flash().iter().map(|flash| flash.text.clone()).collect();
    live.render_page(Guests { flashes }).await
}

/// A page that a handler writes itself.
async fn plain(live: Live) -> std::result::Result<Response, RenderError> {
    let book = live.render::<Guestbook>(GuestbookProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Guests</title>{book}")))
}

/// A site and a browser without JavaScript.
#[derive(Clone)]
struct Site {
    router: Router,
    runtime: Runtime,
    runs: Runs,
    kill: Kill,
    /// The cookies of the browser.
    cookies: BTreeMap<String, String>,
    /// Additional headers of each request.
    headers: Vec<(&'static str, String)>,
}

/// A response of the site.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

impl Site {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(build: impl FnOnce(Builder) -> Builder) -> Self {
        let (runs, kill) = (Runs::default(), Kill::default());
        let identity = |parts: axum::http::request::Parts| async move {
            let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
            let identity = header("x-user")
                .map_or_else(Identity::anonymous, |user| Identity::of(vivaz::User::new(user, user)));
            Ok(match header("x-tenant") {
                Some(tenant) => identity.with_tenant(tenant),
                None => identity,
            })
        };
        let builder = Runtime::builder()
            .secret(vivaz::Secret::new("a secret of thirty-two characters").unwrap())
            .state(runs.clone())
            .state(kill.clone())
            .identity(identity);
        let runtime = build(builder).build().unwrap();
        let router = Router::new()
            .route("/", with_forms(get(guests)))
            .route("/plain", with_forms(get(plain)))
            .route("/closed", get(plain))
            .route("/static", with_forms(get(async || "no page")))
            .route("/own", with_forms(get(plain).post(async || "own handler")))
            .merge(nested::routes())
            .merge(fields::routes())
            .with_state(runtime.clone());
        Self { router, runtime, runs, kill, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// The same browser with a user.
    fn signed_in(&self, user: &str) -> Self {
        let mut site = self.clone();
        site.headers.push(("x-user", user.to_owned()));
        site
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, &[], Body::empty()).await
    }

    /// Sends a form with these fields.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = encoded(fields);
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[kind, ("sec-fetch-site", "same-origin")], Body::from(body)).await
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Page {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "site.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let response = self.router.call(request.body(body).unwrap()).await.unwrap();
        for set in response.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, html }
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    fields
        .iter()
        .map(|(name, text)| format!("{}={}", escape(name), escape(text)))
        .collect::<Vec<_>>()
        .join("&")
}

impl Page {
    /// The hidden controls of the forms.
    fn seals(&self) -> Vec<String> {
        let marker = r#"name="live:form" value=""#;
        let after = self.html.split(marker).skip(1);
        after.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    fn seal(&self) -> String {
        let seals = self.seals();
        assert_eq!(seals.len(), 1, "{}", self.html);
        seals[0].clone()
    }

    fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION).map(|to| to.to_str().unwrap())
    }

    /// The attributes of the control with this name, sorted.
    fn control(&self, name: &str) -> String {
        let named = format!("name=\"{name}\"");
        let tags = self.html.split('<').filter(|tag| tag.split('>').next().unwrap().contains(&named));
        let tags: Vec<_> = tags.map(|tag| tag.split('>').next().unwrap()).collect();
        let sorted = |tag: &str| {
            let mut parts: Vec<_> = tag.split(' ').skip(1).collect();
            parts.sort_unstable();
            parts.join(" ")
        };
        tags.into_iter().map(sorted).collect::<Vec<_>>().join("; ")
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        assert!(self.html.contains(text), "{text} is not in {}", self.html);
    }

    #[track_caller]
    fn hides(&self, text: &str) {
        assert!(!self.html.contains(text), "{text} is in {}", self.html);
    }
}

#[tokio::test]
async fn a_form_runs_its_action_and_the_page_shows_the_new_state() {
    for path in ["/", "/plain"] {
        let mut site = Site::new();
        let seal = site.get(path).await.seal();
        let fields = [
            ("name", "Ada<3"),
            ("draft", "to be cleared"),
            ("agree", "on"),
            ("note", "hi"),
            ("live:form", &seal),
        ];
        let page = site.post(path, &fields).await;
        assert_eq!(page.status, StatusCode::OK);
        page.shows("1 by Ada&lt;3 (hi, true, 1)");
        assert!(page.control("name").contains(r#"value="Ada&lt;3""#), "{}", page.html);
        assert!(page.control("draft").contains(r#"value="""#), "{}", page.html);
        assert_eq!(page.headers[header::CACHE_CONTROL], "private, no-store");
        // The new page's form continues with the new state.
        let next = page.seal();
        assert_ne!(next, seal);
        let page = site.post(path, &[("name", "Bob"), ("note", "yo"), ("live:form", &next)]).await;
        page.shows("2 by Bob (yo, false, 2)");
        assert_eq!(site.runs.count(), 2);
    }
}

#[tokio::test]
async fn a_refused_form_shows_its_errors_and_the_typed_values() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    let fields =
        [("name", ""), ("draft", "kept"), ("agree", "on"), ("note", "\r\na \"note\""), ("live:form", &seal)];
    let page = site.post("/", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(r#"<p class="error">who are you?</p>"#);
    assert!(page.control("draft").contains(r#"value="kept""#), "{}", page.html);
    page.shows("checked");
    page.shows("\n\na \"note\"</textarea>");
    page.shows("0 by ");
    page.hides("live-failure");
    let seal = page.seal();
    let page = site.post("/", &[("name", "Ada"), ("draft", ""), ("note", ""), ("live:form", &seal)]).await;
    assert_eq!(page.status, StatusCode::OK);
    page.hides("who are you?");
    page.shows("1 by Ada");
}

#[tokio::test]
async fn an_action_leads_to_another_page_with_its_cookies_and_messages() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    let fields = [("name", "Ada"), ("note", "away"), ("live:form", &seal)];
    for _ in 0..2 {
        let page = site.post("/", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.location(), Some("/thanks?run=1"));
        assert_eq!(site.cookies["theme"], "dark");
    }
    assert_eq!(site.runs.count(), 1);
    let page = site.get("/").await;
    page.shows(r#"<p class="flash">You are signed.</p>"#);
    site.get("/").await.hides("You are signed.");
}

#[tokio::test]
async fn a_message_without_another_page_is_shown_at_once() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    let page = site.post("/", &[("name", "Ada"), ("note", "flash"), ("live:form", &seal)]).await;
    page.shows(r#"<p class="flash">Signed here.</p>"#);
    site.get("/").await.hides("Signed here.");
}

#[tokio::test]
async fn only_handlers_that_accept_forms_render_them() {
    let mut site = Site::new();
    assert_eq!(site.get("/closed").await.seals(), Vec::<String>::new());
    let seal = site.get("/").await.seal();
    let fields = [("name", "Ada"), ("note", ""), ("live:form", &seal)];
    assert_eq!(site.post("/closed", &fields).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let refused = site.post("/static", &fields).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers[header::ALLOW], "GET,HEAD");
    assert_eq!(site.send("PUT", "/", &[], Body::empty()).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(site.post("/own", &fields).await.html, "own handler");
    assert_eq!(site.runs.count(), 0);
}
