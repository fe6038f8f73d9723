//! Mail of customers, which another program posts as JSON.

use axum::Json;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use vivaz::ErrorCode;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;

use crate::account::is_secret;
use crate::routes::{self, Status};
use crate::ticket::{Comment, Ticket, add_comment, no_ticket};
use crate::tickets::{Overview, ROOM};

/// A mail of a customer: an answer to a ticket, or a new one.
#[derive(Deserialize)]
pub(crate) struct Mail {
    ticket: Option<i64>,
    from: String,
    subject: String,
    body: String,
}

/// Takes a mail, and returns the address of its ticket.
pub(crate) async fn receive(
    State(runtime): State<Runtime>,
    headers: HeaderMap,
    Json(mail): Json<Mail>,
) -> Result<(StatusCode, String), RenderError> {
    let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
    if !header.strip_prefix("Bearer ").is_some_and(|token| is_secret("DESK_TOKEN", token)) {
        return Err(ActionError::new(ErrorCode::Unauthenticated, "the token is missing or wrong").into());
    }
    let (id, comment, read) = runtime.state::<Sqlite>().try_run(move |tx| store(tx, &mail)).await?;
    let ticket = runtime.topic::<Ticket>(&format!("ticket/{id}")).await?;
    ticket.update(|ticket| ticket.show(&comment, Status::Open)).await?;
    runtime.topic::<Overview>("overview/all").await?.update(|overview| overview.show(&read)).await?;
    runtime.emit_to_room(ROOM, "ticket.changed", &())?;
    Ok((StatusCode::CREATED, routes::Ticket { id }.url()))
}

/// Stores the mail. Returns its ticket, and what is shown of it.
fn store(tx: &mut Tx, mail: &Mail) -> Result<(i64, Comment, Overview)> {
    let insert = "INSERT INTO tickets (subject, customer) VALUES (?1, ?2) RETURNING id";
    let id = match mail.ticket {
        Some(id) => id,
        None => tx.query_first(insert, [line(&mail.subject), line(&mail.from)])?.ok_or_else(no_ticket)?,
    };
    let comment = add_comment(tx, id, Status::Open, &line(&mail.from), &mail.body)?;
    Ok((id, comment, Overview::read(tx)?))
}

/// Returns what a list shows of a text of any length.
fn line(text: &str) -> String {
    text.chars().take(200).collect()
}
