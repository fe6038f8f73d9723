//! The metrics as text that Prometheus reads (exposition format 0.0.4).

use std::fmt::Write;

use super::counters::Counters;
use super::instrument::{ClassCounts, Descriptor, InstrumentKind, LabelPairs, Sample};

/// The content type of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes all metrics.
pub(crate) fn write_metrics(counters: &Counters) -> String {
    let mut out = String::new();
    for family in counters.families() {
        let Descriptor { kind, help, .. } = family.descriptor;
        let name = metric_name(family.descriptor);
        let kind = match kind {
            InstrumentKind::Counter => "counter",
            InstrumentKind::Gauge => "gauge",
            InstrumentKind::Histogram => "histogram",
        };
        line(&mut out, format_args!("# HELP {name} {}", help.trim()));
        line(&mut out, format_args!("# TYPE {name} {kind}"));
        for (labels, sample) in &family.series {
            match sample {
                Sample::Number(number) => {
                    line(&mut out, format_args!("{name}{} {number}", label_text(labels, None)));
                }
                // Most actions are never called, and most operations never fail.
                Sample::Classes(classes) if classes.count() == 0 && !labels.is_empty() => {}
                Sample::Classes(classes) => write_classes(&mut out, &name, labels, classes),
            }
        }
    }
    out
}

fn write_classes(out: &mut String, name: &str, labels: &LabelPairs, classes: &ClassCounts) {
    let mut total = 0;
    for (bound, count) in classes.classes() {
        total += count;
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
        line(out, format_args!("{name}_bucket{} {total}", label_text(labels, Some(&bound))));
    }
    let labels = label_text(labels, None);
    line(out, format_args!("{name}_sum{labels} {}", classes.total()));
    line(out, format_args!("{name}_count{labels} {total}"));
}

/// Returns the name of a metric in Prometheus: with underscores, the unit, and `_total` for a
/// counter, as the OpenTelemetry specification translates names.
pub(super) fn metric_name(descriptor: &Descriptor) -> String {
    let mut name = descriptor.name.replace('.', "_");
    match descriptor.unit {
        "s" => name.push_str("_seconds"),
        "By" => name.push_str("_bytes"),
        _ => {}
    }
    if descriptor.kind == InstrumentKind::Counter {
        name.push_str("_total");
    }
    name
}

fn label_text(labels: &LabelPairs, bound: Option<&str>) -> String {
    let labels = labels.iter().map(|(name, value)| (name.replace('.', "_"), *value));
    let bound = bound.map(|bound| ("le".to_owned(), bound));
    let pairs: Vec<String> =
        labels.chain(bound).map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}
