//! Changes the visitor's name.

use axum::Form;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use vivaz::PagePath;

use crate::app::App;
use crate::user::Visitor;

/// The form in every page's footer.
#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
    /// The page that contained the form.
    #[serde(default)]
    back: String,
}

/// Handles `POST /user`.
pub(super) async fn rename(
    State(app): State<App>,
    user: Visitor,
    request: Parts,
    Form(form): Form<Rename>,
) -> impl IntoResponse {
    let jar = app.cookies.issue(&user.renamed(&form.name), &request);
    // The browser sends it: it may lead anywhere.
    let back = PagePath::parse(&form.back).ok().filter(|path| path.as_str().is_ascii());
    (jar, Redirect::to(back.as_ref().map_or("/", PagePath::as_str)))
}
