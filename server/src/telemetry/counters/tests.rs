//! The published names are those of the metrics.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::instrument::{Descriptor, InstrumentKind};
use super::super::prometheus::metric_name;
use super::*;

const GUIDE: &str = include_str!("../../../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../../../docs/grafana/vivaz.json");

fn descriptors() -> Vec<&'static Descriptor> {
    Counters::new(&[]).families().iter().map(|family| family.descriptor).collect()
}

fn kind_of(descriptor: &Descriptor) -> &'static str {
    match descriptor.kind {
        InstrumentKind::Counter => "counter",
        InstrumentKind::Gauge => "gauge",
        InstrumentKind::Histogram => "histogram",
    }
}

#[test]
fn the_guide_has_the_table_of_all_metrics() {
    let mut table = String::from(
        "| metric | in Prometheus | kind | unit | labels | meaning |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for one in descriptors() {
        let labels: Vec<_> = one.labels.iter().map(|label| format!("`{label}`")).collect();
        let row = [
            format!("`{}`", one.name),
            format!("`{}`", metric_name(one)),
            kind_of(one).to_owned(),
            format!("`{}`", one.unit),
            labels.join(", "),
            one.help.trim().to_owned(),
        ];
        table += &format!("| {} |\n", row.join(" | "));
    }
    let (_, rest) = GUIDE.split_once("<!-- metrics -->\n\n").expect("the mark before the table");
    let (published, _) = rest.split_once("\n<!-- /metrics -->").expect("the mark behind the table");
    assert_eq!(published, table, "docs/observability.md needs this table:\n\n{table}");
}

#[test]
fn names_are_unique_and_in_the_style_of_opentelemetry() {
    let mut names = BTreeSet::new();
    for one in descriptors() {
        assert!(names.insert(metric_name(one)), "{} twice", one.name);
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(one.name.starts_with("vivaz.") && one.name.split('.').all(is_word), "{}", one.name);
        let is_unit = matches!(one.unit, "s" | "By") || one.unit.starts_with('{') && one.unit.ends_with('}');
        assert!(is_unit, "{}: {}", one.name, one.unit);
        assert!(one.help.trim().ends_with('.'), "{}: {:?}", one.name, one.help);
    }
}

/// Returns the words of a query that are names of metrics or of their labels.
fn names_in(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("vivaz_") || *word == "error_type").map(str::to_owned).collect()
}

/// Returns all names that a query may have.
fn known_names() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for one in descriptors() {
        let name = metric_name(one);
        known.extend(one.labels.iter().map(|label| label.replace('.', "_")));
        if one.kind == InstrumentKind::Histogram {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        } else {
            known.insert(name);
        }
    }
    known
}

#[test]
fn the_dashboard_and_the_alerts_query_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let targets =
        dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    queries.extend(
        variables.iter().filter(|one| one["type"] == "query").map(|one| one["query"].as_str().unwrap()),
    );
    queries.extend(GUIDE.lines().filter_map(|line| line.trim().strip_prefix("expr: ")));
    assert!(queries.len() > 30, "{}", queries.len());
    let known = known_names();
    let mut used = BTreeSet::new();
    for query in queries {
        let names = names_in(query);
        assert!(!names.is_empty(), "{query}");
        let unknown: Vec<_> = names.difference(&known).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {query}");
        used.extend(names);
    }
    let is_shown = |one: &&Descriptor| used.iter().any(|name| name.starts_with(&metric_name(one)));
    let unseen: Vec<_> = descriptors().into_iter().filter(|one| !is_shown(one)).map(|one| one.name).collect();
    assert!(unseen.is_empty(), "on no panel: {unseen:?}");
}
