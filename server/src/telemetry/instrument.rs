//! The three kinds of instruments: a count, a level and a distribution.
//!
//! An instrument holds its number, which [`Stats`](super::stats::Stats) and the Prometheus text
//! read. With the feature `metrics` it also passes each change to the recorder that was installed
//! when the runtime was built.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The number of classes of a distribution. The last one has no bound.
pub(super) const CLASSES: usize = 16;

/// The kind of an instrument, in the terms of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstrumentKind {
    /// A total that only grows.
    Counter,
    /// A current number.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// The description of a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    /// The name, in the style of OpenTelemetry's semantic conventions.
    pub(crate) name: &'static str,
    pub(crate) kind: InstrumentKind,
    /// The unit, in UCUM: `s`, `By`, or what is counted, in braces.
    pub(crate) unit: &'static str,
    /// The names of the labels.
    #[allow(dead_code, reason = "the test of the published table reads it")]
    pub(crate) labels: &'static [&'static str],
    /// One sentence.
    pub(crate) help: &'static str,
}

/// The labels of one instrument: names and values. Values are words of this program, never of a
/// client.
pub(crate) type LabelPairs = Vec<(&'static str, &'static str)>;

/// One instrument.
pub(crate) trait Instrument: Sized {
    const KIND: InstrumentKind;

    /// Creates the instrument of a metric with these labels.
    fn create(descriptor: &Descriptor, labels: &LabelPairs) -> Self;
    /// Reads the current value.
    fn sample(&self) -> Sample;
}

/// The value of an instrument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sample {
    /// The value of a count or a level.
    Number(u64),
    /// The values of a distribution.
    Classes(ClassCounts),
}

/// A total that only grows.
#[derive(Debug)]
pub(crate) struct Count {
    value: AtomicU64,
    #[cfg(feature = "metrics")]
    exported: metrics::Counter,
}

impl Count {
    pub(crate) fn add(&self) {
        self.add_many(1);
    }

    pub(crate) fn add_many(&self, count: u64) {
        self.value.fetch_add(count, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.exported.increment(count);
    }

    pub(crate) fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

impl Instrument for Count {
    const KIND: InstrumentKind = InstrumentKind::Counter;

    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing is exported"))]
    fn create(descriptor: &Descriptor, labels: &LabelPairs) -> Self {
        Self {
            value: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            exported: metrics::counter!(descriptor.name, labels),
        }
    }

    fn sample(&self) -> Sample {
        Sample::Number(self.get())
    }
}

/// A current number.
#[derive(Debug)]
pub(crate) struct Level {
    value: AtomicU64,
    #[cfg(feature = "metrics")]
    exported: metrics::Gauge,
}

impl Level {
    /// Adds one. Returns the number before.
    pub(crate) fn add(&self) -> u64 {
        #[cfg(feature = "metrics")]
        self.exported.increment(1.0);
        self.value.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn sub(&self) {
        self.value.fetch_sub(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.exported.decrement(1.0);
    }

    pub(crate) fn set(&self, value: usize) {
        self.value.store(value as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.exported.set(value as f64);
    }

    pub(crate) fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

impl Instrument for Level {
    const KIND: InstrumentKind = InstrumentKind::Gauge;

    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing is exported"))]
    fn create(descriptor: &Descriptor, labels: &LabelPairs) -> Self {
        Self {
            value: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            exported: metrics::gauge!(descriptor.name, labels),
        }
    }

    fn sample(&self) -> Sample {
        Sample::Number(self.get())
    }
}

/// The bounds of the classes of a unit.
#[derive(Debug)]
pub(super) struct ClassBounds {
    /// The upper bounds, in the unit in which values are recorded.
    upper: [u64; CLASSES - 1],
    /// How many recorded units are one exported unit.
    divisor: f64,
}

/// Recorded in nanoseconds, exported in seconds.
static TIME_BOUNDS: ClassBounds = ClassBounds {
    upper: [
        10_000,
        25_000,
        50_000,
        100_000,
        250_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        50_000_000,
        100_000_000,
        250_000_000,
        1_000_000_000,
        5_000_000_000,
    ],
    divisor: 1e9,
};

static BYTE_BOUNDS: ClassBounds = ClassBounds {
    upper: [
        64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144, 1_048_576,
        4_194_304,
    ],
    divisor: 1.0,
};

static NUMBER_BOUNDS: ClassBounds = ClassBounds {
    upper: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000],
    divisor: 1.0,
};

/// Recorded in nanoseconds, exported in seconds.
#[cfg(feature = "metrics")]
static LIFETIME_BOUNDS: ClassBounds = ClassBounds {
    upper: [
        1_000_000_000,
        5_000_000_000,
        10_000_000_000,
        30_000_000_000,
        60_000_000_000,
        120_000_000_000,
        300_000_000_000,
        600_000_000_000,
        1_800_000_000_000,
        3_600_000_000_000,
        7_200_000_000_000,
        14_400_000_000_000,
        43_200_000_000_000,
        86_400_000_000_000,
        604_800_000_000_000,
    ],
    divisor: 1e9,
};

/// A distribution of times, sizes or numbers.
#[derive(Debug)]
pub(crate) struct Distribution {
    bounds: &'static ClassBounds,
    classes: [AtomicU64; CLASSES],
    sum: AtomicU64,
    #[cfg(feature = "metrics")]
    exported: metrics::Histogram,
}

impl Distribution {
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing is exported"))]
    fn with_bounds(bounds: &'static ClassBounds, descriptor: &Descriptor, labels: &LabelPairs) -> Self {
        Self {
            bounds,
            classes: Default::default(),
            sum: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            exported: metrics::histogram!(descriptor.name, labels),
        }
    }

    /// Records a time, if the unit is `s`.
    pub(crate) fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Records a value in its own unit, times in nanoseconds.
    pub(crate) fn record(&self, value: u64) {
        let class = self.bounds.upper.iter().position(|bound| value <= *bound).unwrap_or(CLASSES - 1);
        if let Some(count) = self.classes.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.exported.record(value as f64 / self.bounds.divisor);
    }

    /// Reads the classes.
    pub(super) fn read(&self) -> ClassCounts {
        let counts = self.classes.each_ref().map(|count| count.load(Ordering::Relaxed));
        ClassCounts { bounds: self.bounds, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

impl Instrument for Distribution {
    const KIND: InstrumentKind = InstrumentKind::Histogram;

    fn create(descriptor: &Descriptor, labels: &LabelPairs) -> Self {
        let bounds = match descriptor.unit {
            "s" => &TIME_BOUNDS,
            "By" => &BYTE_BOUNDS,
            _ => &NUMBER_BOUNDS,
        };
        Self::with_bounds(bounds, descriptor, labels)
    }

    fn sample(&self) -> Sample {
        Sample::Classes(self.read())
    }
}

/// A distribution of times from seconds to days.
#[cfg(feature = "metrics")]
#[derive(Debug)]
pub(crate) struct Lifetimes(Distribution);

#[cfg(feature = "metrics")]
impl Lifetimes {
    pub(crate) fn record_time(&self, time: Duration) {
        self.0.record_time(time);
    }
}

#[cfg(feature = "metrics")]
impl Instrument for Lifetimes {
    const KIND: InstrumentKind = InstrumentKind::Histogram;

    fn create(descriptor: &Descriptor, labels: &LabelPairs) -> Self {
        Self(Distribution::with_bounds(&LIFETIME_BOUNDS, descriptor, labels))
    }

    fn sample(&self) -> Sample {
        self.0.sample()
    }
}

/// The counts of a distribution at one time.
#[derive(Clone, Debug)]
pub(crate) struct ClassCounts {
    bounds: &'static ClassBounds,
    pub(super) counts: [u64; CLASSES],
    /// The sum of all values, as recorded.
    pub(super) sum: u64,
}

impl ClassCounts {
    /// Returns the number of values.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the sum of the values, in the metric's unit.
    pub(crate) fn total(&self) -> f64 {
        self.sum as f64 / self.bounds.divisor
    }

    /// Returns the upper bound of each class, as recorded, with its count. The last one has no
    /// bound.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        self.bounds.upper.iter().copied().map(Some).chain([None]).zip(self.counts)
    }

    /// Returns the upper bound of each class, in the metric's unit, with its count.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (Option<f64>, u64)> {
        let divisor = self.bounds.divisor;
        self.recorded().map(move |(bound, count)| (bound.map(|bound| bound as f64 / divisor), count))
    }
}

impl PartialEq for ClassCounts {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.bounds, other.bounds) && self.counts == other.counts && self.sum == other.sum
    }
}

/// The time since its creation. It costs nothing without the feature `metrics`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    /// The real time, also where tests pause the executor's clock.
    #[cfg(feature = "metrics")]
    started: std::time::Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            started: std::time::Instant::now(),
        }
    }

    #[cfg(feature = "metrics")]
    pub(super) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }
}
