//! One ticket: its comments, its state, and the agents who look at it.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;

use crate::routes::{self, Status};
use crate::tickets::{Overview, ROOM};

#[derive(LiveComponent, Clone)]
#[live(name = "ticket", template = "ticket.html", durable)]
pub(crate) struct TicketPanel {
    #[live(prop)]
    number: i64,
    #[live(model)]
    draft: String,
    #[live(errors)]
    errors: Errors,
    #[live(shared = "ticket/{number}")]
    ticket: Shared<Ticket>,
    #[live(shared = "overview/all")]
    overview: Shared<Overview>,
}

/// The state of a ticket, for all who look at it.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Ticket {
    subject: String,
    customer: String,
    status: Status,
    #[serde(default)]
    comments: List<Comment>,
    #[serde(default)]
    #[live(presence)]
    viewers: Presence,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Comment {
    id: i64,
    author: String,
    body: String,
    created_at: String,
}

impl Topic for Ticket {
    type Key = i64;

    async fn load(id: &i64, cx: &TopicContext) -> Result<Self> {
        let id = *id;
        cx.state::<Sqlite>().try_run(move |tx| Self::read(tx, id)).await
    }

    async fn authorize(_: &i64, who: &Identity) -> Result {
        who.user().map(|_| ())
    }
}

impl Ticket {
    fn read(tx: &mut Tx, id: i64) -> Result<Self> {
        let sql = "SELECT subject, customer, status FROM tickets WHERE id = ?1";
        let mut ticket: Self = tx.query_first(sql, [id])?.ok_or_else(no_ticket)?;
        let sql = "SELECT id, author, body, substr(created_at, 1, 16) AS created_at FROM comments
                   WHERE ticket = ?1 ORDER BY id";
        ticket.comments = tx.query::<Comment>(sql, [id])?.into_iter().collect();
        Ok(ticket)
    }

    /// Shows a new comment. It is shown already if the topic was loaded meanwhile.
    pub(crate) fn show(&mut self, comment: &Comment, status: Status) {
        self.status = status;
        self.comments.push(comment.clone());
    }
}

/// Stores the state of a ticket.
fn set_status(tx: &mut Tx, id: i64, status: Status) -> Result {
    let update = "UPDATE tickets SET status = ?2, changed_at = strftime('%F %R:%f', 'now') WHERE id = ?1";
    if tx.execute(update, (id, status.name()))? == 1 { Ok(()) } else { Err(no_ticket()) }
}

/// Stores a comment, and the state of the ticket after it.
pub(crate) fn add_comment(tx: &mut Tx, id: i64, status: Status, author: &str, body: &str) -> Result<Comment> {
    set_status(tx, id, status)?;
    let insert = "INSERT INTO comments (ticket, author, body) VALUES (?1, ?2, ?3)
                  RETURNING id, author, body, substr(created_at, 1, 16) AS created_at";
    tx.query_first(insert, (id, author, body))?.ok_or_else(no_ticket)
}

#[actions]
impl TicketPanel {
    fn connected(&mut self, cx: &mut Context) -> Result {
        cx.presence(&mut self.ticket).enter()
    }

    #[action(transaction)]
    fn comment(&mut self, cx: &mut Context, tx: &mut Tx, draft: String) -> Result {
        if draft.trim().is_empty() || draft.chars().count() > 4_000 {
            return Err(Errors::of("draft", "An answer has 1 to 4,000 characters.").into());
        }
        let author = &cx.user()?.name;
        let comment = add_comment(tx, self.number, Status::Pending, author, draft.trim())?;
        self.errors.clear();
        self.ticket.update(move |ticket| ticket.show(&comment, Status::Pending));
        self.changed(cx, tx)
    }

    #[action(transaction)]
    fn set_status(&mut self, cx: &mut Context, tx: &mut Tx, status: Status) -> Result {
        set_status(tx, self.number, status)?;
        self.ticket.update(move |ticket| ticket.status = status);
        self.changed(cx, tx)
    }

    #[action(transaction)]
    fn solve(&mut self, cx: &mut Context, tx: &mut Tx) -> Result {
        self.set_status(cx, tx, Status::Solved)?;
        cx.flash("info", format!("Ticket #{} is solved.", self.number))?;
        let open = routes::Tickets { status: Some(Status::Open), ..routes::Tickets::default() };
        Ok(cx.navigate(&open.url())?)
    }
}

impl TicketPanel {
    /// Shows a change on the dashboards and in the lists.
    fn changed(&mut self, cx: &mut Context, tx: &mut Tx) -> Result {
        let read = Overview::read(tx)?;
        self.overview.update(move |overview| overview.show(&read));
        cx.to(Target::room(ROOM)).emit("ticket.changed", ())
    }
}

pub(crate) fn no_ticket() -> ActionError {
    ActionError::not_found("there is no such ticket")
}
