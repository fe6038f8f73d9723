//! A page whose template is a whole document, with two components.

use axum::extract::{Path, Query};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Response;
use serde::Deserialize;
use vivaz::prelude::*;

use crate::family::Child;
use crate::profile::Profile;
use crate::serve::POLICY;

/// The route of the page: its values are those of the query.
#[derive(LiveRoute, Deserialize)]
#[live(path = "/whole")]
pub(crate) struct Whole {
    #[live(query)]
    title: String,
    #[live(query)]
    words: Option<String>,
}

/// The route of a page with one word, which is its title.
#[derive(LiveRoute, Deserialize)]
#[live(path = "/whole/words/{word}")]
pub(crate) struct Word {
    word: String,
}

#[derive(LivePage)]
#[live(template = "whole.html", children(Child, Profile))]
struct WholePage {
    title: String,
    words: Vec<String>,
    none: Vec<String>,
    start: u32,
}

pub(crate) async fn whole(live: Live, Query(given): Query<Whole>) -> Result<Response, RenderError> {
    let words = given.words.unwrap_or_default();
    shown(&live, given.title, words.split_whitespace().map(str::to_owned).collect()).await
}

pub(crate) async fn word(live: Live, Path(given): Path<Word>) -> Result<Response, RenderError> {
    shown(&live, given.word.clone(), vec![given.word]).await
}

async fn shown(live: &Live, title: String, words: Vec<String>) -> Result<Response, RenderError> {
    let mut page = live.render_page(WholePage { title, words, none: Vec::new(), start: 7 }).await?;
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    Ok(page)
}
