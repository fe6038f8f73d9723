//! Compares joins (upgrade, `HELLO`, mount) with the bare handshake of the baseline.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::load::{Page, Session};
use crate::process::Server;
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

/// The number of connections that are opened at a time, so that the server does not sleep between
/// them.
const CONCURRENT: usize = 64;

/// Measures the server's CPU time for each join: of an open component, by seal as pages do, and of
/// a topic with 1,000 rows.
pub(super) async fn compared(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let count = precision.pick(2_000, 200);
    let plain = Server::start("serve-echo")?;
    let live = Server::start("serve-vivaz")?;
    let page = Page::load(live.address).await?;
    let bare = async |address| Socket::connect(address, Subprotocol::None).await;
    let sealed = async |address| Session::open_page(address, &page).await;
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..precision.pick(9, 3) {
        let turn = [
            cpu(&plain, count, bare, async |_| Ok(())).await?,
            cpu(&live, count, async |address| open(address, "counter").await, Session::leave).await?,
            cpu(&live, count, sealed, Session::leave).await?,
            cpu(&live, count, async |address| open(address, "table").await, Session::leave).await?,
        ];
        for (times, time) in times.iter_mut().zip(turn) {
            times.push(time);
        }
    }
    let [plain, open, sealed, table] = times;
    let line = |what: &str, times: &[f64], at_most| {
        let ratios = times.iter().zip(&plain).map(|(time, plain)| time / plain).collect();
        Line {
            name: format!("server CPU per join, {what}"),
            baseline: Some(format!("{:.1} µs", median(plain.clone()))),
            measured: format!("{:.1} µs", median(times.to_vec())),
            target: Some(Target { value: median(ratios), at_most }),
        }
    };
    Ok(vec![
        line("open component, compared with a handshake", &open, None),
        // 20,000 a second where the handshake makes 37,000.
        line("by seal, compared with a handshake", &sealed, Some(1.85)),
        line("topic of 1,000 rows, compared with a handshake", &table, None),
    ])
}

async fn open(address: SocketAddr, component: &str) -> anyhow::Result<Session> {
    let mut session = Session::open(address).await?;
    session.mount(&ComponentId::new("c1")?, component).await?;
    Ok(session)
}

/// Returns the CPU time of each connection in µs. The connections are closed afterwards, which is
/// not measured. Sessions end with them, so that each turn reuses memory, as the baseline does.
async fn cpu<C>(
    server: &Server,
    count: usize,
    open: impl AsyncFn(SocketAddr) -> anyhow::Result<C>,
    close: impl AsyncFn(C) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let before = server.cpu()?;
    let opening = futures_util::stream::iter(0..count).map(|_| open(server.address));
    let connections: Vec<C> = opening.buffer_unordered(CONCURRENT).try_collect().await?;
    let time = server.cpu()? - before;
    for connection in connections {
        close(connection).await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(micros(time) / count as f64)
}
