//! One change that many see, against a message sent to as many.

use tokio::task::JoinSet;
use vivaz_protocol::ComponentId;

use super::{Effort, median, micros};
use crate::load::Session;
use crate::process::Server;
use crate::report::{Aim, Line};
use crate::socket::{Socket, Subprotocol};

/// What is said: with what stands around it, some two hundred bytes.
const TEXT: &str = "\"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
                    0123456789 0123456789 0123456789 0123456789 \"";

/// Server CPU a delivery, singly and in bursts.
pub(super) async fn of_a_topic(effort: Effort) -> anyhow::Result<Vec<Line>> {
    let viewers = effort.pick(1_000, 200);
    let mut plain = Plain::open(viewers).await?;
    let mut live = Live::open(viewers).await?;
    let mut lines = Vec::new();
    for (what, burst, repeat) in
        [("singly", 1, effort.pick(100, 20)), ("in bursts of 20", 20, effort.pick(20, 4))]
    {
        let (mut plains, mut lives, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let deliveries = (viewers * burst * repeat) as f64;
        for _ in 0..effort.pick(5, 2) {
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
            what: format!("server CPU a delivery of 200 B to {viewers} viewers, {what}"),
            yardstick: Some(format!("{:.2} µs", median(plains))),
            measured: format!("{:.2} µs", median(lives)),
            aim: Some(Aim { value: median(ratios), at_most: None }),
        });
    }
    Ok(lines)
}

/// Connections to the yardstick; the first one speaks.
struct Plain {
    server: Server,
    sockets: Vec<Socket>,
}

impl Plain {
    async fn open(viewers: usize) -> anyhow::Result<Self> {
        let server = Server::start("serve-to-all")?;
        let mut sockets = Vec::with_capacity(viewers);
        for _ in 0..viewers {
            sockets.push(Socket::connect(server.address, Subprotocol::None).await?);
        }
        Ok(Self { server, sockets })
    }

    async fn round(&mut self, burst: usize) -> anyhow::Result<()> {
        if let Some(speaker) = self.sockets.first_mut() {
            for _ in 0..burst {
                speaker.send(TEXT).await?;
            }
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

/// Sessions that look at one topic; the first one speaks.
struct Live {
    server: Server,
    sessions: Vec<Session>,
}

impl Live {
    async fn open(viewers: usize) -> anyhow::Result<Self> {
        let server = Server::start("serve-vivaz")?;
        let mut sessions = Vec::with_capacity(viewers);
        for _ in 0..viewers {
            let mut session = Session::open(server.address).await?;
            session.mount(&ComponentId::new("b1")?, "board").await?;
            sessions.push(session);
        }
        Ok(Self { server, sessions })
    }

    async fn round(&mut self, burst: usize) -> anyhow::Result<()> {
        if let Some(speaker) = self.sessions.first_mut() {
            let id = ComponentId::new("b1")?;
            for _ in 0..burst {
                speaker.cast(&id, "post", TEXT).await?;
            }
        }
        let mut tasks = JoinSet::new();
        for mut session in self.sessions.drain(..) {
            tasks.spawn(async move {
                session.await_patches(burst).await?;
                anyhow::Ok(session)
            });
        }
        self.sessions = tasks.join_all().await.into_iter().collect::<anyhow::Result<_>>()?;
        Ok(())
    }
}
