//! Parses the output of cargo-mutants: the list of mutants and the result of each.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::source_line;

/// A change that cargo-mutants makes.
#[derive(Clone, Debug)]
pub(super) struct Mutant {
    /// The name of cargo-mutants, with line and column.
    pub(super) name: String,
    pub(super) file: String,
    /// The name without file, line and column: edits elsewhere in the file do not change it.
    pub(super) change: String,
    /// The source line where the changed code starts, without indentation.
    pub(super) line: String,
}

/// The results of the mutants of an area. Mutants that do not build are not included.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) caught: Vec<Mutant>,
    pub(super) missed: Vec<Mutant>,
    /// The number of mutants with which the tests timed out; these count as noticed.
    pub(super) timed_out: usize,
}

impl Tally {
    pub(super) fn viable(&self) -> usize {
        self.caught.len() + self.missed.len() + self.timed_out
    }

    pub(super) fn noticed_percent(&self) -> f64 {
        let viable = self.viable().max(1) as f64;
        100.0 - 100.0 * self.missed.len() as f64 / viable
    }
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    file: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Named),
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
enum Summary {
    Success,
    CaughtMutant,
    MissedMutant,
    Timeout,
    Unviable,
    Failure,
}

/// Reads the output of `cargo mutants --list --json`.
pub(super) fn parse_list(json: &[u8], root: &Path) -> anyhow::Result<Vec<Mutant>> {
    let listed: Vec<Listed> =
        serde_json::from_slice(json).context("the list of cargo-mutants has an unknown format")?;
    let mutants = listed.into_iter().map(|Listed { name, file, span }| {
        let change =
            name.split_once(": ").context("the name of a mutant has an unknown format")?.1.to_owned();
        let line = source_line(&root.join(&file), span.start.line)?;
        Ok(Mutant { name, file, change, line })
    });
    mutants.collect()
}

/// Reads `mutants.out/outcomes.json`.
pub(super) fn parse_outcomes(json: &[u8], all: &[Mutant]) -> anyhow::Result<Tally> {
    let outcomes: Outcomes =
        serde_json::from_slice(json).context("the outcomes of cargo-mutants have an unknown format")?;
    let mut tally = Tally::default();
    for Outcome { scenario, summary } in outcomes.outcomes {
        let Scenario::Mutant(Named { name }) = scenario else { continue };
        let mutant = all.iter().find(|mutant| mutant.name == name);
        let mutant =
            || mutant.cloned().with_context(|| format!("{name} was not listed; was the source edited?"));
        match summary {
            Summary::CaughtMutant => tally.caught.push(mutant()?),
            Summary::MissedMutant => tally.missed.push(mutant()?),
            Summary::Timeout => tally.timed_out += 1,
            Summary::Unviable => {}
            Summary::Success | Summary::Failure => anyhow::bail!("{name} was not tested; see its log"),
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(name: &str) -> Mutant {
        let change = name.split_once(": ").unwrap().1.to_owned();
        Mutant { name: name.to_owned(), file: "a.rs".into(), change, line: String::new() }
    }

    fn outcomes(of: &[(&str, &str)]) -> Vec<u8> {
        let mut outcomes = vec![serde_json::json!({"scenario": "Baseline", "summary": "Success"})];
        for (name, summary) in of {
            outcomes.push(serde_json::json!({"scenario": {"Mutant": {"name": name}}, "summary": summary}));
        }
        serde_json::json!({ "outcomes": outcomes }).to_string().into_bytes()
    }

    #[test]
    fn timeouts_count_as_noticed_and_build_failures_do_not_count() {
        let names = ["a.rs:1:1: w", "a.rs:2:1: x", "a.rs:3:1: y", "a.rs:4:1: z"];
        let json = outcomes(&[
            (names[0], "CaughtMutant"),
            (names[1], "MissedMutant"),
            (names[2], "Timeout"),
            (names[3], "Unviable"),
        ]);
        let tally = parse_outcomes(&json, &names.map(mutant)).unwrap();
        assert_eq!((tally.caught.len(), tally.missed.len(), tally.timed_out, tally.viable()), (1, 1, 1, 3));
        assert_eq!(format!("{:.1}", tally.noticed_percent()), "66.7");
    }

    #[test]
    fn a_result_that_cannot_be_counted_is_an_error() {
        let all = [mutant("a.rs:1:1: w")];
        for json in [
            outcomes(&[("a.rs:1:1: w", "Failure")]),
            outcomes(&[("a.rs:9:1: unknown", "MissedMutant")]),
            outcomes(&[("a.rs:1:1: w", "NewSummary")]),
            b"{}".to_vec(),
        ] {
            parse_outcomes(&json, &all).unwrap_err();
        }
    }
}
