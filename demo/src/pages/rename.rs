//! A visitor takes another name.

use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use serde::Deserialize;

use crate::app::App;
use crate::user::Visitor;

/// The form in every page's footer.
#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
    /// The page that the form stood on.
    #[serde(default)]
    back: String,
}

/// `POST /user`
pub(super) async fn rename(
    State(app): State<App>,
    user: Visitor,
    request: Parts,
    Form(form): Form<Rename>,
) -> impl IntoResponse {
    let cookie = app.cookies.header(&user.renamed(&form.name), &request);
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(own_page(&form.back)))
}

/// `back` is what the browser sends, so it is followed only to a page of this site, by a path as
/// addresses have them: browsers take other characters for others, and a header cannot hold all of
/// them.
fn own_page(back: &str) -> &str {
    let elsewhere =
        back.starts_with("//") || back.contains('\\') || !back.bytes().all(|b| b.is_ascii_graphic());
    if back.starts_with('/') && !elsewhere { back } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn the_way_back_stays_on_this_site() {
        assert_eq!(own_page("/chat/attic"), "/chat/attic");
        for elsewhere in
            ["", "chat", "//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"]
        {
            assert_eq!(own_page(elsewhere), "/");
        }
        for c in ('\0'..=' ').chain('\u{7f}'..='\u{a0}') {
            assert_eq!(own_page(&format!("/chat/{c}attic")), "/", "{c:?}");
        }
    }
}
