//! A click and its answer, against the same bytes sent back.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;
use vivaz_protocol::ComponentId;

use super::{Effort, median, micros};
use crate::load::{self, Session};
use crate::process::{self, Server};
use crate::report::{Aim, Line};
use crate::socket::{Socket, Subprotocol};

const CONNECTIONS: usize = 64;

/// What a click looks like on the wire; the echo gets this.
const CLICK: &str =
    r#"{"v":1,"type":"COMPONENT_ACTION","ref":1234,"componentId":"c1","action":"increment","payload":[1]}"#;

/// Server CPU a round trip with many connections at once.
pub(super) async fn together(effort: Effort) -> anyhow::Result<Vec<Line>> {
    let (rounds, trips) = (effort.pick(7, 3), effort.pick(1_500, 300));
    let echo = Server::start("serve-echo")?;
    let vivaz = Server::start("serve-vivaz")?;
    let mut sockets = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..CONNECTIONS {
        sockets.push(Socket::connect(echo.address, Subprotocol::None).await?);
        sessions.push(counter(&vivaz).await?);
    }
    sockets = echo_all(sockets, 200).await?;
    sessions = click_all(sessions, 200).await?;
    let total = (CONNECTIONS * trips) as f64;
    let (mut echo_costs, mut vivaz_costs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (load_before, started) = (process::own_cpu()?, Instant::now());
    for _ in 0..rounds {
        let before = echo.cpu()?;
        sockets = echo_all(sockets, trips).await?;
        let echo_cost = micros(echo.cpu()? - before) / total;
        let before = vivaz.cpu()?;
        sessions = click_all(sessions, trips).await?;
        let vivaz_cost = micros(vivaz.cpu()? - before) / total;
        echo_costs.push(echo_cost);
        vivaz_costs.push(vivaz_cost);
        ratios.push(vivaz_cost / echo_cost);
    }
    let load = micros(process::own_cpu()? - load_before) / (2.0 * rounds as f64 * total);
    let busy = (process::own_cpu()? - load_before).as_secs_f64() / started.elapsed().as_secs_f64();
    Ok(vec![
        Line {
            what: format!("server CPU a round trip, {CONNECTIONS} connections"),
            yardstick: Some(format!("{:.2} µs", median(echo_costs))),
            measured: format!("{:.2} µs", median(vivaz_costs)),
            aim: Some(Aim { value: median(ratios), at_most: Some(2.5) }),
        },
        Line {
            what: "of the load itself, a round trip (share of one core)".to_owned(),
            yardstick: None,
            measured: format!("{load:.2} µs ({:.0} %)", busy * 100.0),
            aim: None,
        },
    ])
}

/// Latency of one round trip after the other on one connection, and the size of a click.
pub(super) async fn one_by_one(effort: Effort) -> anyhow::Result<Vec<Line>> {
    let (rounds, trips) = (effort.pick(7, 3), effort.pick(4_000, 500));
    let echo = Server::start("serve-echo")?;
    let vivaz = Server::start("serve-vivaz")?;
    let mut socket = Socket::connect(echo.address, Subprotocol::None).await?;
    let mut session = counter(&vivaz).await?;
    let id = ComponentId::new("c1")?;
    let mut bytes = session.call(&id, "increment", "[1]").await?;
    for _ in 0..500 {
        load::echo(&mut socket, CLICK).await?;
        bytes = session.call(&id, "increment", "[1]").await?;
    }
    let mut halves = (Vec::new(), Vec::new(), Vec::new());
    let mut tails = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut echoes = Vec::with_capacity(trips);
        let mut clicks = Vec::with_capacity(trips);
        // By turns, so that whatever else the machine does falls on both.
        for _ in 0..trips {
            let started = Instant::now();
            load::echo(&mut socket, CLICK).await?;
            echoes.push(started.elapsed());
            let started = Instant::now();
            session.call(&id, "increment", "[1]").await?;
            clicks.push(started.elapsed());
        }
        for (per_mille, (of_echo, of_click, ratios)) in [(500, &mut halves), (990, &mut tails)] {
            let (echo, click) = (percentile(&mut echoes, per_mille)?, percentile(&mut clicks, per_mille)?);
            of_echo.push(echo);
            of_click.push(click);
            ratios.push(click / echo);
        }
    }
    let latency = |name: &str, (echoes, clicks, ratios), at_most: Option<f64>| Line {
        what: format!("{name} of sequential round trips"),
        yardstick: Some(format!("{:.1} µs", median(echoes))),
        measured: format!("{:.1} µs", median(clicks)),
        aim: Some(Aim { value: median(ratios), at_most }),
    };
    let size = |direction: &str, bytes: usize, most: f64| Line {
        what: format!("bytes of the 500th click, {direction}"),
        yardstick: None,
        measured: format!("{bytes} B"),
        aim: Some(Aim { value: bytes as f64, at_most: Some(most) }),
    };
    Ok(vec![
        latency("p50", halves, Some(1.5)),
        latency("p99", tails, None),
        size("up", bytes.up, 100.0),
        size("down", bytes.down, 95.0),
    ])
}

fn percentile(times: &mut [Duration], per_mille: usize) -> anyhow::Result<f64> {
    times.sort_unstable();
    let time = times.get(times.len() * per_mille / 1000).context("nothing was measured")?;
    Ok(micros(*time))
}

async fn counter(server: &Server) -> anyhow::Result<Session> {
    let mut session = Session::open(server.address).await?;
    session.mount(&ComponentId::new("c1")?, "counter").await?;
    Ok(session)
}

async fn echo_all(sockets: Vec<Socket>, trips: usize) -> anyhow::Result<Vec<Socket>> {
    let mut tasks = JoinSet::new();
    for mut socket in sockets {
        tasks.spawn(async move {
            for _ in 0..trips {
                load::echo(&mut socket, CLICK).await?;
            }
            anyhow::Ok(socket)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

async fn click_all(sessions: Vec<Session>, trips: usize) -> anyhow::Result<Vec<Session>> {
    let mut tasks = JoinSet::new();
    for mut session in sessions {
        tasks.spawn(async move {
            let id = ComponentId::new("c1")?;
            for _ in 0..trips {
                session.call(&id, "increment", "[1]").await?;
            }
            anyhow::Ok(session)
        });
    }
    tasks.join_all().await.into_iter().collect()
}
