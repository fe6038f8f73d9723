//! Compares a viewer's own `List` with a `Vec`, and changes inside a long list with appends.

use vivaz_protocol::ComponentId;

use super::memory::grown;
use super::{Precision, median, micros};
use crate::live::ROWS;
use crate::load::Session;
use crate::process::Server;
use crate::report::{Line, Target};

/// The length of the list in which rows are swapped.
const SWAPPED: u64 = 100_000;

/// The length of the list from which rows are removed.
const SHRUNK: u64 = 60_000;

/// The step between pseudorandom positions. It is coprime to the length of each list, so all
/// positions are visited once.
const STRIDE: u64 = 7_919;

/// Runs all measurements of lists.
pub(super) async fn all(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let mut lines = memory(precision).await?;
    lines.extend(swaps(precision).await?);
    lines.extend(removals(precision).await?);
    Ok(lines)
}

/// Measures the resident memory of a viewer with rows of its own.
async fn memory(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let count = precision.pick(1_000, 300);
    let mut lines = Vec::new();
    for (what, is_changed) in [("mounted", false), ("after 3 changes", true)] {
        let plain = viewers(count, "plain", is_changed).await?;
        let listed = viewers(count, "listed", is_changed).await?;
        lines.push(Line {
            name: format!(
                "resident kB per viewer with {ROWS} rows of its own, {what}: in a `Vec`, in a `List`"
            ),
            baseline: Some(format!("{plain:.1} kB")),
            measured: format!("{listed:.1} kB"),
            target: Some(Target { value: listed, at_most: Some(100.0) }),
        });
    }
    Ok(lines)
}

async fn viewers(count: usize, component: &str, is_changed: bool) -> anyhow::Result<f64> {
    let server = Server::start("serve-vivaz")?;
    let open = async |_: usize| {
        let mut session = Session::open(server.address).await?;
        let id = ComponentId::new("l1")?;
        session.mount(&id, component).await?;
        if is_changed {
            for row in [ROWS, ROWS / 2, 1] {
                session.call(&id, "rename", &format!("[{row}]")).await?;
            }
        }
        session.socket.shrink();
        anyhow::Ok(session)
    };
    Ok(grown(&server, count, open).await? / 1_000.0)
}

/// Measures the server's CPU time to swap two distant rows of a long list, compared with an append.
async fn swaps(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let each = precision.pick(4_000, 1_000);
    let server = Server::start("serve-vivaz")?;
    let mut list = Rows::create(&server, SWAPPED).await?;
    let (mut appends, mut swaps, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..precision.pick(7, 3) {
        let before = server.cpu()?;
        for _ in 0..each {
            list.call("append", "[1]").await?;
        }
        let of_appends = server.cpu()? - before;
        let before = server.cpu()?;
        for _ in 0..each {
            let (one, other) = (list.next_position(SWAPPED), list.next_position(SWAPPED));
            list.call("swap", &format!("[{one},{other}]")).await?;
        }
        let of_swaps = server.cpu()? - before;
        appends.push(micros(of_appends) / each as f64);
        swaps.push(micros(of_swaps) / each as f64);
        ratios.push(micros(of_swaps) / micros(of_appends));
    }
    Ok(vec![Line {
        name: format!("server CPU to swap two of {SWAPPED} rows, compared with an append"),
        baseline: Some(format!("{:.1} µs", median(appends))),
        measured: format!("{:.1} µs", median(swaps)),
        target: Some(Target { value: median(ratios), at_most: Some(2.0) }),
    }])
}

/// Measures the server's CPU time to remove a third of the rows, in the middle: the first quarter
/// of the removals compared with the last one. In a list in ascending order of the keys, and in one
/// in which rows were swapped.
async fn removals(precision: Precision) -> anyhow::Result<Vec<Line>> {
    let server = Server::start("serve-vivaz")?;
    let mut lines = Vec::new();
    for (what, swaps) in [("in order", 0), ("after 100 swaps", 100)] {
        let mut list = Rows::create(&server, SHRUNK).await?;
        for _ in 0..swaps {
            let (one, other) = (list.next_position(SHRUNK), list.next_position(SHRUNK));
            list.call("swap", &format!("[{one},{other}]")).await?;
        }
        // The first search may have to prepare.
        list.call("remove", &format!("[{SHRUNK}]")).await?;
        let quarter = precision.pick(5_000, 2_000);
        let mut costs = [0.0; 4];
        for cost in &mut costs {
            let before = server.cpu()?;
            for _ in 0..quarter {
                let id = list.next_position(SHRUNK);
                list.call("remove", &format!("[{id}]")).await?;
            }
            *cost = micros(server.cpu()? - before) / f64::from(quarter);
        }
        let [early, .., late] = costs;
        lines.push(Line {
            name: format!(
                "server CPU to remove one of {SHRUNK} rows, {what}: the first {quarter} of {}, the last",
                4 * quarter
            ),
            baseline: Some(format!("{early:.1} µs")),
            measured: format!("{late:.1} µs"),
            target: Some(Target { value: late / early, at_most: Some(1.2) }),
        });
    }
    Ok(lines)
}

/// A session with a list, and a sequence of positions in it.
struct Rows {
    session: Session,
    id: ComponentId,
    position: u64,
}

impl Rows {
    async fn create(server: &Server, count: u64) -> anyhow::Result<Self> {
        let mut session = Session::open(server.address).await?;
        let id = ComponentId::new("r1")?;
        session.mount(&id, "rows").await?;
        session.call(&id, "create", &format!("[{count}]")).await?;
        Ok(Self { session, id, position: count / 2 })
    }

    async fn call(&mut self, action: &str, arguments: &str) -> anyhow::Result<()> {
        self.session.call(&self.id, action, arguments).await?;
        Ok(())
    }

    fn next_position(&mut self, len: u64) -> u64 {
        self.position = (self.position + STRIDE) % len;
        self.position
    }
}
