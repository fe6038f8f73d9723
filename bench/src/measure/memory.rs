//! Measures the memory of thousands of idle sessions.

use std::time::Duration;

use anyhow::ensure;
use vivaz_protocol::ComponentId;

use super::Precision;
use crate::echo::{LARGE_BYTES, LARGE_REQUEST};
use crate::load::Session;
use crate::process::Server;
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

/// The number of connections before the measurement. They load all code and fill all pools, so that
/// later growth belongs to connections alone.
const WARM_UP: usize = 200;

/// Measures the resident memory for each session: with one counter, with three counters, and after
/// a large snapshot.
pub(super) async fn idle(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let count = precision.pick(5_000, 1_000);
    let echo = echoes(count, Traffic::None).await?;
    let one = sessions(count, &["counter"], Traffic::None).await?;
    let three = sessions(count, &["counter", "counter", "counter"], Traffic::None).await?;
    let echo_big = echoes(count, Traffic::Snapshot).await?;
    let one_big = sessions(count, &["counter"], Traffic::Snapshot).await?;
    let line = |what: &str, baseline: f64, measured: f64, at_most: Option<f64>| Line {
        name: format!("resident bytes per session, {count} idle, {what}"),
        baseline: Some(format!("{baseline:.0} B")),
        measured: format!("{measured:.0} B"),
        target: Some(Target { value: measured / baseline, at_most }),
    };
    Ok(vec![
        line("one counter", echo, one, Some(1.5)),
        line("three counters", echo, three, None),
        line("after 64 KiB to each", echo_big, one_big, None),
    ])
}

#[derive(Clone, Copy)]
enum Traffic {
    None,
    Snapshot,
}

async fn echoes(count: usize, traffic: Traffic) -> anyhow::Result<f64> {
    let server = Server::start("serve-echo")?;
    let open = async |_: usize| {
        let mut socket = Socket::connect(server.address, Subprotocol::None).await?;
        crate::load::echo(&mut socket, "hello").await?;
        if let Traffic::Snapshot = traffic {
            socket.send(LARGE_REQUEST).await?;
            ensure!(
                socket.next().await?.len() == LARGE_BYTES,
                "the large reply of the echo has the wrong size"
            );
        }
        socket.shrink();
        anyhow::Ok(socket)
    };
    grown(&server, count, open).await
}

async fn sessions(count: usize, components: &[&str], traffic: Traffic) -> anyhow::Result<f64> {
    let server = Server::start("serve-vivaz")?;
    let open = async |_: usize| {
        let mut session = Session::open(server.address).await?;
        for (at, component) in components.iter().enumerate() {
            session.mount(&ComponentId::new(&format!("c{at}"))?, component).await?;
        }
        if let Traffic::Snapshot = traffic {
            // Mounts a component that shows a large topic, and unmounts it after the snapshot.
            let id = ComponentId::new("large")?;
            session.mount(&id, "large").await?;
            session.unmount(&id).await?;
        }
        session.socket.shrink();
        anyhow::Ok(session)
    };
    grown(&server, count, open).await
}

/// Returns the growth of the server's memory, in bytes for each of `count` open connections.
pub(super) async fn grown<C>(
    server: &Server,
    count: usize,
    open: impl AsyncFn(usize) -> anyhow::Result<C>,
) -> anyhow::Result<f64> {
    let mut warm = Vec::new();
    for at in 0..WARM_UP {
        warm.push(open(at).await?);
    }
    let before = settled(server).await?;
    let mut open_ones = Vec::with_capacity(count);
    for at in 0..count {
        open_ones.push(open(at).await?);
    }
    let after = settled(server).await?;
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

/// Returns the resident memory of a server after a pause in which it finishes its work.
pub(super) async fn settled(server: &Server) -> anyhow::Result<u64> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.resident()
}
