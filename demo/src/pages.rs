//! The pages: the HTML around the components.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use vivaz::CAPTURE_HASH;
use vivaz::prelude::*;

use crate::app::App;
use crate::components::{chat, counter, form, rows, seats, todo};
use crate::user::{Visitor, identify_visitor};

mod home;
mod layout;
mod rename;
mod source;

use layout::{Exhibit, Layout};

/// Returns all pages, with the layers for the cookie and the headers.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(home::home))
        .route("/counter", get(counter_page))
        .route("/chat", get(lobby_page))
        .route("/chat/{room}", get(room_page))
        .route("/form", get(form_page))
        .route("/todo", get(todo_page))
        .route("/seats", get(seats_page))
        .route("/rows", get(rows_page))
        .route("/hook", get(hook_page))
        .route("/user", post(rename::rename))
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(app.cookies.clone(), identify_visitor))
        .layer(middleware::from_fn(headers))
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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// A page; an error shows only a general message, and its details are logged.
type Page = Result<Response, RenderError>;

async fn nowhere(user: Visitor) -> Response {
    let frame =
        Layout { live: None, user: &user, path: "", title: "Not found", about: "This page does not exist." };
    (
        StatusCode::NOT_FOUND,
        frame.around(
            "<div class=\"nowhere\"><p aria-hidden=\"true\">404</p><h1>Not found</h1><p>This page does not exist, and no \
             such room: a name has 1 to 64 letters, digits, _ and -.</p>\
             <a class=\"button primary\" href=\"/\">Home</a></div>",
        ),
    )
        .into_response()
}

async fn counter_page(live: Live, user: Visitor) -> Page {
    let stage = live.render::<counter::Counter>(counter::CounterProps::default()).await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/counter",
        title: "Counter",
        about: "A number on the server. A click sends one small message there, and one small message brings back \
                what changed; no HTML travels.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::COUNTER }))
}

async fn lobby_page(live: Live, user: Visitor) -> Page {
    chat_page(&live, &user, chat::RoomId::default()).await
}

async fn room_page(live: Live, user: Visitor, Path(room): Path<String>) -> Page {
    match chat::RoomId::try_from(room) {
        Ok(room) => chat_page(&live, &user, room).await,
        Err(_) => Ok(nowhere(user).await),
    }
}

async fn chat_page(live: &Live, user: &Visitor, room: chat::RoomId) -> Page {
    let after = format!(
        "<form class=\"rooms\" method=\"post\" action=\"/chat/rooms\"><span>Room <code>{room}</code></span>\
         <a class=\"button\" href=\"/chat\">Lobby</a><button>New room</button></form>"
    );
    let stage = live.render::<chat::Chat>(chat::ChatProps { room }).await?;
    let frame = Layout {
        live: Some(live),
        user,
        path: "/chat",
        title: "Chat",
        about: "All users of a room share one state in memory. Each change is serialised once and sent to all \
                pages. Open the room in a second window, or on your phone.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: &after, sources: source::CHAT }))
}

async fn form_page(live: Live, user: Visitor) -> Page {
    let stage = live.render::<form::Form>(form::FormProps::default()).await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/form",
        title: "Form",
        about: "Four two-way fields, validated on the server when you leave them. A page can write only these \
                four. The server never overwrites text that you are typing.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::FORM }))
}

async fn todo_page(live: Live, user: Visitor) -> Page {
    let stage = live.render::<todo::Todo>(todo::TodoProps::default()).await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/todo",
        title: "Todo",
        about: "One list for all visitors. A change is shown before the server has answered, and is undone if \
                the server refuses: try a text of more than 80 characters.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::TODO }))
}

async fn seats_page(live: Live, user: Visitor) -> Page {
    let stage = live.render::<seats::Seats>(seats::SeatsProps::default()).await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/seats",
        title: "Seats",
        about: "The page shows a booking only after it is on disk, so it never has to be reverted. Open a second \
                browser and book the same seat in both.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::SEATS }))
}

async fn rows_page(live: Live, user: Visitor) -> Page {
    let stage = live.render::<rows::Rows>(rows::RowsProps::default()).await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/rows",
        title: "Rows",
        about: "A page for measurements. The rows are on the server and only their changes are sent, so an append \
                to ten thousand rows costs the same as an append to ten.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::ROWS }))
}

/// The server renders no component here: a script mounts one and renders it.
async fn hook_page(live: Live, user: Visitor) -> Page {
    let stage = "<section class=\"card counter\" id=\"drawn\" aria-label=\"Counter\">\
                 <p>This counter is drawn by a script.</p></section>\
                 <script type=\"module\" src=\"/assets/hook.js\"></script>";
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "/hook",
        title: "Hook",
        about: "The component of the first page, without its template. A script mounts it, calls its actions and \
                draws its state. So does an adapter for another library.",
    };
    Ok(frame.exhibit(&Exhibit { stage: &stage, after: "", sources: source::HOOK }))
}
