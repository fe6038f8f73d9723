//! An append to a long list against one to a short list.

use vivaz_protocol::ComponentId;

use super::{Effort, median, micros};
use crate::load::{Bytes, Session};
use crate::process::Server;
use crate::report::{Aim, Line};

const SHORT: usize = 10;
const LONG: usize = 100_000;

/// Server CPU of one append, and its bytes.
pub(super) async fn to_long_and_short(effort: Effort) -> anyhow::Result<Vec<Line>> {
    let (rounds, appends) = (effort.pick(7, 3), effort.pick(5_000, 1_000));
    let server = Server::start("serve-vivaz")?;
    let mut short = rows(&server, SHORT).await?;
    let mut long = rows(&server, LONG).await?;
    let (mut short_costs, mut long_costs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = Bytes { up: 0, down: 0 };
    let id = ComponentId::new("r1")?;
    for _ in 0..rounds {
        // Emptied again each round, so that the short list stays short against the long one.
        short.call(&id, "create", &format!("[{SHORT}]")).await?;
        let before = server.cpu()?;
        for _ in 0..appends {
            short.call(&id, "append", "[1]").await?;
        }
        let short_cost = micros(server.cpu()? - before) / appends as f64;
        let before = server.cpu()?;
        for _ in 0..appends {
            bytes = long.call(&id, "append", "[1]").await?;
        }
        let long_cost = micros(server.cpu()? - before) / appends as f64;
        short_costs.push(short_cost);
        long_costs.push(long_cost);
        ratios.push(long_cost / short_cost);
    }
    Ok(vec![
        Line {
            what: format!("server CPU of an append, list of {SHORT} against one of {LONG}"),
            yardstick: Some(format!("{:.1} µs", median(short_costs))),
            measured: format!("{:.1} µs", median(long_costs)),
            aim: Some(Aim { value: median(ratios), at_most: Some(2.0) }),
        },
        Line {
            what: format!("bytes of an append to a list of {LONG}, down"),
            yardstick: None,
            measured: format!("{} B", bytes.down),
            aim: None,
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
