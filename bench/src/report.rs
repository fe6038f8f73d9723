//! What was measured, as a table that says what it should be.

use std::io::Write as _;

/// One line of the report.
pub(crate) struct Line {
    /// What was measured.
    pub(crate) what: String,
    /// The yardstick's figure, where there is one.
    pub(crate) yardstick: Option<String>,
    /// The measured server's.
    pub(crate) measured: String,
    /// What the two make, or the figure itself, and what it should be at most.
    pub(crate) aim: Option<Aim>,
}

/// A figure and its bound.
pub(crate) struct Aim {
    /// The figure.
    pub(crate) value: f64,
    /// What it should be at most, where that was decided.
    pub(crate) at_most: Option<f64>,
}

/// Prints the lines.
pub(crate) fn print(lines: &[Line]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| measured | yardstick | vivaz | ratio or figure | aim |")?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for Line { what, yardstick, measured, aim } in lines {
        let yardstick = yardstick.as_deref().unwrap_or("");
        let (figure, aim) = match aim {
            Some(Aim { value, at_most: None }) => (format!("{value:.2}"), String::new()),
            Some(Aim { value, at_most: Some(most) }) => {
                let verdict = if value <= most { "met" } else { "**missed**" };
                (format!("{value:.2}"), format!("≤ {most}: {verdict}"))
            }
            None => (String::new(), String::new()),
        };
        writeln!(out, "| {what} | {yardstick} | {measured} | {figure} | {aim} |")?;
    }
    Ok(())
}
