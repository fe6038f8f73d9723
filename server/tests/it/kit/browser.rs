//! The application's own router: a login over its route, cookies, its identity hook, its
//! middleware.

use axum::Router;
use axum::extract::{Form, Request};
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use vivaz::prelude::*;
use vivaz::testing::{OpenError, Server};
use vivaz::{ErrorCode, Identity, IdentityError, RenderError, Runtime, User};

/// Shows the signed-in user.
#[derive(LiveComponent, Clone)]
#[live(
    name = "desk-of",
    inline = r#"
    <h1>{{ owner }}</h1>
    <output>{{ count }}</output>
    <button live:click="add()">+</button>
"#
)]
struct DeskOf {
    owner: String,
    count: u32,
}

#[actions]
impl DeskOf {
    async fn mount(_props: DeskOfProps, cx: &mut MountContext) -> Result<Self> {
        Ok(Self { owner: cx.identity().user()?.name.clone(), count: 0 })
    }

    #[action]
    fn add(&mut self, cx: &mut Context) -> Result<String> {
        self.count += 1;
        Ok(cx.identity().user()?.id.clone())
    }
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

async fn login(Form(login): Form<Login>) -> Response {
    if login.name == "mallory" {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = format!("login={}; Path=/; HttpOnly", login.name);
    ([(SET_COOKIE, cookie)], Redirect::to("/desk")).into_response()
}

async fn logout() -> Response {
    ([(SET_COOKIE, "login=; Max-Age=0")], Redirect::to("/login")).into_response()
}

async fn desk(live: Live) -> Result<Response, RenderError> {
    let desk = live.render::<DeskOf>(DeskOfProps {}).await?;
    Ok(live.page(format!("<!DOCTYPE html><title>Desk</title>{}{desk}", live.head())))
}

async fn by_hand(live: Live) -> Response {
    let head = live.head();
    live.page(format!("<!DOCTYPE html>{head}<live-component name='counter' props='{{\"count\":4}}'></live-component><live-component name='counter'></live-component>"))
}

/// HTTP middleware of the application: the identity hook finds its result in the extensions.
#[derive(Clone)]
struct Token(String);

async fn read_token(mut request: Request, next: Next) -> Response {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(token) = token {
        request.extensions_mut().insert(Token(token));
    }
    next.run(request).await
}

fn user_of_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get("cookie")?.to_str().ok()?;
    cookies.split("; ").find_map(|one| one.strip_prefix("login=")).map(str::to_owned)
}

async fn identify(parts: Parts) -> Result<Identity, IdentityError> {
    let name =
        user_of_cookie(&parts.headers).or_else(|| parts.extensions.get().map(|Token(name)| name.clone()));
    match name {
        Some(name) if name == "banned" => Err(IdentityError::Refused),
        Some(name) => Ok(Identity::of(User::new(&name, name.to_uppercase()))),
        None => Ok(Identity::anonymous()),
    }
}

fn app(runtime: Runtime) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/desk") }))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/desk", get(desk))
        .route("/hand", get(by_hand))
        .route(
            "/headless",
            get(|live: Live| async move { live.page("<live-component name='counter'></live-component>") }),
        )
        .route("/login/elsewhere", get(|| async { Redirect::to("https://login.example/desk") }))
        .route("/folder/relative", get(|| async { Redirect::to("../hand?from=there#top") }))
        .with_state(runtime.clone())
        .merge(runtime.router())
        .layer(from_fn(read_token))
        .layer(runtime.cross_origin_protection())
}

fn server() -> Server {
    Server::with_router(|| Runtime::builder().identity(identify), app)
}

#[tokio::test(start_paused = true)]
async fn a_page_that_would_not_be_live_and_one_of_another_server_are_not_opened() {
    let browser = server().browser();
    assert!(matches!(browser.open("/headless").await, Err(OpenError::NoClient)));
    let elsewhere = browser.open("/login/elsewhere").await.unwrap_err();
    assert_eq!(elsewhere.to_string(), "the application redirects to https://login.example/desk");
    assert_eq!(browser.open("/folder/relative").await.unwrap().components("counter").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_opens_where_the_application_names_its_host_and_keeps_the_sockets_cookies() {
    let server = Server::with_router(
        || Runtime::builder().identity(identify).allow_host("app.example"),
        |runtime| {
            app(runtime).layer(from_fn(|request: Request, next: Next| async move {
                let is_socket = request.uri().path() == "/live";
                let mut response = next.run(request).await;
                if is_socket {
                    response.headers_mut().append("set-cookie", HeaderValue::from_static("seen=1"));
                }
                response
            }))
        },
    );
    let browser = server.browser();
    browser.set_header("host", "app.example");
    assert_eq!(browser.open("/hand").await.unwrap().components("counter").len(), 2);
    assert_eq!(browser.cookie("seen").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_visitor_logs_in_over_the_applications_route_and_opens_a_page() {
    let server = server();
    let browser = server.browser();
    assert!(matches!(browser.open("/desk").await, Err(OpenError::Status(StatusCode::UNAUTHORIZED))));
    assert_eq!(browser.post("/login", &[("name", "mallory")]).await.status(), 403);
    let response = browser.post("/login", &[("name", "ada")]).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"/desk".parse().unwrap())
    );
    assert_eq!(browser.cookie("login").as_deref(), Some("ada"));

    let page = browser.open("/").await.unwrap();
    let desk = page.component("desk-of");
    assert_eq!((desk.text("h1"), desk.text("output")), ("ADA".into(), "0".into()));
    desk.click("button").await.unwrap();
    assert_eq!(desk.call("add", ()).await.unwrap(), Some("ada".into()));
    assert_eq!(desk.text("output"), "2");

    // Another browser is another visitor.
    let other = server.browser();
    other.post("/login", &[("name", "bob")]).await;
    assert_eq!(other.open("/desk").await.unwrap().component("desk-of").text("h1"), "BOB");
}

#[tokio::test(start_paused = true)]
async fn a_reconnect_sends_the_current_cookies() {
    let server = server();
    let browser = server.browser();
    browser.post("/login", &[("name", "ada")]).await;
    let page = browser.open("/desk").await.unwrap();
    let desk = page.component("desk-of");
    page.network().drop();
    desk.click("button").await.unwrap();
    assert_eq!((page.connections(), page.sessions()), (2, 1));

    // A crash ends the connection, and the new server has the same router.
    server.crash();
    page.settled().await;
    assert_eq!(page.sessions(), 2);
    desk.click("button").await.unwrap();

    // A visitor who has logged out does not resume the earlier session.
    assert_eq!(browser.post("/logout", &[]).await.status(), 303);
    assert_eq!(browser.cookie("login"), None);
    page.network().drop();
    assert_eq!(desk.call("add", ()).await.unwrap_err().code, ErrorCode::SessionLost);
    assert_eq!(page.sessions(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_identity_hook_sees_request_extensions_and_may_refuse_the_socket() {
    let server = server();
    let browser = server.browser();
    browser.set_header("authorization", "carol");
    let page = browser.open("/desk").await.unwrap();
    let desk = page.component("desk-of");
    assert_eq!(desk.call("add", ()).await.unwrap(), Some("carol".into()));
    browser.set_cookie("login", "banned");
    page.network().drop();
    assert_eq!(page.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_gets_no_socket_and_sends_no_form() {
    let server = Server::with_router(|| Runtime::builder().identity(identify).allow_host("app.example"), app);
    let browser = server.browser();
    assert_eq!(browser.post("/login", &[("name", "ada")]).await.status(), 403);
    browser.set_header("host", "app.example");
    assert_eq!(browser.post("/login", &[("name", "ada")]).await.status(), 303);
}

#[tokio::test(start_paused = true)]
async fn elements_that_were_written_by_hand_are_mounted_too() {
    let page = server().browser().open("/hand").await.unwrap();
    let counts: Vec<_> = page.components("counter").iter().map(|one| one.state()["count"].clone()).collect();
    assert_eq!(counts, [4, 0]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "needs the router")]
async fn a_browser_needs_a_router() {
    let _ = Server::new(Runtime::builder).browser();
}
