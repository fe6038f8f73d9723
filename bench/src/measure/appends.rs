//! An append to a long list against one to a short list.

use std::time::Duration;

use vivaz_protocol::ComponentId;

use super::{Effort, median, micros};
use crate::load::{Bytes, Session};
use crate::process::Server;
use crate::report::{Aim, Line};

const SHORT: usize = 10;
const LONG: usize = 100_000;

/// Short lists, so many that none of them grows long by being appended to.
const SHORT_LISTS: usize = 50;

/// Server CPU of one append, and its bytes.
pub(super) async fn to_long_and_short(effort: Effort) -> anyhow::Result<Vec<Line>> {
    let (rounds, batches, each) = (effort.pick(7, 3), effort.pick(4, 1), 100);
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
