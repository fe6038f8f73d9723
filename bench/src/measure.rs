//! The measurements, each against servers of its own.

mod appends;
mod deliveries;
mod memory;
mod round_trips;

use std::time::Duration;

use anyhow::bail;

use crate::report;

/// How long to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Long enough for figures that can be compared.
    Full,
    /// Long enough to see whether it works.
    Quick,
}

impl Effort {
    const fn pick<T: Copy>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// What can be measured, by the names to ask for it.
pub(crate) const NAMES: [&str; 5] = ["round-trips", "latency", "memory", "appends", "deliveries"];

/// Measures what is named, or everything, and prints the report.
pub(crate) async fn run(effort: Effort, names: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        bail!("`{unknown}` is not one of {NAMES:?}");
    }
    let wanted = |name| names.is_empty() || names.contains(&name);
    let mut lines = Vec::new();
    if wanted("round-trips") {
        lines.extend(round_trips::together(effort).await?);
    }
    if wanted("latency") {
        lines.extend(round_trips::one_by_one(effort).await?);
    }
    if wanted("memory") {
        lines.extend(memory::idle(effort).await?);
    }
    if wanted("appends") {
        lines.extend(appends::to_long_and_short(effort).await?);
    }
    if wanted("deliveries") {
        lines.extend(deliveries::of_a_topic(effort).await?);
    }
    report::print(&lines)
}

/// The middle one; of an even number the upper.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
