//! What is wrong with a template, and where.

use std::fmt;

/// A place in a template's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// In bytes from the start.
    pub offset: u32,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where the lines of a source start, so that many places are found without reading it again for each.
pub(crate) struct Lines<'s> {
    source: &'s str,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    pub(crate) fn of(source: &'s str) -> Self {
        let starts = [0].into_iter().chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    /// The place of the byte at `offset`.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset as usize);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        let before = self.source.get(start..offset as usize).unwrap_or_default();
        // Sources are bounded to 32 bits by `compile`.
        Position { offset, line: line as u32, column: before.chars().count() as u32 + 1 }
    }
}

/// One mistake in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Where.
    pub at: Position,
    /// What, and where it helps, what to write instead. One line.
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

impl std::error::Error for TemplateError {}

/// Collects mistakes, so that one look at the compiler's output shows them all.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<(u32, String)>);

impl Errors {
    pub(crate) fn add(&mut self, at: u32, message: impl Into<String>) {
        self.0.push((at, message.into()));
    }

    /// In the order of the source, each place once with the same words.
    pub(crate) fn finish(mut self, lines: &Lines<'_>) -> Vec<TemplateError> {
        self.0.sort_by_key(|(at, _)| *at);
        self.0.dedup();
        self.0.into_iter().map(|(at, message)| TemplateError { at: lines.position(at), message }).collect()
    }
}

/// The name among `known` that `name` most likely was meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count() / 3 + 1;
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or nothing.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
