//! ErrorList in templates, with their positions.

use std::fmt;

/// A position in a template's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// In bytes from the start.
    pub offset: u32,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// The source: 0 is the template, others are the files of partials, counted from 1.
    pub source: u32,
    /// The use of a partial that contains the position, counted from 1; 0 for none.
    pub partial_use: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The starts of a source's lines, so that many positions are computed without scanning the source
/// for each.
pub(crate) struct Lines<'s> {
    source: &'s str,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    pub(crate) fn of(source: &'s str) -> Self {
        let starts = [0].into_iter().chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    /// Returns the position of the byte at `offset`.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset as usize);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        let before = self.source.get(start..offset as usize).unwrap_or_default();
        // `compile` limits sources to 32 bits.
        let column = before.chars().count() as u32 + 1;
        Position { offset, line: line as u32, column, source: 0, partial_use: 0 }
    }
}

/// An error in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Its position.
    pub at: Position,
    /// The error and, if useful, what to write instead. One line.
    pub message: String,
    /// The file, if it is that of a partial.
    pub file: Option<Box<str>>,
    /// The positions of the elements that use the partial, innermost first.
    pub uses: Vec<Position>,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        write!(f, "{}: {}", self.at, self.message)
    }
}

impl std::error::Error for TemplateError {}

/// Collects errors, so that all are reported together.
#[derive(Debug, Default)]
pub(crate) struct ErrorList(Vec<(u32, String)>);

impl ErrorList {
    pub(crate) fn add(&mut self, at: u32, message: impl Into<String>) {
        self.0.push((at, message.into()));
    }

    /// Returns the offsets and the messages, in the order of the offsets.
    pub(crate) fn sorted(mut self) -> Vec<(u32, String)> {
        self.0.sort_by_key(|(at, _)| *at);
        self.0
    }
}

/// Returns the name in `known` that `name` most likely means.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count() / 3 + 1;
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns `; did you mean "x"?`, or an empty text.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The text of a template and its location, for error messages.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'s> {
    /// The file.
    pub file: &'s str,
    /// The line of the file on which the template begins, counted from 1.
    pub line: usize,
    /// The number of characters before the template on that line.
    pub column: usize,
    /// The template.
    pub text: &'s str,
}

/// Maximum number of characters that an excerpt shows before and after a position. A longer line is
/// shown from `BEFORE / 2` characters before the position.
const BEFORE: usize = 80;
const AFTER: usize = 80;

impl SourceText<'_> {
    /// Formats the line of a position as rustc shows source, with a caret under the position.
    #[must_use]
    pub fn excerpt(&self, at: Position) -> String {
        let source = self.text.lines().nth((at.line as usize).saturating_sub(1)).unwrap_or_default();
        let offset = (at.column as usize).saturating_sub(1);
        let indent = source.chars().take_while(|c| matches!(c, ' ' | '\t')).count().min(offset);
        let start = if offset > indent + BEFORE { offset - BEFORE / 2 } else { indent };
        let shown: String = source.chars().skip(start).take(offset - start + AFTER).collect();
        let line = self.line + (at.line as usize).saturating_sub(1);
        let column = at.column as usize + if at.line == 1 { self.column } else { 0 };
        let number = line.to_string();
        let (pad, blanks) = (" ".repeat(number.len()), " ".repeat(offset - start));
        format!("{pad}--> {}:{line}:{column}\n{pad} |\n{number} | {shown}\n{pad} | {blanks}^", self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, SourceText};

    #[test]
    fn an_excerpt_shows_the_line_with_a_caret() {
        let text = "<p>\n    é {{ cuont }}\n</p>\n";
        let at = Lines::of(text).position(14);
        let source = SourceText { file: "page.html", line: 1, column: 0, text };
        assert_eq!(source.excerpt(at), " --> page.html:2:10\n  |\n2 | é {{ cuont }}\n  |      ^");
        // The lines of a template inside Rust are counted from its beginning.
        let source = SourceText { file: "page.rs", line: 7, column: 20, text };
        assert!(source.excerpt(at).contains("--> page.rs:8:10"));
        let first = Lines::of(text).position(1);
        assert!(source.excerpt(first).contains("--> page.rs:7:22"));
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("{}{{{{ a }}}}{}", "é".repeat(300), "x".repeat(300));
        let at = Lines::of(&text).position(600);
        let source = SourceText { file: "page.html", line: 1, column: 0, text: &text };
        let excerpt = source.excerpt(at);
        let lines: Vec<&str> = excerpt.lines().collect();
        assert_eq!(lines[0], " --> page.html:1:301");
        assert_eq!(lines[2].chars().count(), "1 | ".len() + 40 + 80);
        assert_eq!(lines[3], format!("  | {}^", " ".repeat(40)));
    }
}
