//! Measures the memory of a topic's viewers, compared with idle sessions.

use vivaz_protocol::ComponentId;

use super::memory::grown;
use super::{Precision, deliveries};
use crate::load::Session;
use crate::process::Server;
use crate::report::{Line, Target};

/// The messages of a burst.
const BURST: usize = 20;

/// Measures the resident memory of each viewer of a topic with 1,000 rows: after its snapshot, and
/// after a burst of messages.
pub(super) async fn memory(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let count = precision.pick(5_000, 1_000);
    let idle = sessions(count, "counter").await?;
    let viewer = sessions(count, "table").await?;
    let after_burst = after_burst(count).await?;
    let line = |what: &str, measured: f64| Line {
        name: format!("resident bytes per viewer of 1,000 rows, {count} viewers, {what}"),
        baseline: Some(format!("{idle:.0} B")),
        measured: format!("{measured:.0} B"),
        target: Some(Target { value: measured / idle, at_most: Some(1.5) }),
    };
    Ok(vec![line("compared with a counter", viewer), line("after a burst of 20 messages", after_burst)])
}

async fn sessions(count: usize, component: &str) -> anyhow::Result<f64> {
    let server = Server::start("serve-vivaz")?;
    grown(&server, count, async |_| open(&server, component).await).await
}

/// Returns the memory of each viewer after all have received a burst. The warm-up of the viewers
/// receives one too, so that the pools are full before.
async fn after_burst(count: usize) -> anyhow::Result<f64> {
    let server = Server::start("serve-vivaz")?;
    let mut viewers = Vec::with_capacity(count);
    for _ in 0..200 {
        viewers.push(open(&server, "table").await?);
    }
    deliveries::send_burst(&mut viewers, BURST).await?;
    let before = super::memory::settled(&server).await?;
    for _ in 0..count {
        viewers.push(open(&server, "table").await?);
    }
    deliveries::send_burst(&mut viewers, BURST).await?;
    let after = super::memory::settled(&server).await?;
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

async fn open(server: &Server, component: &str) -> anyhow::Result<Session> {
    let mut session = Session::open(server.address).await?;
    session.mount(&ComponentId::new("b1")?, component).await?;
    session.socket.shrink();
    Ok(session)
}
