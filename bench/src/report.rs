//! Prints the measurements as a table with their targets.

use std::io::Write as _;

/// One line of the report.
pub(crate) struct Line {
    /// The measured quantity.
    pub(crate) name: String,
    /// The result of the baseline, if there is one.
    pub(crate) baseline: Option<String>,
    /// The result of the measured server.
    pub(crate) measured: String,
    /// The ratio of the two results, or the result itself, with its target.
    pub(crate) target: Option<Target>,
}

/// A value and its target.
pub(crate) struct Target {
    /// The value.
    pub(crate) value: f64,
    /// The largest acceptable value, if one is defined.
    pub(crate) at_most: Option<f64>,
}

/// Prints the lines.
pub(crate) fn print(lines: &[Line]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| measured | baseline or first case | vivaz or second case | ratio, or value in the unit of the row | target |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for Line { name, baseline, measured, target } in lines {
        let baseline = baseline.as_deref().unwrap_or("");
        let (shown, target) = match target {
            Some(Target { value, at_most: None }) => (format!("{value:.2}"), String::new()),
            Some(Target { value, at_most: Some(most) }) => {
                let verdict = if value <= most { "met" } else { "**missed**" };
                (format!("{value:.2}"), format!("≤ {most}: {verdict}"))
            }
            None => (String::new(), String::new()),
        };
        writeln!(out, "| {name} | {baseline} | {measured} | {shown} | {target} |")?;
    }
    Ok(())
}
