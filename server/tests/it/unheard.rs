//! Events that reach no method are logged once, with the component's name.

use serde_json::json;
use vivaz::Runtime;
use vivaz::prelude::*;
use vivaz::testing::Server;

use crate::logs::Log;

#[derive(LiveComponent, Clone)]
#[live(name = "unheard", inline = "<p>{{ heard }}</p>", open)]
struct Unheard {
    heard: u32,
}

#[actions]
impl Unheard {
    #[action]
    fn send(&mut self, cx: &mut Context) -> Result<()> {
        cx.send("sent_in_vain", 1)
    }

    #[action]
    fn spawn(&mut self, cx: &mut Context) {
        let name = "spawned_in_vain";
        cx.spawn(name, async { Ok(1) });
    }

    #[action]
    fn misfit(&mut self, cx: &mut Context) {
        cx.spawn("counted", async { Ok("three") });
    }

    #[action]
    fn fit(&mut self, cx: &mut Context) {
        cx.spawn("counted", async { Ok(1) });
    }

    #[event]
    fn counted(&mut self, count: Result<u32>) {
        self.heard += count.unwrap_or_default();
    }
}

#[tokio::test]
async fn an_event_without_a_method_is_logged_once() {
    let log = Log::default();
    let _collecting = log.collect();
    let server = Server::new(Runtime::builder);
    let unheard = server.page().mount_open("unheard", json!({})).await.unwrap();
    for round in 1..=3 {
        for action in ["send", "spawn", "misfit", "fit"] {
            unheard.call(action, ()).await.unwrap();
        }
        unheard.until(|unheard| unheard.confirmed()["heard"] == round).await;
    }
    let text = log.text();
    for event in ["sent_in_vain", "spawned_in_vain", "counted"] {
        let lines: Vec<_> =
            text.lines().filter(|line| line.contains(" WARN ") && line.contains(event)).collect();
        let [line] = lines.as_slice() else { panic!("{event} is not logged once: {lines:#?}\n{text}") };
        assert!(line.contains(r#"component="unheard""#), "{line}");
    }
    assert!(!text.contains("handler failed"), "{text}");
}
