//! Measures the deliveries to a few viewers beside many suspended sessions.

use vivaz_protocol::ComponentId;

use super::deliveries::Topic;
use super::{Precision, median, micros};
use crate::load::Session;
use crate::report::{Line, Target};

const VIEWERS: usize = 100;

/// Measures the server's CPU time for each delivery to 100 viewers, with and without suspended
/// sessions that showed the same topic.
pub(super) async fn beside(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let suspended = precision.pick(25_000, 2_000);
    let mut alone = Topic::open(VIEWERS).await?;
    let mut crowded = Topic::open(VIEWERS).await?;
    for _ in 0..suspended {
        let mut session = Session::open(crowded.server.address).await?;
        session.mount(&ComponentId::new("b1")?, "board").await?;
        session.socket.reset()?;
    }
    let repeat = precision.pick(1_000, 100);
    let (mut alones, mut crowdeds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..precision.pick(9, 3) {
        let of_alone = cpu(&mut alone, repeat).await?;
        let of_crowded = cpu(&mut crowded, repeat).await?;
        alones.push(of_alone);
        crowdeds.push(of_crowded);
        ratios.push(of_crowded / of_alone);
    }
    Ok(vec![Line {
        name: format!("server CPU per delivery to {VIEWERS} viewers, beside {suspended} suspended sessions"),
        baseline: Some(format!("{:.2} µs", median(alones))),
        measured: format!("{:.2} µs", median(crowdeds)),
        target: Some(Target { value: median(ratios), at_most: Some(1.05) }),
    }])
}

async fn cpu(topic: &mut Topic, repeat: usize) -> anyhow::Result<f64> {
    let before = topic.server.cpu()?;
    for _ in 0..repeat {
        topic.round(1).await?;
    }
    Ok(micros(topic.server.cpu()? - before) / (VIEWERS * repeat) as f64)
}
