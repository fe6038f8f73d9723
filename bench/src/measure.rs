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

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::report::{self, Line};

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

/// Runs a measurement.
type Measure = fn(Precision) -> LocalBoxFuture<'static, anyhow::Result<Vec<Line>>>;

/// All measurements with their names, in the order in which they run.
const ALL: [(&str, Measure); 13] = [
    ("round-trips", |precision| round_trips::concurrent(precision).boxed_local()),
    ("latency", |precision| round_trips::sequential(precision).boxed_local()),
    ("memory", |precision| memory::idle(precision).boxed_local()),
    ("appends", |precision| appends::short_and_long(precision).boxed_local()),
    ("lists", |precision| lists::all(precision).boxed_local()),
    ("deliveries", |precision| deliveries::topic(precision).boxed_local()),
    ("pages", |precision| paints::pages(precision).boxed_local()),
    ("mounts", |precision| paints::mounts(precision).boxed_local()),
    ("joins", |precision| joins::compared(precision).boxed_local()),
    ("viewers", |precision| viewers::memory(precision).boxed_local()),
    ("suspended", |precision| suspended::beside(precision).boxed_local()),
    ("durable", |precision| durable::sequential(precision).boxed_local()),
    ("sizes", |_| sizes::changes().boxed_local()),
];

/// Returns the names of all measurements.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Runs the named measurements, or all without a name, and prints the report.
pub(crate) async fn run(precision: Precision, names: &[String]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for (name, measure) in ALL {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            lines.extend(measure(precision).await?);
        }
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
