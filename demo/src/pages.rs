//! The pages: documents around the components. Their layout is `templates/partials/base.html`.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vivaz::CAPTURE_HASH;
use vivaz::prelude::*;
use vivaz::{Routes, UnservedRoutes};

use crate::app::App;
use crate::components::{chat, counter, form, rows, seats, todo};
use crate::user::identify_visitor;

mod rename;
mod routes;
mod source;

use source::SourcePanel;

/// Returns all pages, with the layers for the cookie and the headers.
///
/// # Errors
/// Returns an error if a route has no handler.
pub(crate) fn router(app: &App) -> Result<Router<App>, UnservedRoutes> {
    let pages = Routes::new()
        .route::<routes::Home>(get(async |live: Live| live.render_page(Home).await))
        .route::<routes::Counter>(get(async |live: Live| live.render_page(Counter::default()).await))
        .route::<routes::Chat>(get(async |live: Live| chat_page(&live, chat::RoomId::default()).await))
        .route::<routes::Room>(get(room))
        .route::<routes::Form>(get(async |live: Live| live.render_page(Form::default()).await))
        .route::<routes::Todo>(get(async |live: Live| live.render_page(Todo::default()).await))
        .route::<routes::Seats>(get(async |live: Live| live.render_page(Seats::default()).await))
        .route::<routes::Rows>(get(async |live: Live| live.render_page(Rows::default()).await))
        .route::<routes::Hook>(get(async |live: Live| live.render_page(Hook::default()).await))
        .finish()?;
    let router = pages
        .route("/user", post(rename::rename))
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(app.cookies.clone(), identify_visitor))
        .layer(middleware::from_fn(headers));
    Ok(router)
}

/// The content security policy of all pages: no content from elsewhere, no inline styles, and no
/// inline script but the capture script. `wasm-unsafe-eval` lets the browser compile the page's
/// engine; it allows no JavaScript.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' '{CAPTURE_HASH}'; style-src 'self'; \
         img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// Sets the headers of all pages: the policy, and no stored copies, because a page is rendered for
/// one user.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    response
}

/// The introduction, with a running component.
#[derive(LivePage)]
#[live(template = "home.html", children(counter::Counter))]
struct Home;

#[derive(LivePage)]
#[live(template = "nowhere.html")]
struct Nowhere;

async fn nowhere(live: Live) -> Response {
    match live.render_page(Nowhere).await {
        Ok(page) => (StatusCode::NOT_FOUND, page).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Defines the page that shows a component beside its sources.
macro_rules! exhibit {
    ($page:ident, $template:literal, $sources:expr $(, $component:path)?) => {
        #[derive(LivePage)]
        #[live(template = $template $(, children($component))?)]
        struct $page {
            sources: Vec<SourcePanel>,
        }

        impl Default for $page {
            fn default() -> Self {
                Self { sources: source::panels($sources) }
            }
        }
    };
}

exhibit!(Counter, "counter.html", source::COUNTER, counter::Counter);
exhibit!(Form, "form.html", source::FORM, form::Form);
exhibit!(Todo, "todo.html", source::TODO, todo::Todo);
exhibit!(Seats, "seats.html", source::SEATS, seats::Seats);
exhibit!(Rows, "rows.html", source::ROWS, rows::Rows);
// The server renders no component here: a script mounts one and renders it.
exhibit!(Hook, "hook.html", source::HOOK);

#[derive(LivePage)]
#[live(template = "chat.html", children(chat::Chat))]
struct Chat {
    room: chat::RoomId,
    sources: Vec<SourcePanel>,
}

async fn room(live: Live, room: Result<Path<routes::Room>, PathRejection>) -> Response {
    match room {
        Ok(Path(routes::Room { room })) => chat_page(&live, room).await.into_response(),
        Err(_) => nowhere(live).await,
    }
}

async fn chat_page(live: &Live, room: chat::RoomId) -> Result<Response, RenderError> {
    live.render_page(Chat { room, sources: source::panels(source::CHAT) }).await
}
