//! The measurements, each against servers of its own.

mod appends;
mod memory;
mod round_trips;

use std::time::Duration;

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

/// Measures everything and prints the report.
pub(crate) async fn all(effort: Effort) -> anyhow::Result<()> {
    let mut lines = round_trips::together(effort).await?;
    lines.extend(round_trips::one_by_one(effort).await?);
    lines.extend(memory::idle(effort).await?);
    lines.extend(appends::to_long_and_short(effort).await?);
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
