//! Compares a click and its reply with an echo of the same bytes.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;
use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::load::{self, Session};
use crate::process::{self, Server};
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

const CONNECTIONS: usize = 64;

/// The message of a click, which is also sent to the echo.
const CLICK: &str =
    r#"{"v":1,"type":"COMPONENT_ACTION","ref":1234,"componentId":"c1","action":"increment","payload":[1]}"#;

/// Measures the server's CPU time of a round trip, with many concurrent connections.
pub(super) async fn concurrent(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, trips) = (precision.pick(7, 3), precision.pick(1_500, 300));
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
            name: format!("server CPU per round trip, {CONNECTIONS} connections"),
            baseline: Some(format!("{:.2} µs", median(echo_costs))),
            measured: format!("{:.2} µs", median(vivaz_costs)),
            target: Some(Target { value: median(ratios), at_most: Some(2.5) }),
        },
        Line {
            name: "load generator CPU per round trip (share of one core)".to_owned(),
            baseline: None,
            measured: format!("{load:.2} µs ({:.0} %)", busy * 100.0),
            target: None,
        },
    ])
}

/// Measures the latency of sequential round trips on one connection, and the size of a click.
pub(super) async fn sequential(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, trips) = (precision.pick(7, 3), precision.pick(4_000, 500));
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
        // Alternating, so that other load of the machine affects both equally.
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
        name: format!("{name} of sequential round trips"),
        baseline: Some(format!("{:.1} µs", median(echoes))),
        measured: format!("{:.1} µs", median(clicks)),
        target: Some(Target { value: median(ratios), at_most }),
    };
    let size = |direction: &str, bytes: usize, most: f64| Line {
        name: format!("bytes {direction} for the 500th click"),
        baseline: None,
        measured: format!("{bytes} B"),
        target: Some(Target { value: bytes as f64, at_most: Some(most) }),
    };
    Ok(vec![
        latency("p50", halves, Some(1.5)),
        latency("p99", tails, None),
        size("sent", bytes.up, 100.0),
        size("received", bytes.down, 95.0),
    ])
}

fn percentile(times: &mut [Duration], per_mille: usize) -> anyhow::Result<f64> {
    times.sort_unstable();
    let time = times.get(times.len() * per_mille / 1000).context("no round trip was measured")?;
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
