//! A page whose template is a whole document, with two components.

use axum::extract::Query;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Response;
use serde::Deserialize;
use vivaz::prelude::*;

use crate::family::Child;
use crate::profile::Profile;
use crate::serve::POLICY;

#[derive(LivePage)]
#[live(template = "whole.html", children(Child, Profile))]
pub(crate) struct Whole {
    title: String,
    words: Vec<String>,
    none: Vec<String>,
    start: u32,
}

/// The values of the page.
#[derive(Deserialize)]
pub(crate) struct Words {
    title: String,
    #[serde(default)]
    words: String,
}

/// `GET /whole?title=…&words=…`
pub(crate) async fn whole(live: Live, Query(given): Query<Words>) -> Result<Response, RenderError> {
    let words = given.words.split_whitespace().map(str::to_owned).collect();
    let mut page = live.render_page(Whole { title: given.title, words, none: Vec::new(), start: 7 }).await?;
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    Ok(page)
}
