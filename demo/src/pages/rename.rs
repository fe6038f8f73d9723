//! Changes the visitor's name.

use axum::Form;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

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
    (jar, Redirect::to(own_page(&form.back)))
}

/// Returns the path if it leads to a page of this site, otherwise `/`. The browser sends `back`, so
/// only paths with visible ASCII characters are accepted: browsers interpret some other characters
/// differently, and a header cannot contain all of them.
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
