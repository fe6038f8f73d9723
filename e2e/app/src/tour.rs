//! Pages with a common layout whose links use `live:navigate`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use vivaz::prelude::*;
use vivaz::{ActionError, Context, Cookie, escape};

use crate::catalog::{Catalog, CatalogProps};
use crate::serve::{App, POLICY};

#[derive(LiveComponent, Clone)]
#[live(name = "tour", template = "tour.html")]
pub(crate) struct Tour {
    #[live(prop)]
    name: String,
    #[live(model, default)]
    draft: String,
    #[live(default)]
    count: u32,
}

#[actions]
impl Tour {
    #[action]
    fn add(&mut self) {
        self.count += 1;
    }

    #[action]
    fn save(&mut self, cx: &mut Context) -> Result {
        self.count += 1;
        cx.flash("info", format!("Saved {}.", self.name))?;
        Ok(cx.navigate("/tour/two")?)
    }

    #[action]
    fn note(&mut self, cx: &mut Context) -> Result {
        cx.flash("info", "Noted.")
    }

    #[action]
    fn dress(&mut self, cx: &mut Context) -> Result {
        cx.set_cookie(Cookie::new("theme", "dark"))?;
        cx.set_title("Dressed");
        Ok(())
    }

    #[action]
    fn leave(&mut self, cx: &mut Context) -> Result {
        Ok(cx.redirect("/tour/static")?)
    }

    #[action]
    fn follow(&mut self, cx: &mut Context, url: String) -> Result {
        cx.navigate(&url).map_err(|error| ActionError::user(error.to_string()))
    }

    #[action]
    async fn slowly(&mut self) {
        tokio::time::sleep(Duration::from_millis(600)).await;
        self.count += 10;
    }
}

/// A component of the layout, which stays while pages change.
#[derive(LiveComponent, Clone, Default)]
#[live(name = "jingle", template = "jingle.html")]
pub(crate) struct Jingle {
    played: u32,
}

#[actions]
impl Jingle {
    #[action]
    fn play(&mut self) {
        self.played += 1;
    }
}

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/tour/{stop}", get(stop))
        .route("/nonce/{stop}", get(with_nonce))
        .route("/tour-script/{name}", get(script))
        .route("/tour-style/{name}", get(style))
}

/// The delay of a response in milliseconds, and where a redirect leads.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Options {
    delay: u64,
    to: String,
}

async fn stop(
    live: Live,
    Path(stop): Path<String>,
    Query(options): Query<Options>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let request = PageRequest { live: &live, stop: &stop, uri: &uri, headers: &headers };
    tokio::time::sleep(Duration::from_millis(options.delay)).await;
    Ok(match &*stop {
        "redirect" => Redirect::to(&options.to).into_response(),
        "file" => {
            let headers =
                [(CONTENT_TYPE, "text/html"), (CONTENT_DISPOSITION, "attachment; filename=\"a.html\"")];
            (headers, "a file").into_response()
        }
        "text" => "plain text".into_response(),
        "static" => {
            let head = "<!DOCTYPE html><html lang=\"en\"><title>Static</title><h1>static</h1>";
            live.page(format!("{head}{}", flashes(&live)))
        }
        "unread" => {
            live.page("<!DOCTYPE html><html lang=\"en\"><title>Unread</title><h1>unread</h1>".to_owned())
        }
        "missing" => (StatusCode::NOT_FOUND, page(request).await?).into_response(),
        "failed" => (StatusCode::INTERNAL_SERVER_ERROR, page(request).await?).into_response(),
        _ => page(request).await?,
    })
}

/// Renders a page of the tour whose policy names a nonce, another one for each response.
async fn with_nonce(
    live: Live,
    Path(stop): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nonce = format!("n{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let request = PageRequest { live: &live, stop: &stop, uri: &uri, headers: &headers };
    let html = html(request).await?.replace("/tour/", "/nonce/");
    let mut page = live.page(html.replace("<script", &format!("<script nonce=\"{nonce}\"")));
    let policy = format!(
        "default-src 'self'; img-src data:; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'"
    );
    if let Ok(policy) = policy.parse() {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(page)
}

/// A request for a page of the tour.
struct PageRequest<'a> {
    live: &'a Live,
    stop: &'a str,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

/// Renders a page of the tour.
async fn page(request: PageRequest<'_>) -> Result<Response, RenderError> {
    let live = request.live;
    let mut page = live.page(html(request).await?);
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    Ok(page)
}

async fn html(request: PageRequest<'_>) -> Result<String, RenderError> {
    let PageRequest { live, stop, uri, headers } = request;
    let cookies = headers.get("cookie").and_then(|list| list.to_str().ok()).unwrap_or_default();
    let theme = if cookies.contains("theme=dark") { "dark" } else { "light" };
    let flash = flashes(live);
    let mut links = String::new();
    for (href, text) in [
        ("/tour/one", "One"),
        ("/tour/two", "Two"),
        ("/tour/long", "Long"),
        ("/tour/long#far", "Far"),
        ("/tour/slow?delay=900", "Slow"),
        ("/tour/redirect?to=/tour/two", "Redirect"),
        ("/tour/file", "File"),
        ("/tour/text", "Text"),
        ("/tour/static", "Static"),
        ("/tour/missing", "Missing"),
        ("/tour/failed", "Failed"),
        ("/tour/catalog", "Catalog"),
    ] {
        let current = if uri.path() == href { " aria-current=\"page\"" } else { "" };
        let _ = write!(links, "<li><a href=\"{href}\" live:navigate{current}>{text}</a></li>");
    }
    let tour = live.render::<Tour>(TourProps { name: stop.to_owned() }).await?;
    let jingle = live.render::<Jingle>(JingleProps::default()).await?;
    let own = if stop == "two" {
        "<link rel=\"stylesheet\" href=\"/tour-style/two\"><meta name=\"description\" content=\"two\">\
         <script src=\"/tour-script/two\"></script>"
    } else {
        ""
    };
    let content = match stop {
        "long" => {
            "<p><a href=\"#near\">To near</a></p><div class=\"tall\"></div><h2 id=\"near\">Near</h2><div class=\"tall\"></div>\
             <h2 id=\"far\">Far</h2><div class=\"tall\"></div>"
                .to_owned()
        }
        "catalog" => live.render::<Catalog>(CatalogProps {}).await?.to_string(),
        _ => String::new(),
    };
    let who = live.identity().user_id().unwrap_or("nobody");
    Ok(format!(
        "<!DOCTYPE html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>Stop {title}</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/tour-style/all\">{head}{own}</head>\
         <body class=\"{title}\"><nav><ul>{links}</ul></nav>\
         <a href=\"/tour/two\" live:navigate=\"replace\">Replace</a>\
         <a href=\"/tour/two\" live:navigate target=\"_blank\">Window</a>\
         <a href=\"/tour/two\" live:navigate download>Save</a>\
         <a href=\"/tour/two\" live:navigate=\"keep-scroll\">Stay</a>\
         <div live:persist=\"jingle\">{jingle}</div>\
         <p id=\"theme\">{theme}</p><p id=\"who\">{who}</p>{flash}<main>{tour}{content}</main><label>Search <input name=\"search\"></label>\
         <script src=\"/tour-script/body\"></script></body></html>",
        lang = if stop == "two" { "de" } else { "en" },
        title = escape::attribute(stop),
        who = escape::attribute(who),
        head = live.head(),
    ))
}

/// Renders the messages for a page.
fn flashes(live: &Live) -> String {
    let messages = live.flash().iter().map(|flash| {
        let (kind, text) = (escape::attribute(&flash.kind), escape::attribute(&flash.text));
        format!("<p role=\"status\" class=\"{kind}\">{text}</p>")
    });
    messages.collect()
}

/// A script that counts how often it has run.
async fn script(Path(name): Path<String>) -> Response {
    let text = format!("(window.ran ??= []).push({})", serde_json::Value::from(name));
    ([(CONTENT_TYPE, "text/javascript")], text).into_response()
}

async fn style(Path(name): Path<String>) -> Response {
    let text = if name == "all" { ".tall { height: 3000px }" } else { "h1 { color: rgb(1, 2, 3) }" };
    ([(CONTENT_TYPE, "text/css")], text).into_response()
}
