//! Requests of handlers to their page: another page, cookies, messages for the next page.

use axum::Router;
use axum::body::Body;
use axum::http::header::SET_COOKIE;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use vivaz::prelude::*;
use vivaz::testing::{Browser, Moment, OpenError, Page, PageEffects, Server};
use vivaz::{Cookie, Flash, RenderError};

#[derive(LiveComponent, Clone, Default)]
#[live(name = "voyage", inline = "<button live:click='save()'>{{ count }}</button>")]
struct Voyage {
    count: u32,
}

#[actions]
impl Voyage {
    #[action]
    fn save(&mut self, cx: &mut Context) -> Result {
        self.count += 1;
        cx.flash("info", "Saved.")?;
        cx.set_cookie(Cookie::new("theme", "dark"))?;
        cx.set_title("Saved");
        Ok(cx.navigate("/next?a=b")?)
    }

    #[action]
    fn fail(&mut self, cx: &mut Context) -> Result {
        cx.navigate("/next")?;
        Err(ActionError::user("no"))
    }

    #[action]
    fn leave(&mut self, cx: &mut Context, url: String) -> Result {
        Ok(cx.redirect(&url)?)
    }
}

async fn page(live: Live) -> Result<Response, RenderError> {
    let voyage = live.render::<Voyage>(VoyageProps {}).await?;
    let flashes: String =
        live.flash().iter().map(|flash| format!("[{}: {}]", flash.kind, flash.text)).collect();
    Ok(live.page(format!("{}{voyage}{flashes}", live.head())))
}

fn server() -> Server {
    Server::with_router(Runtime::builder, |runtime| {
        Router::new()
            .route("/", get(page))
            .route("/next", get(page))
            .with_state(runtime.clone())
            .merge(runtime.router())
    })
}

/// The requests that the page has received, without their ids.
fn requests(page: &Page) -> Vec<(String, String)> {
    let events = page.events().into_iter().filter(|event| event.name == "live:effects");
    let lists = events.flat_map(|event| event.data.as_array().cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lists.filter_map(|request| Some((text(request.get(0)?), text(request.get(1)?)))).collect()
}

async fn use_tickets(browser: &Browser, body: String, headers: &[(&str, &str)]) -> Response<String> {
    let mut request = Request::post("/live/tickets");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_page_receives_the_requests_of_a_handler_that_succeeds() {
    let browser = server().browser();
    let page = browser.open("/").await.unwrap();
    let voyage = page.component("voyage");
    assert!(voyage.call("fail", ()).await.is_err());
    assert_eq!(requests(&page), []);
    voyage.call("save", ()).await.unwrap();
    let received = requests(&page);
    let names: Vec<_> = received.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["flash", "ticket", "title", "navigate"]);
    assert_eq!(received[2].1, "Saved");
    assert_eq!(received[3].1, "/next?a=b");
    for url in ["javascript:alert(1)", "//example.org", "/\t/example.org", "\\\\example.org"] {
        assert!(voyage.call("leave", (url,)).await.is_err(), "{url:?}");
    }
    voyage.call("leave", ("https://example.org/",)).await.unwrap();
    assert_eq!(requests(&page).last().unwrap(), &("redirect".to_owned(), "https://example.org/".to_owned()));
}

#[tokio::test]
async fn a_test_reads_and_follows_the_effects() {
    let browser = server().browser();
    let page = browser.open("/").await.unwrap();
    let voyage = page.component("voyage");
    assert_eq!(page.effects(), PageEffects::default());
    page.network().drop_at(Moment::BeforeReply);
    voyage.call("save", ()).await.unwrap();
    let PageEffects { navigate, redirect, title, flashes, cookies, .. } = page.effects();
    assert_eq!((navigate.as_deref(), redirect, title.as_deref()), (Some("/next?a=b"), None, Some("Saved")));
    // Once, although the server has sent them again.
    assert_eq!(flashes, [Flash { kind: "info".into(), text: "Saved.".into() }]);
    let cookies: Vec<_> = cookies.iter().map(Cookie::name_value).collect();
    assert_eq!(cookies, [("theme", "dark")]);
    let next = page.follow().await.unwrap();
    assert_eq!(next.component("voyage").text("button"), "0");
    assert_eq!(browser.cookie("theme").as_deref(), Some("dark"));
    // The message was on that page.
    assert!(!browser.get("/").await.body().contains("[info"));
    voyage.call("leave", ("https://example.org/a",)).await.unwrap();
    assert_eq!(page.effects().redirect.as_deref(), Some("https://example.org/a"));
    assert!(matches!(page.follow().await, Err(OpenError::Elsewhere(to)) if to == "https://example.org/a"));
}

#[tokio::test]
async fn a_test_without_a_router_reads_the_effects() {
    let server = Server::new(Runtime::builder);
    let page = server.page_as("ada", "Ada");
    let voyage = page.mount::<Voyage>(VoyageProps {}).await.unwrap();
    voyage.click("button").await.unwrap();
    assert_eq!(page.effects().flashes[0].text, "Saved.");
    assert_eq!(page.effects().cookies[0].value(), "dark");
}

#[tokio::test]
async fn a_ticket_sets_its_cookie_once() {
    let server = server();
    let browser = server.browser();
    let page = browser.open("/").await.unwrap();
    page.component("voyage").call("save", ()).await.unwrap();
    let ticket = requests(&page).into_iter().find(|(name, _)| name == "ticket").unwrap().1;
    let body = |attempt: &str| format!("{attempt}\n{ticket}");
    // A page of another origin, another visitor, and no ticket.
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    assert_eq!(use_tickets(&browser, body("a"), &foreign).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(use_tickets(&server.browser(), body("a"), &[]).await.status(), StatusCode::GONE);
    for wrong in
        [String::new(), ticket.clone(), "a\nnone".to_owned(), format!("{}\n{ticket}", "a".repeat(65))]
    {
        assert_eq!(use_tickets(&browser, wrong, &[]).await.headers().get(SET_COOKIE), None);
    }
    let used = use_tickets(&browser, body("a"), &[]).await;
    assert_eq!(used.status(), StatusCode::NO_CONTENT);
    assert_eq!(used.headers()[SET_COOKIE], "theme=dark; HttpOnly; SameSite=Lax; Path=/");
    // The response was lost: the same attempt is repeated.
    assert_eq!(use_tickets(&browser, body("a"), &[]).await.status(), StatusCode::NO_CONTENT);
    let again = use_tickets(&browser, body("b"), &[]).await;
    assert_eq!((again.status(), again.headers().get(SET_COOKIE)), (StatusCode::GONE, None));
    assert_eq!(browser.cookie("theme").as_deref(), Some("dark"));
}

#[tokio::test]
async fn a_message_is_shown_by_one_page() {
    let browser = server().browser();
    let page = browser.open("/").await.unwrap();
    for attempt in ["a", "b"] {
        page.component("voyage").call("save", ()).await.unwrap();
        let flash = requests(&page).into_iter().rfind(|(name, _)| name == "flash").unwrap().1;
        use_tickets(&browser, format!("{attempt}\n{flash}"), &[]).await;
    }
    // A page that is requested in advance does not consume them.
    let early = Request::get("/").header("live-prefetch", "1").body(Body::empty()).unwrap();
    assert!(!browser.send(early).await.body().contains("Saved"));
    assert!(browser.get("/").await.body().ends_with("[info: Saved.][info: Saved.]"));
    assert!(!browser.get("/").await.body().contains("Saved"));
    // A cookie that the runtime has not made, or made for another purpose.
    let ticket = requests(&page).into_iter().find(|(name, _)| name == "ticket").unwrap().1;
    browser.set_cookie("vivaz_flash_1", "forged");
    browser.set_cookie("vivaz_flash_2", &ticket);
    assert!(!browser.get("/").await.body().ends_with(']'));
    assert_eq!(browser.cookie("vivaz_flash_2"), None);
}

#[tokio::test]
async fn messages_of_two_tabs_are_kept_and_old_ones_are_dropped() {
    let browser = server().browser();
    let (one, two) = (browser.open("/").await.unwrap(), browser.open("/").await.unwrap());
    let flash = async |page: &Page| {
        page.component("voyage").call("save", ()).await.unwrap();
        requests(page).into_iter().rfind(|(name, _)| name == "flash").unwrap().1
    };
    // Both requests are made before either response arrives.
    let bodies = [format!("one\n{}", flash(&one).await), format!("two\n{}", flash(&two).await)];
    let mut set = Vec::new();
    for body in bodies {
        let cookie = format!("vivaz_browser={}", browser.cookie("vivaz_browser").unwrap());
        let used = use_tickets(&browser, body, &[("cookie", &cookie)]).await;
        set.extend(used.headers().get_all(SET_COOKIE).iter().cloned());
    }
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(browser.get("/").await.body().ends_with("[info: Saved.][info: Saved.]"));
    // More than a request can carry.
    for attempt in 0..40 {
        let flash = flash(&one).await;
        use_tickets(&browser, format!("{attempt}\n{flash}"), &[]).await;
    }
    let shown = browser.get("/").await.body().matches("[info: Saved.]").count();
    assert!((10..40).contains(&shown), "{shown}");
}
