//! Declares metrics.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

/// A metric with its current values.
pub(crate) struct MetricFamily {
    pub(crate) descriptor: &'static super::instrument::Descriptor,
    /// The labels and the value of each instrument.
    pub(crate) series: Vec<(super::instrument::LabelPairs, super::instrument::Sample)>,
}

/// Declares a struct of metrics: `field: Type = "name", "unit";`, with a sentence as documentation.
macro_rules! declare_metrics {
    ($(#[doc = $struct_doc:literal])+ $name:ident {
        $($(#[doc = $help:literal])+ $field:ident: $kind:ty = $metric:literal, $unit:literal;)*
    }) => {
        $(#[doc = $struct_doc])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[doc = $help])+ pub(crate) $field: $kind,)*
        }

        impl $name {
            /// The metrics, in the order of their declaration.
            const DESCRIPTORS: &'static [$crate::telemetry::instrument::Descriptor] =
                &[$($crate::telemetry::instrument::Descriptor {
                    name: $metric,
                    kind: <$kind as $crate::telemetry::labels::Metric>::KIND,
                    unit: $unit,
                    labels: <$kind as $crate::telemetry::labels::Metric>::LABELS,
                    help: concat!($($help),+),
                },)*];

            /// Creates the metrics of an application with these components.
            fn declared(components: &[&'static vivaz_components::spec::Spec]) -> Self {
                let mut descriptors = Self::DESCRIPTORS.iter();
                Self {
                    $($field: {
                        #[allow(clippy::expect_used, reason = "the list has each field")]
                        let descriptor = descriptors.next().expect("a descriptor for each field");
                        <$kind as $crate::telemetry::labels::Metric>::create(descriptor, components)
                    },)*
                }
            }

            /// Reads the metrics, in the order of their declaration.
            pub(super) fn families(&self) -> Vec<$crate::telemetry::declare::MetricFamily> {
                let series = vec![$($crate::telemetry::labels::Metric::samples(&self.$field),)*];
                Self::DESCRIPTORS
                    .iter()
                    .zip(series)
                    .map(|(descriptor, series)| $crate::telemetry::declare::MetricFamily { descriptor, series })
                    .collect()
            }
        }
    };
}
pub(super) use declare_metrics;
