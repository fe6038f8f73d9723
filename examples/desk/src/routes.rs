//! The addresses of the pages, and the values in them.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveRoute)]
#[live(path = "/")]
pub(crate) struct Dashboard;

#[derive(LiveRoute, Default)]
#[live(path = "/tickets")]
pub(crate) struct Tickets {
    #[live(query)]
    pub(crate) q: Option<String>,
    #[live(query)]
    pub(crate) status: Option<Status>,
    #[live(query)]
    pub(crate) sort: Option<Sort>,
    #[live(query)]
    pub(crate) page: Option<u32>,
}

#[derive(LiveRoute, Deserialize)]
#[live(path = "/tickets/{id}")]
pub(crate) struct Ticket {
    pub(crate) id: i64,
}

#[derive(LiveRoute)]
#[live(path = "/sign-in")]
pub(crate) struct SignIn {
    #[live(query)]
    pub(crate) next: Option<String>,
    #[live(query)]
    pub(crate) is_refused: Option<bool>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Open,
    Pending,
    Solved,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Solved => "solved",
        }
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    #[default]
    Changed,
    Waiting,
    Customer,
}
