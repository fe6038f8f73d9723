//! Finds long lines of prose and long files.

use std::path::Path;

use super::exceptions::Exceptions;

/// The maximum width of a line of prose, in columns.
const COLUMNS: usize = 100;
/// The maximum number of lines of a file without an exception.
const LINES: usize = 500;
/// The in-memory document of the testing kit, which repeats in Rust what the client does in
/// JavaScript, and the parts of it that a browser has itself.
const DOCUMENT: &str = "engine/src/testing";
const DOCUMENT_HTML: &str = "engine/src/testing/html";
const DOCUMENT_TESTS: &str = "engine/src/testing/tests.rs";
/// The maximum number of its lines of code, without blank lines, comments and those parts.
const DOCUMENT_LINES: usize = 1250;
/// The example application, and the maximum number of lines of its Rust, templates and styles,
/// without blank lines and comments.
const EXAMPLE: &str = "examples/desk";
const EXAMPLE_LINES: usize = 700;
/// The extensions of source files.
const SOURCE: &[&str] = &["rs", "js", "ts", "html", "css"];
/// Folders of generated files and data.
const SKIPPED: &[&str] = &["client-wasm/dist", "fuzz/corpus", "fuzz/dictionaries"];

/// Returns the faults of a file.
pub(super) fn faults(path: &Path, text: &str, exceptions: &mut Exceptions) -> Vec<String> {
    if SKIPPED.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let mut faults = long_prose(path, kind, text);
    let count = text.lines().count();
    if SOURCE.contains(&kind) && count > LINES && !exceptions.accept_long_file(path) {
        faults.push(format!("{}: {count} lines, more than {LINES}", path.display()));
    }
    faults
}

/// Returns the number of lines of code of a file of the in-memory document; 0 for other files.
pub(super) fn count_document_code(path: &Path, text: &str) -> usize {
    if !path.starts_with(DOCUMENT) || path.starts_with(DOCUMENT_HTML) || path == Path::new(DOCUMENT_TESTS) {
        return 0;
    }
    text.lines().filter(|line| !line.trim().is_empty() && !is_comment(line)).count()
}

/// Returns the number of lines of code of a file of the example application; 0 for other files.
pub(super) fn count_example(path: &Path, text: &str) -> usize {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    if !path.starts_with(EXAMPLE) || !["rs", "html", "css"].contains(&kind) {
        return 0;
    }
    text.lines().filter(|line| !line.trim().is_empty() && !is_comment(line)).count()
}

/// Returns a fault if the example application has too many lines.
pub(super) fn example_fault(count: usize) -> Option<String> {
    (count > EXAMPLE_LINES).then(|| format!("{EXAMPLE}: {count} lines, more than {EXAMPLE_LINES}"))
}

/// Returns a fault if the in-memory document has too many lines of code.
pub(super) fn document_fault(count: usize) -> Option<String> {
    (count > DOCUMENT_LINES).then(|| format!("{DOCUMENT}: {count} lines of code, more than {DOCUMENT_LINES}"))
}

fn long_prose(path: &Path, kind: &str, text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut faults = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let is_prose = match kind {
            "md" => {
                let is_fence = line.trim_start().starts_with("```");
                is_code ^= is_fence;
                !is_code && !is_fence && !line.trim_start().starts_with('|') && !is_one_link(line)
            }
            "rs" | "js" | "ts" if is_comment(line) && without_marker(line).starts_with("```") => {
                is_code = !is_code;
                false
            }
            "rs" | "js" | "ts" => !is_code && is_comment(line) && !is_table(line) && !is_one_link(line),
            _ => false,
        };
        if is_prose && line.chars().count() > COLUMNS {
            let columns = line.chars().count();
            faults.push(format!(
                "{}:{}: {columns} columns of prose, more than {COLUMNS}",
                path.display(),
                n + 1
            ));
        }
    }
    faults
}

/// Whether a line holds a comment and no code.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("* ") || line.starts_with("/*")
}

/// Returns the text of a comment.
fn without_marker(line: &str) -> &str {
    line.trim_start().trim_start_matches(['/', '!', '*']).trim_start()
}

/// Whether a comment is a row of a table, which cannot be wrapped.
fn is_table(line: &str) -> bool {
    without_marker(line).starts_with('|')
}

/// Whether a line is long because of an address, which cannot be wrapped.
fn is_one_link(line: &str) -> bool {
    line.contains("://") && line.split_whitespace().any(|word| word.contains("://") && word.len() > 60)
}
