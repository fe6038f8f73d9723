//! The pages, their addresses, and the files that they load.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use vivaz::prelude::*;
use vivaz::{PAGE_POLICY, Routes, UnservedRoutes};

use crate::account::{Agent, sign_in, sign_out};
use crate::routes;
use crate::ticket::TicketPanel;
use crate::tickets::{Dashboard, OpenCount, Tickets};
use crate::webhook;

/// Maximum length of a mail, in bytes. All mails of a ticket are on one page.
const MAX_MAIL: usize = 64 * 1024;

#[derive(LivePage)]
#[live(template = "pages/dashboard.html", children(Dashboard, OpenCount))]
struct DashboardPage;

#[derive(LivePage)]
#[live(template = "pages/tickets.html", children(Tickets, OpenCount))]
struct TicketsPage;

#[derive(LivePage)]
#[live(template = "pages/ticket.html", children(TicketPanel, OpenCount))]
struct TicketPage {
    id: i64,
}

#[derive(LivePage, Deserialize)]
#[live(template = "pages/sign_in.html", children(OpenCount))]
struct SignInPage {
    next: Option<String>,
    is_refused: Option<bool>,
}

pub(crate) fn router() -> Result<Router<Runtime>, UnservedRoutes> {
    let pages = Routes::new()
        .route::<routes::Dashboard>(get(async |Agent(live): Agent| live.render_page(DashboardPage).await))
        .route::<routes::Tickets>(get(async |Agent(live): Agent| live.render_page(TicketsPage).await))
        .route::<routes::Ticket>(get(ticket))
        .route::<routes::SignIn>(get(show_sign_in).post(sign_in))
        .finish()?;
    let style = ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/desk.css"));
    let icon = ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../assets/icon.svg"));
    Ok(pages
        .route("/sign-out", post(sign_out))
        .route("/hooks/mail", post(webhook::receive).layer(DefaultBodyLimit::max(MAX_MAIL)))
        .route("/assets/desk.css", get(async || style))
        .route("/assets/icon.svg", get(async || icon))
        .layer(map_response(async |page: Response| ([(CONTENT_SECURITY_POLICY, PAGE_POLICY)], page))))
}

async fn ticket(Agent(live): Agent, Path(route): Path<routes::Ticket>) -> Result<Response, RenderError> {
    live.render_page(TicketPage { id: route.id }).await
}

async fn show_sign_in(live: Live, Query(page): Query<SignInPage>) -> Result<Response, RenderError> {
    live.render_page(page).await
}
