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

impl Position {
    /// The place of the byte at `offset` in `source`.
    pub fn of(source: &str, offset: u32) -> Self {
        let before = source.get(..offset as usize).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        // Sources are bounded to 32 bits by `compile`.
        Self { offset, line: line as u32, column: column as u32 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
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
    pub(crate) fn finish(mut self, source: &str) -> Vec<TemplateError> {
        self.0.sort_by_key(|(at, _)| *at);
        self.0.dedup();
        self.0
            .into_iter()
            .map(|(at, message)| TemplateError { at: Position::of(source, at), message })
            .collect()
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
