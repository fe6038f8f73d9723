//! Components that cause events for themselves without end: they cost one session, not the server.

use std::time::Duration;

use serde_json::json;
use vivaz::Limits;
use vivaz::prelude::*;

use crate::app::start_with;
use crate::client::Client;

#[derive(LiveComponent, Clone)]
#[live(name = "ping", inline = "<i>{{ count }}</i>", open)]
struct Ping {
    #[live(default)]
    count: u32,
}

#[actions]
impl Ping {
    fn connected(&mut self, cx: &mut Context) {
        cx.join("pings");
    }

    #[action]
    fn start(&mut self, cx: &mut Context, room: bool) -> Result<()> {
        self.pass_on(cx, room)
    }

    #[action]
    fn count(&self) -> u32 {
        self.count
    }

    #[event]
    fn ping(&mut self, cx: &mut Context, room: bool) -> Result<()> {
        self.count += 1;
        self.pass_on(cx, room)
    }

    fn pass_on(&self, cx: &mut Context, room: bool) -> Result<()> {
        if room { cx.to(Target::room("pings")).emit("ping", true) } else { cx.send("ping", false) }
    }
}

/// Runs on one thread, where a busy task could starve all others.
#[tokio::test]
async fn the_own_page_and_others_are_answered_and_the_session_ends() {
    for room in [false, true] {
        let limits = Limits {
            suspended_time: Duration::from_millis(200),
            action_time: Duration::from_millis(500),
            ..Limits::default()
        };
        let server = start_with(|builder| builder.limits(limits)).await;
        let mut client = Client::hello_with(&server, &[("x-user", "ada")], json!({})).await;
        for id in ["a", "b"] {
            client.mount(id, "ping", json!({})).await;
        }
        client.act("a", "start", json!([room])).await;
        let own = client.call("a", "count", json!([]));
        client.send(own.clone()).await;
        assert_eq!(client.reply(&own["ref"]).await["type"], "ACK");
        let mut other = Client::hello(&server).await;
        other.mount("a", "ping", json!({})).await;
        client.cut();
        while server.runtime.stats().sessions > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(other.act("a", "count", json!([])).await["type"], "ACK");
    }
}
