//! The list of tickets, whose search, order and page are in the URL, and the overview of all.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;

use crate::routes::{self, Sort, Status};

/// The number of tickets on a page.
const PAGE: u32 = 25;
/// The room of all lists.
pub(crate) const ROOM: &str = "tickets";

#[derive(LiveComponent, Clone)]
#[live(name = "tickets", template = "tickets.html")]
pub(crate) struct Tickets {
    #[live(model, url(replace))]
    q: String,
    #[live(model, url)]
    status: Option<Status>,
    #[live(model, url)]
    sort: Sort,
    #[live(url, default = 1)]
    page: u32,
    rows: List<TicketRow>,
    total: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct TicketRow {
    id: i64,
    subject: String,
    customer: String,
    status: Status,
    changed_at: String,
}

#[actions]
impl Tickets {
    async fn params(&mut self, cx: &mut MountContext) -> Result {
        self.load(cx.state()).await
    }

    async fn connected(&mut self, cx: &mut Context) -> Result {
        cx.join(ROOM);
        // The page may be older: it was requested when the pointer rested on its link.
        self.load(cx.state()).await
    }

    async fn resumed(&mut self, cx: &mut Context) -> Result {
        self.load(cx.state()).await
    }

    async fn updated(&mut self, cx: &mut Context) -> Result {
        self.turn(cx, 1).await
    }

    #[action(retry)]
    async fn turn(&mut self, cx: &mut Context, page: u32) -> Result {
        self.page = page;
        self.load(cx.state()).await
    }

    #[event("ticket.changed")]
    async fn changed(&mut self, cx: &mut Context) -> Result {
        self.load(cx.state()).await
    }

    #[live(computed)]
    fn pages(&self) -> u32 {
        pages(self.total)
    }
}

fn pages(total: u32) -> u32 {
    total.div_ceil(PAGE).max(1)
}

impl Tickets {
    async fn load(&mut self, database: &Sqlite) -> Result {
        let wanted = self.clone();
        let (total, rows) = database.try_run(move |tx| wanted.read(tx)).await?;
        self.total = total;
        self.page = self.page.clamp(1, pages(total));
        Ok(self.rows.sync(rows)?)
    }

    fn read(&self, tx: &mut Tx) -> Result<(u32, Vec<TicketRow>)> {
        let order = match self.sort {
            Sort::Changed => "changed_at DESC, id DESC",
            Sort::Waiting => "changed_at, id",
            Sort::Customer => "customer, id",
        };
        let found = "FROM tickets WHERE (?1 IS NULL OR status = ?1)
                     AND instr(lower('#' || id || ' ' || subject || ' ' || customer), lower(?2))";
        let (status, q) = (self.status.map(Status::name), self.q.trim());
        let total = tx.query_first(&format!("SELECT count(*) {found}"), (status, q))?.unwrap_or(0);
        let select = format!(
            "SELECT id, subject, customer, status, substr(changed_at, 1, 16) AS changed_at
             {found} ORDER BY {order} LIMIT ?3 OFFSET (?4 - 1) * ?3"
        );
        Ok((total, tx.query(&select, (status, q, PAGE, self.page.clamp(1, pages(total))))?))
    }
}

/// The numbers of tickets and those that wait longest, for all pages.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Overview {
    open: u32,
    pending: u32,
    solved: u32,
    changed_at: String,
    #[serde(default)]
    waiting: List<TicketRow>,
}

impl Topic for Overview {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        cx.state::<Sqlite>().try_run(Self::read).await
    }

    async fn authorize(_: &String, who: &Identity) -> Result {
        who.user().map(|_| ())
    }
}

impl Overview {
    pub(crate) fn read(tx: &mut Tx) -> Result<Self> {
        let sql = "SELECT count(*) FILTER (WHERE status = 'open') AS open,
                          count(*) FILTER (WHERE status = 'pending') AS pending,
                          count(*) FILTER (WHERE status = 'solved') AS solved,
                          coalesce(max(changed_at), '') AS changed_at FROM tickets";
        let mut overview: Self = tx.query_first(sql, ())?.unwrap_or_default();
        let sql = "SELECT id, subject, customer, status, substr(changed_at, 1, 16) AS changed_at
                   FROM tickets WHERE status = 'open' ORDER BY changed_at, id LIMIT 8";
        overview.waiting = tx.query::<TicketRow>(sql, ())?.into_iter().collect();
        Ok(overview)
    }

    /// Shows what was read after a change, unless a later change is shown already.
    pub(crate) fn show(&mut self, read: &Self) {
        if read.changed_at >= self.changed_at {
            *self = read.clone();
        }
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "dashboard", template = "dashboard.html")]
pub(crate) struct Dashboard {
    #[live(shared = "overview/all")]
    overview: Shared<Overview>,
}

/// The number of open tickets, in the header. It stays while pages change.
#[derive(LiveComponent, Clone, Default)]
#[live(name = "open-count", template = "open_count.html")]
pub(crate) struct OpenCount {
    #[live(shared = "overview/all")]
    overview: Shared<Overview>,
}
