//! Compares a durable action with a bare commit to the same SQLite file.

use std::time::Instant;

use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::durable::Bare;
use crate::load::Session;
use crate::process::Server;
use crate::report::{Line, Target};

/// Measures the time of durable actions, one at a time. Both sides wait for the disk, so this is
/// elapsed time.
pub(super) async fn sequential(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, actions) = (precision.pick(15, 5), precision.pick(1_000, 300));
    let server = Server::start("serve-durable")?;
    let bare = Bare::open(server.id())?;
    let mut session = Session::open(server.address).await?;
    let id = ComponentId::new("c1")?;
    session.mount(&id, "tally").await?;
    let (mut commits, mut calls, mut costs, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let commit = micros(bare.commit(actions)?) / actions as f64;
        let (started, before) = (Instant::now(), server.cpu()?);
        for _ in 0..actions {
            session.call(&id, "increment", "[1]").await?;
        }
        let call = micros(started.elapsed()) / actions as f64;
        // The first round fills the caches.
        if round > 0 {
            costs.push(micros(server.cpu()? - before) / actions as f64);
            commits.push(commit);
            calls.push(call);
            ratios.push(call / commit);
        }
    }
    Ok(vec![
        Line {
            name: "time of a durable action, one at a time, compared with a bare commit".to_owned(),
            baseline: Some(rate(median(commits))),
            measured: rate(median(calls)),
            // At least 0.7 times the rate.
            target: Some(Target { value: median(ratios), at_most: Some(1.43) }),
        },
        Line {
            name: "server CPU per durable action".to_owned(),
            baseline: None,
            measured: format!("{:.1} µs", median(costs)),
            target: None,
        },
    ])
}

fn rate(micros: f64) -> String {
    format!("{micros:.0} µs ({:.0}/s)", 1e6 / micros)
}
