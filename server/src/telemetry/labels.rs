//! Metrics with labels: one instrument for each combination of values. The combinations are known
//! when the runtime is built, so that no client can create one.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

use std::marker::PhantomData;

use vivaz_components::spec::Spec;
use vivaz_protocol::ErrorCode;

use super::instrument::{Descriptor, Instrument, InstrumentKind, LabelPairs, Sample};

/// A metric: an instrument, or one for each value of its labels.
pub(crate) trait Metric: Sized {
    const KIND: InstrumentKind;
    const LABELS: &'static [&'static str];

    /// Creates the instruments. `components` are those of the application.
    fn create(descriptor: &Descriptor, components: &[&'static Spec]) -> Self;
    /// Reads all instruments.
    fn samples(&self) -> Vec<(LabelPairs, Sample)>;
}

impl<I: Instrument> Metric for I {
    const KIND: InstrumentKind = I::KIND;
    const LABELS: &'static [&'static str] = &[];

    fn create(descriptor: &Descriptor, _: &[&'static Spec]) -> Self {
        I::create(descriptor, &Vec::new())
    }

    fn samples(&self) -> Vec<(LabelPairs, Sample)> {
        vec![(Vec::new(), self.sample())]
    }
}

/// The values of one or more labels, all of which are known to the compiler.
pub(crate) trait LabelSet: Copy + PartialEq + 'static {
    const NAMES: &'static [&'static str];

    /// Returns all values.
    fn all() -> Vec<Self>;
    /// Returns the position in [`all`](Self::all).
    fn position(self) -> usize;
    /// Returns the value of each label.
    fn values(self) -> Vec<&'static str>;
}

/// Declares an enum with the words of a label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident = $label:literal { $($(#[$value_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$value_doc])* $variant,)*
        }

        impl $name {
            /// Returns the word.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl $crate::telemetry::labels::LabelSet for $name {
            const NAMES: &'static [&'static str] = &[$label];

            fn all() -> Vec<Self> {
                vec![$(Self::$variant,)*]
            }

            fn position(self) -> usize {
                self as usize
            }

            fn values(self) -> Vec<&'static str> {
                vec![self.as_str()]
            }
        }
    };
}
pub(crate) use label;

impl LabelSet for ErrorCode {
    const NAMES: &'static [&'static str] = &["error.type"];

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn position(self) -> usize {
        self as usize
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.as_str()]
    }
}

/// An instrument for each value of a set of labels.
#[derive(Debug)]
pub(crate) struct Labelled<L, I> {
    instruments: Box<[I]>,
    labels: PhantomData<fn(L)>,
}

impl<L: LabelSet, I> Labelled<L, I> {
    /// Returns the instrument of a value.
    pub(crate) fn of(&self, value: L) -> &I {
        #[expect(clippy::indexing_slicing, reason = "`create` makes one for each value, in their order")]
        &self.instruments[value.position()]
    }
}

impl<L: LabelSet, I: Instrument> Metric for Labelled<L, I> {
    const KIND: InstrumentKind = I::KIND;
    const LABELS: &'static [&'static str] = L::NAMES;

    fn create(descriptor: &Descriptor, _: &[&'static Spec]) -> Self {
        let instruments = L::all().into_iter().map(|value| I::create(descriptor, &pairs(value))).collect();
        Self { instruments, labels: PhantomData }
    }

    fn samples(&self) -> Vec<(LabelPairs, Sample)> {
        L::all().into_iter().map(|value| (pairs(value), self.of(value).sample())).collect()
    }
}

fn pairs<L: LabelSet>(value: L) -> LabelPairs {
    L::NAMES.iter().copied().zip(value.values()).collect()
}
