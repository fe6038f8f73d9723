//! Compares pages and mounts of 1,000 rows with handlers that are written by hand for these rows.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use vivaz_protocol::ComponentId;

use super::{Precision, median, micros};
use crate::http::Pages;
use crate::load::Session;
use crate::pages::{OWN, OWN_ROWS, SHARED, WRITTEN};
use crate::process::Server;
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

/// Measures the server's CPU time of a page with 1,000 rows: of a component, and of a topic.
pub(super) async fn pages(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, count) = (precision.pick(7, 3), precision.pick(3_000, 300));
    let (written, vivaz) = (Server::start("serve-written")?, Server::start("serve-vivaz")?);
    let mut by_hand = Pages::connect(written.address).await?;
    let mut painted = Pages::connect(vivaz.address).await?;
    let rows = list_of(by_hand.get(WRITTEN).await?)?.to_owned();
    let (mut hand_costs, mut own, mut shared) = (Vec::new(), Costs::default(), Costs::default());
    for _ in 0..rounds {
        let hand = cost(&written, &mut by_hand, WRITTEN, count).await?;
        for (path, costs) in [(OWN, &mut own), (SHARED, &mut shared)] {
            ensure!(list_of(painted.get(path).await?)? == rows, "{path} has other rows than {WRITTEN}");
            let cost = cost(&vivaz, &mut painted, path, count).await?;
            costs.micros.push(cost);
            costs.ratios.push(cost / hand);
        }
        hand_costs.push(hand);
    }
    let baseline = format!("{:.0} µs", median(hand_costs));
    let line = |what: &str, costs: Costs, at_most: f64| Line {
        name: format!("server CPU per first paint of 1,000 {what} rows"),
        baseline: Some(baseline.clone()),
        measured: format!("{:.0} µs", median(costs.micros)),
        target: Some(Target { value: median(costs.ratios), at_most: Some(at_most) }),
    };
    Ok(vec![line("own", own, 2.0), line("shared", shared, 1.0)])
}

/// Measures the server's CPU time of the mount of a component with 1,000 rows, compared with the
/// same rows as a JSON message.
pub(super) async fn mounts(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let (rounds, count) = (precision.pick(7, 3), precision.pick(500, 100));
    let (written, vivaz) = (Server::start("serve-written")?, Server::start("serve-vivaz")?);
    let mut socket = Socket::connect(written.address, Subprotocol::None).await?;
    let mut session = Session::open(vivaz.address).await?;
    let ids = (0..count).map(|at| ComponentId::new(&format!("rows{at}")));
    let ids: Vec<ComponentId> = ids.collect::<Result<_, _>>()?;
    let (mut hand_costs, mut mounts, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let before = written.cpu()?;
        for _ in &ids {
            socket.send("rows").await?;
            socket.next().await?;
        }
        let hand = each(written.cpu()? - before, count);
        let before = vivaz.cpu()?;
        for id in &ids {
            session.mount(id, OWN_ROWS).await?;
        }
        let mount = each(vivaz.cpu()? - before, count);
        for id in &ids {
            session.unmount(id).await?;
        }
        hand_costs.push(hand);
        mounts.push(mount);
        ratios.push(mount / hand);
    }
    // The first round allocates the memory of all components.
    let later = |mut costs: Vec<f64>| median(costs.split_off(1));
    let (mount, ratio) = (later(mounts), later(ratios));
    Ok(vec![Line {
        name: format!("µs of server CPU per mount of 1,000 own rows, {ratio:.2} times their JSON"),
        baseline: Some(format!("{:.0} µs", later(hand_costs))),
        measured: format!("{mount:.0} µs"),
        target: Some(Target { value: mount, at_most: Some(250.0) }),
    }])
}

/// The costs of a page: microseconds, and their ratios to the page that is written by hand.
#[derive(Default)]
struct Costs {
    micros: Vec<f64>,
    ratios: Vec<f64>,
}

/// Returns the server's CPU time of a page, in microseconds.
async fn cost(server: &Server, pages: &mut Pages, path: &str, count: u32) -> anyhow::Result<f64> {
    let before = server.cpu()?;
    for _ in 0..count {
        pages.get(path).await?;
    }
    Ok(each(server.cpu()? - before, count))
}

fn each(time: Duration, count: u32) -> f64 {
    micros(time) / f64::from(count)
}

/// Returns the element that contains the rows of a page.
fn list_of(html: &str) -> anyhow::Result<&str> {
    let (start, end) = html.find("<ol>").zip(html.find("</ol>")).context("the page has no rows")?;
    html.get(start..end).context("the page's rows end before they begin")
}
