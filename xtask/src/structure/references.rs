//! Names of the source that the pages for maintainers mention.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use super::exceptions::Exceptions;
use super::words::{is_word, words};

/// The pages that describe the source.
const PAGES: &[&str] = &[
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/decisions.md",
    "docs/glossary.md",
    "docs/security.md",
    "docs/sessions.md",
];
/// Words that a definition follows.
const KEYWORDS: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "mod",
    "macro_rules",
    "proc_macro_derive",
    "function",
    "class",
    "typedef",
];
/// Extensions of the files that pages mention.
const EXTENSIONS: &[&str] = &["rs", "js", "ts", "toml", "json"];

/// The definitions and the words of each source file.
struct SourceFile<'a> {
    definitions: BTreeSet<&'a str>,
    words: BTreeSet<&'a str>,
}

/// Returns a fault for each file, type, function and path in backticks that the source does not
/// have.
///
/// `Type::member` needs a file that mentions `Type` and defines `member`. A single word is a
/// reference if it is a file name, has capitals like a type, or is followed by parentheses.
///
/// # Errors
/// Fails if a page or a source file cannot be read.
pub(super) fn faults(
    root: &Path,
    tracked: &[String],
    exceptions: &mut Exceptions,
) -> anyhow::Result<Vec<String>> {
    let is_source = |file: &&String| [".rs", ".js", ".ts"].iter().any(|end| file.ends_with(end));
    let mut texts = BTreeMap::new();
    for file in tracked.iter().filter(is_source) {
        let text = std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        texts.insert(file, text);
    }
    let sources: Vec<_> = texts.values().map(|text| SourceFile::new(text)).collect();
    let mut faults = Vec::new();
    for page in PAGES {
        let text = std::fs::read_to_string(root.join(page)).with_context(|| format!("cannot read {page}"))?;
        for (line, reference) in references(&text) {
            let exists = match file_of(reference) {
                Some(file) => tracked.iter().any(|one| one == file || one.ends_with(&format!("/{file}"))),
                None => is_defined(reference, &sources),
            };
            if !exists && !exceptions.accept_reference(reference) {
                faults.push(format!("{page}:{line}: the source has no `{reference}`"));
            }
        }
    }
    Ok(faults)
}

impl<'a> SourceFile<'a> {
    fn new(text: &'a str) -> Self {
        let words: Vec<&str> = words(text).map(|(word, _)| word).collect();
        let mut definitions: BTreeSet<&str> =
            pairs(&words).filter(|(keyword, _)| KEYWORDS.contains(keyword)).map(|(_, name)| name).collect();
        // Fields, variants, and properties of objects begin their line.
        for line in text.lines().map(str::trim_start) {
            let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub(super) ")).unwrap_or(line);
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let end = line.find(|c| !is_word(c)).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            if rest.trim_start().is_empty() || rest.trim_start().starts_with([',', ':', '(', '{', '=']) {
                definitions.insert(name);
            }
        }
        Self { definitions, words: words.into_iter().collect() }
    }
}

/// Returns what is in backticks outside of code blocks, with its line.
fn references(page: &str) -> Vec<(usize, &str)> {
    let mut is_code = false;
    let mut found = Vec::new();
    for (n, line) in page.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence {
            found.extend(line.split('`').skip(1).step_by(2).map(|reference| (n + 1, reference)));
        }
    }
    found
}

/// Returns the reference if it is the name or the path of a file.
fn file_of(reference: &str) -> Option<&str> {
    let is_path = reference.chars().all(|c| is_word(c) || matches!(c, '.' | '/' | '-'));
    let (name, extension) = reference.rsplit_once('.')?;
    (is_path && !name.is_empty() && EXTENSIONS.contains(&extension)).then_some(reference)
}

/// Checks whether a path of names is defined. Other text in backticks counts as defined.
fn is_defined(reference: &str, sources: &[SourceFile<'_>]) -> bool {
    let (path, call) = reference.split_once('(').map_or((reference, false), |(path, _)| (path, true));
    let names: Vec<&str> = path.split("::").collect();
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(is_word);
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
    };
    if !names.iter().all(is_name) {
        return true;
    }
    match *names {
        [single] => {
            !(call || is_type(single)) || sources.iter().any(|source| source.definitions.contains(single))
        }
        _ => pairs(&names).all(|(owner, member)| {
            // A module's file need not contain its name.
            let is_module = !is_type(owner);
            let has = |source: &SourceFile<'_>| {
                (is_module || source.words.contains(owner)) && source.definitions.contains(member)
            };
            sources.iter().any(has)
        }),
    }
}

/// Returns each item with the next one.
fn pairs<'a>(items: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    items.iter().copied().zip(items.iter().copied().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_needs_a_definition() {
        let source = SourceFile::new("pub(crate) struct Mail;\nenum Kind {\n    Event,\n}\nfn post() {}\n");
        let sources = [source];
        for defined in ["Mail", "Kind::Event", "post()", "hidden", "live:if", "a b", "FULL"] {
            assert!(is_defined(defined, &sources), "{defined}");
        }
        for undefined in ["Letter", "Kind::Sent", "send()", "Letter::post"] {
            assert!(!is_defined(undefined, &sources), "{undefined}");
        }
    }

    #[test]
    fn code_blocks_are_not_read() {
        assert_eq!(references("`a`\n```\n`b`\n```\nx `c` y `d`\n"), [(1, "a"), (5, "c"), (5, "d")]);
        assert_eq!(file_of("topic/cell.rs"), Some("topic/cell.rs"));
        assert_eq!(file_of("cx.rs(1)"), None);
    }
}
