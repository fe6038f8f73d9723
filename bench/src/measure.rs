//! The measurements. Each one starts its own servers.

mod appends;
mod deliveries;
mod durable;
mod joins;
mod lists;
mod memory;
mod paints;
mod round_trips;
mod sizes;
mod suspended;
mod viewers;

use std::time::Duration;

use crate::report;

/// The precision of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Enough repetitions for comparable figures.
    Full,
    /// Few repetitions, to check that the measurements work.
    Quick,
}

impl Precision {
    const fn pick<T: Copy>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// The names of all measurements.
pub(crate) const NAMES: [&str; 13] = [
    "round-trips",
    "latency",
    "memory",
    "appends",
    "lists",
    "deliveries",
    "pages",
    "mounts",
    "joins",
    "viewers",
    "suspended",
    "durable",
    "sizes",
];

/// Runs the named measurements, or all without a name, and prints the report.
pub(crate) async fn run(precision: Precision, names: &[String]) -> anyhow::Result<()> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut lines = Vec::new();
    if wanted("round-trips") {
        lines.extend(round_trips::concurrent(precision).await?);
    }
    if wanted("latency") {
        lines.extend(round_trips::sequential(precision).await?);
    }
    if wanted("memory") {
        lines.extend(memory::idle(precision).await?);
    }
    if wanted("appends") {
        lines.extend(appends::short_and_long(precision).await?);
    }
    if wanted("lists") {
        lines.extend(lists::memory(precision).await?);
        lines.extend(lists::swaps(precision).await?);
        lines.extend(lists::removals(precision).await?);
    }
    if wanted("deliveries") {
        lines.extend(deliveries::topic(precision).await?);
    }
    if wanted("pages") {
        lines.extend(paints::pages(precision).await?);
    }
    if wanted("mounts") {
        lines.extend(paints::mounts(precision).await?);
    }
    if wanted("joins") {
        lines.extend(joins::compared(precision).await?);
    }
    if wanted("viewers") {
        lines.extend(viewers::memory(precision).await?);
    }
    if wanted("suspended") {
        lines.extend(suspended::beside(precision).await?);
    }
    if wanted("durable") {
        lines.extend(durable::sequential(precision).await?);
    }
    if wanted("sizes") {
        lines.extend(sizes::changes().await?);
    }
    report::print(&lines)
}

/// Returns the median; of an even number of values the upper of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
