//! Pages for the browser tests: deliberate failures, and features that the demo does not use.
//!
//! Each component has a file with its template beside it, at the path of its name. The options
//! `--addr` and `--data` are those of the demo, so that the tests start both in the same way.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use vivaz::Routes;
use vivaz::prelude::*;

mod bound;
mod broken;
mod catalog;
mod decimals;
mod desk;
mod differ;
mod edits;
mod elements;
mod events;
mod family;
mod faults;
mod flight;
mod follow;
mod foreign;
mod groups;
mod handlers;
mod inputs;
mod kept;
mod kin;
mod late;
mod ledger;
mod lists;
mod motto;
mod names;
mod notice;
mod painted;
mod panels;
mod patching;
mod pending;
mod people;
mod press;
mod profile;
mod prose;
mod rebuilt;
mod registration;
mod search;
mod serve;
mod signup;
mod slow;
mod spaces;
mod tour;
mod typing;
mod waits;
mod ways;
mod whole;

use serve::{document, page};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let typed = Routes::new()
        .route::<whole::Whole>(get(whole::whole))
        .route::<whole::Word>(get(whole::word))
        .finish()?;
    let routes = Router::new()
        .merge(typed)
        .route("/bound", get(page::<bound::Bound>))
        .route("/decimals", get(page::<decimals::Decimals>))
        .route("/desk", get(page::<desk::Desk>))
        .route("/faults", get(page::<faults::Faults>))
        .route("/groups", get(page::<groups::Groups>))
        .route("/inputs", get(page::<inputs::Inputs>))
        .route("/lists", get(page::<lists::Lists>))
        .route("/panels", get(page::<panels::Panels>))
        .route("/people", get(page::<people::People>))
        .route("/patching", get(page::<patching::Patching>))
        .route("/differ/{name}", get(differ::page))
        .route("/edits", get(page::<edits::Edits>))
        .route("/events", get(page::<events::Events>))
        .route("/elements", get(page::<elements::Elements>))
        .route("/capture-file", get(capture_file))
        .route("/family", get(page::<family::Family>))
        .route("/kept", get(page::<kept::Kept>))
        .route("/kept/rows", post(kept::set_rows))
        .route("/kin", get(page::<kin::Kin>))
        .route("/flight", get(page::<flight::Flight>))
        .route("/echo", post(|form: String| std::future::ready(form)))
        .route("/foreign", get(page::<foreign::Foreign>))
        .route("/painted", get(page::<painted::Painted>))
        .route("/waits", get(page::<waits::Waits>))
        .route("/ways", get(page::<ways::Ways>))
        .route("/pending", get(page::<pending::Pending>))
        .route("/press", get(page::<press::Press>))
        .route("/prose", get(page::<prose::Prose>))
        .route("/registration", get(page::<registration::Registration>))
        .route("/search", get(page::<search::Search>))
        .route("/search-by-hand", get(search_by_hand))
        .route("/signup", get(page::<signup::Signup>))
        .route("/slow", get(slow::page))
        .route("/spaces", get(page::<spaces::Spaces>))
        .route("/typing", get(page::<typing::Typing>))
        .route("/rebuilt", get(page::<rebuilt::Rebuilt>))
        .route("/follow", get(page::<follow::Follow>))
        .route("/late", get(page::<late::Late>))
        .route("/names", get(page::<names::Names>))
        .route("/notice", get(page::<notice::Notice>))
        .route("/motto", get(page::<motto::Motto>))
        .route("/ledger", get(page::<ledger::Ledger>))
        .route("/pinned", get(page::<ledger::Pinned>))
        .route("/broken", get(page::<broken::Broken>))
        .route("/broken-by-hand", get(by_hand))
        .merge(tour::router());
    serve::serve(routes).await
}

/// Elements that the server did not render: one that cannot be mounted, and one that can.
async fn by_hand(live: Live) -> Response {
    document(
        &live.head().to_string(),
        r#"<live-component name="broken"></live-component><live-component name="faults"></live-component>"#,
    )
}

/// A component with bound fields that the server did not render.
async fn search_by_hand(live: Live) -> Response {
    document(&live.head().to_string(), r#"<live-component name="search"></live-component>"#)
}

/// A page that loads the capture script from the server; the policy allows no inline script.
async fn capture_file(live: Live) -> Result<Response, RenderError> {
    let component = live.render::<elements::Elements>(elements::ElementsProps {}).await?.to_string();
    let mut page = document(&format!("{}{}", live.capture_file(), live.script()), &component);
    let policy = "script-src 'self' 'wasm-unsafe-eval'";
    if let Ok(policy) = policy.parse() {
        page.headers_mut().insert("content-security-policy", policy);
    }
    Ok(page)
}
