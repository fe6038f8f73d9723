//! Components that load while the page is shown already.

use std::time::Duration;

use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use vivaz::prelude::*;

use crate::serve::{POLICY, html};

#[derive(LiveComponent, Clone)]
#[live(name = "slow", template = "slow.html", open)]
pub(crate) struct Slow {
    #[live(prop)]
    ms: u64,
    #[live(prop)]
    fails: String,
    figures: Async<Figures>,
    /// How often the work has begun for this component, as far as it knows.
    begun: u32,
    clicks: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    total: u64,
    note: String,
}

async fn query(ms: u64, fails: String) -> Result<Figures> {
    sleep(Duration::from_millis(ms)).await;
    match &*fails {
        "error" => Err(ActionError::user("The figures are not there.")),
        "panic" => panic!("the figures are broken"),
        "hostile" => Ok(Figures { total: 7, note: "</noscript></template><b>".to_owned() }),
        // More than an element carries of its state.
        "large" => Ok(Figures { total: 7, note: "x".repeat(5000) }),
        _ => Ok(Figures { total: 7, note: String::new() }),
    }
}

#[actions]
impl Slow {
    fn mount(props: SlowProps, cx: &mut MountContext) -> Self {
        let SlowProps { ms, fails } = props;
        let mut figures = Async::new();
        figures.load(cx, query(ms, fails.clone()));
        Self { ms, fails, figures, begun: 0, clicks: 0 }
    }

    fn connected(&mut self, cx: &mut Context) {
        if self.figures.is_loading() {
            self.refresh(cx);
        }
    }

    #[action]
    fn refresh(&mut self, cx: &mut Context) {
        self.begun += 1;
        self.figures.load(cx, query(self.ms, self.fails.clone()));
    }

    #[action]
    fn count(&mut self) {
        self.clicks += 1;
    }
}

/// What the slow component does: how long it takes, whether it fails, and the deadline of the page;
/// 0 sends the page whole.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    ms: u64,
    #[serde(default)]
    fails: String,
    #[serde(default)]
    deadline: u64,
}

pub(crate) async fn page(live: Live, Query(asked): Query<Asked>) -> Result<Response, RenderError> {
    let Asked { ms, fails, deadline } = asked;
    let live = if deadline == 0 { live } else { live.streaming(Duration::from_millis(deadline)) };
    let slow = live.render_as::<Slow>("slow", SlowProps { ms, fails }).await?;
    let fast = live.render_as::<Slow>("fast", SlowProps { ms: 0, fails: String::new() }).await?;
    let body = format!("<main>{slow}<hr>{fast}</main>");
    let mut page = live.page(html(&live.head().to_string(), &body));
    page.headers_mut().insert("content-security-policy", POLICY.clone());
    Ok(page)
}
