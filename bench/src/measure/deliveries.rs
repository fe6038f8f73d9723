//! Compares a topic update to many viewers with a plain message to as many connections.

use tokio::task::JoinSet;
use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::load::Session;
use crate::process::Server;
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

/// The text that is posted; in a patch about 240 bytes.
const TEXT: &str = "\"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
                    0123456789 0123456789 0123456789 0123456789 \"";

/// Returns the message of the baseline: a patch for [`TEXT`], so that both servers send the same
/// bytes.
fn patch() -> String {
    let note = TEXT.replacen('"', "\"10 ", 1);
    format!(
        r#"{{"v":1,"type":"STATE_UPDATE","topic":"board/one","rev":10,"by":"0123456789ab:10","payload":{{"note":{note}}}}}"#
    )
}

/// Measures the server's CPU time for each delivery, for single messages and for bursts.
pub(super) async fn topic(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let viewers = precision.pick(5_000, 200);
    let mut plain = Broadcast::open(viewers).await?;
    let mut live = Topic::open(viewers).await?;
    let mut lines = Vec::new();
    for (what, burst, repeat, at_most) in [
        ("one at a time", 1, precision.pick(20, 20), 0.9),
        ("in bursts of 20", 20, precision.pick(4, 4), 1.0),
    ] {
        let (mut plains, mut lives, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let deliveries = (viewers * burst * repeat) as f64;
        for _ in 0..precision.pick(7, 2) {
            let before = plain.server.cpu()?;
            for _ in 0..repeat {
                plain.round(burst).await?;
            }
            let of_plain = micros(plain.server.cpu()? - before) / deliveries;
            let before = live.server.cpu()?;
            for _ in 0..repeat {
                live.round(burst).await?;
            }
            let of_live = micros(live.server.cpu()? - before) / deliveries;
            plains.push(of_plain);
            lives.push(of_live);
            ratios.push(of_live / of_plain);
        }
        lines.push(Line {
            name: format!("server CPU per delivery of 240 B to {viewers} viewers, {what}"),
            baseline: Some(format!("{:.2} µs", median(plains))),
            measured: format!("{:.2} µs", median(lives)),
            target: Some(Target { value: median(ratios), at_most: Some(at_most) }),
        });
    }
    Ok(lines)
}

/// Connections to the baseline; the first one sends.
struct Broadcast {
    server: Server,
    sockets: Vec<Socket>,
}

impl Broadcast {
    async fn open(viewers: usize) -> anyhow::Result<Self> {
        let server = Server::start("serve-to-all")?;
        let mut sockets = Vec::with_capacity(viewers);
        for _ in 0..viewers {
            sockets.push(Socket::connect(server.address, Subprotocol::None).await?);
        }
        Ok(Self { server, sockets })
    }

    async fn round(&mut self, burst: usize) -> anyhow::Result<()> {
        if let Some(sender) = self.sockets.first_mut() {
            let patch = patch();
            for _ in 0..burst {
                sender.feed(&patch);
            }
            sender.flush().await?;
        }
        let mut tasks = JoinSet::new();
        for mut socket in self.sockets.drain(..) {
            tasks.spawn(async move {
                for _ in 0..burst {
                    socket.next().await?;
                }
                anyhow::Ok(socket)
            });
        }
        self.sockets = tasks.join_all().await.into_iter().collect::<anyhow::Result<_>>()?;
        Ok(())
    }
}

/// Sessions that show one topic; the first one updates it.
pub(super) struct Topic {
    pub(super) server: Server,
    sessions: Vec<Session>,
}

impl Topic {
    pub(super) async fn open(viewers: usize) -> anyhow::Result<Self> {
        let server = Server::start("serve-vivaz")?;
        let mut sessions = Vec::with_capacity(viewers);
        for _ in 0..viewers {
            let mut session = Session::open(server.address).await?;
            session.mount(&ComponentId::new("b1")?, "board").await?;
            sessions.push(session);
        }
        Ok(Self { server, sessions })
    }

    pub(super) async fn round(&mut self, burst: usize) -> anyhow::Result<()> {
        send_burst(&mut self.sessions, burst).await
    }
}

/// Lets the first session update the topic of all, and waits until each has received the patches.
pub(super) async fn send_burst(sessions: &mut Vec<Session>, burst: usize) -> anyhow::Result<()> {
    if let Some(sender) = sessions.first_mut() {
        let id = ComponentId::new("b1")?;
        for _ in 0..burst {
            sender.cast(&id, "post", TEXT);
        }
        sender.socket.flush().await?;
    }
    let mut tasks = JoinSet::new();
    for mut session in sessions.drain(..) {
        tasks.spawn(async move {
            session.await_patches(burst).await?;
            anyhow::Ok(session)
        });
    }
    *sessions = tasks.join_all().await.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(())
}
