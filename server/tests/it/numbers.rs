//! Numbers without a JSON form: they are refused where they are created, and never rendered.

use serde::Serialize;
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{MountError, Server};
use vivaz::{ErrorCode, Runtime};

#[derive(LiveState, Serialize, Clone, Default)]
struct Gauge {
    level: f64,
    #[serde(skip)]
    odd: f64,
}

#[actions]
impl Gauge {
    #[live(computed)]
    fn doubled(&self) -> f64 {
        self.odd * 2.0
    }
}

impl Topic for Gauge {
    type Key = String;

    async fn load(key: &String, _: &TopicContext) -> Result<Self> {
        Ok(match key.as_str() {
            "topic" => Self { level: f64::NAN, odd: 1.0 },
            "topic_computed" => Self { level: 1.0, odd: f64::INFINITY },
            _ => Self::default(),
        })
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "dial", inline = "<p>{{ level }} {{ half }} {{ gauge.level }}</p>", open)]
struct Dial {
    #[live(prop)]
    at: String,
    #[live(prop, default)]
    given: Option<f64>,
    level: f64,
    #[live(private)]
    hidden: f64,
    #[live(shared = "gauge/{at}")]
    gauge: Shared<Gauge>,
}

#[actions]
impl Dial {
    fn mount(props: DialProps) -> Self {
        let odd = |at| if props.at == at { f64::NEG_INFINITY } else { 1.0 };
        let (level, hidden) = (odd("level"), odd("hidden"));
        Self { at: props.at, given: None, level, hidden, gauge: Shared::new() }
    }

    #[live(computed)]
    fn half(&self) -> f64 {
        if self.at == "computed" { f64::NAN } else { self.level / 2.0 }
    }
}

/// Shows a dial.
#[derive(LiveComponent, Clone)]
#[live(name = "dashboard", inline = "<div><live:dial at=\"{{ at }}\"></live:dial></div>", children(Dial))]
struct Dashboard {
    #[live(prop)]
    at: String,
}

const PLACES: [(&str, &str); 5] = [
    ("level", "`level`"),
    ("hidden", "`hidden`"),
    ("computed", "`half`"),
    ("topic", "`level`"),
    ("topic_computed", "`doubled`"),
];

#[tokio::test(start_paused = true)]
async fn a_page_with_a_number_that_json_has_none_for_is_not_painted() {
    let page = Server::new(Runtime::builder).page();
    for (at, named) in PLACES {
        let props = DialProps { at: at.to_owned(), given: None };
        let Err(MountError::Render(error @ RenderError::Component(_))) = page.mount::<Dial>(props).await
        else {
            panic!("{at} has no JSON form");
        };
        let error = error.to_string();
        assert!(error.contains(named) && error.contains("JSON cannot represent"), "{at}: {error}");
    }
    for odd in [f64::NAN, f64::INFINITY] {
        let props = DialProps { at: "fine".to_owned(), given: Some(odd) };
        let Err(MountError::Render(error @ RenderError::Props { component: "dial", .. })) =
            page.mount::<Dial>(props).await
        else {
            panic!("the prop has no JSON form");
        };
        let error = error.to_string();
        assert!(error.contains("`given`") && error.contains("JSON cannot represent"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mount_with_a_number_that_json_has_none_for_is_refused() {
    let page = Server::new(Runtime::builder).page();
    for (at, _) in PLACES {
        let refusal = page.mount_open("dial", json!({ "at": at })).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::ActionFailed, "{at}");
        // As a child: its parent is mounted, and the child is refused.
        let dashboard = page.mount::<Dashboard>(DashboardProps { at: at.to_owned() }).await.unwrap();
        assert!(!dashboard.html().contains("<p>"), "{at}: {}", dashboard.html());
    }
    let fine = page.mount_open("dial", json!({ "at": "fine" })).await.unwrap();
    assert_eq!(fine.confirmed()["level"], 1.0);
}
