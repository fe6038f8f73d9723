//! Compares an append to a long list with an append to a short list.

use std::time::Duration;

use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::load::{Bytes, Session};
use crate::process::Server;
use crate::report::{Line, Target};

const SHORT: usize = 10;
const LONG: usize = 100_000;

/// The number of short lists. The appends are spread over them, so that all of them stay short.
const SHORT_LISTS: usize = 50;

/// Measures the server's CPU time of one append, and its size in bytes.
pub(super) async fn short_and_long(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, batches, each) = (precision.pick(7, 3), precision.pick(4, 1), 100);
    let server = Server::start("serve-vivaz")?;
    let mut short = Vec::new();
    for _ in 0..SHORT_LISTS {
        short.push(rows(&server, SHORT).await?);
    }
    let mut long = rows(&server, LONG).await?;
    let (mut short_costs, mut long_costs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = Bytes { up: 0, down: 0 };
    let id = ComponentId::new("r1")?;
    let appends = (batches * SHORT_LISTS * each) as f64;
    for _ in 0..rounds {
        let (mut of_short, mut of_long) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..batches {
            for session in &mut short {
                session.call(&id, "create", &format!("[{SHORT}]")).await?;
            }
            let before = server.cpu()?;
            for session in &mut short {
                for _ in 0..each {
                    session.call(&id, "append", "[1]").await?;
                }
            }
            of_short += server.cpu()? - before;
            let before = server.cpu()?;
            for _ in 0..SHORT_LISTS * each {
                bytes = long.call(&id, "append", "[1]").await?;
            }
            of_long += server.cpu()? - before;
        }
        long.call(&id, "create", &format!("[{LONG}]")).await?;
        short_costs.push(micros(of_short) / appends);
        long_costs.push(micros(of_long) / appends);
        ratios.push(micros(of_long) / micros(of_short));
    }
    Ok(vec![
        Line {
            name: format!("server CPU per append, list of {SHORT} compared with one of {LONG}"),
            baseline: Some(format!("{:.1} µs", median(short_costs))),
            measured: format!("{:.1} µs", median(long_costs)),
            target: Some(Target { value: median(ratios), at_most: Some(2.0) }),
        },
        Line {
            name: format!("bytes received for an append to a list of {LONG}"),
            baseline: None,
            measured: format!("{} B", bytes.down),
            target: None,
        },
    ])
}

async fn rows(server: &Server, count: usize) -> anyhow::Result<Session> {
    let mut session = Session::open(server.address).await?;
    let id = ComponentId::new("r1")?;
    session.mount(&id, "rows").await?;
    session.call(&id, "create", &format!("[{count}]")).await?;
    Ok(session)
}
