//! Checks the walks of ARCHITECTURE.md: each file of a walk uses a name that the next one defines.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;

/// The section of ARCHITECTURE.md.
const SECTION: &str = "## Three walks";
/// The walks in their order, with the maximum number of files.
const WALKS: &[(&str, usize)] = &[("One click", 25), ("A topic update", 10), ("A resume", 12)];

/// Returns the faults of the walks.
///
/// A walk is a numbered list. Each item starts with a file; the text of that file contains a name
/// which the file of the next item defines. `(socket)` at the end of an item ends a chain: the next
/// item is on the other side of the connection.
///
/// # Errors
/// Fails if ARCHITECTURE.md cannot be read.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let path = root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let section = text.split(SECTION).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut faults = Vec::new();
    for (title, most) in WALKS {
        let walk = section.split(&format!("**{title}")).nth(1).unwrap_or_default();
        let steps = steps(walk.split("\n**").next().unwrap_or_default());
        if steps.len() < 3 {
            faults.push(format!("ARCHITECTURE.md: the walk `{title}` has {} files", steps.len()));
        }
        let files: BTreeSet<_> = steps.iter().map(|step| &step.file).collect();
        if files.len() > *most {
            faults.push(format!("ARCHITECTURE.md: the walk `{title}` has more than {most} files"));
        }
        for pair in steps.windows(2) {
            let [from, to] = pair else { continue };
            if from.ends_chain {
                continue;
            }
            let (Ok(from_text), Ok(to_text)) = (
                std::fs::read_to_string(root.join(&from.file)),
                std::fs::read_to_string(root.join(&to.file)),
            ) else {
                faults.push(format!("ARCHITECTURE.md: {} or {} does not exist", from.file, to.file));
                continue;
            };
            if definitions(&to_text).is_disjoint(&words(&from_text)) {
                faults.push(format!("ARCHITECTURE.md: {} uses no name that {} defines", from.file, to.file));
            }
        }
    }
    Ok(faults)
}

/// An item of a walk.
struct Step {
    file: String,
    ends_chain: bool,
}

fn steps(walk: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in walk.lines() {
        let item = line.trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(item) = item.strip_prefix(". `")
            && let Some((file, _)) = item.split_once('`')
        {
            steps.push(Step { file: file.to_owned(), ends_chain: false });
        }
        if line.trim_end().ends_with("(socket)")
            && let Some(step) = steps.last_mut()
        {
            step.ends_chain = true;
        }
    }
    steps
}

/// Returns the names of functions, types and constants that a file of Rust or JavaScript defines.
fn definitions(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_definition = false;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if is_definition && word.len() > 2 {
            names.insert(word);
        }
        is_definition = matches!(
            word,
            "fn" | "struct" | "enum" | "trait" | "const" | "function" | "class" | "macro_rules"
        );
    }
    // A function that is a property of an object in JavaScript.
    for line in text.lines() {
        if let Some((name, value)) = line.trim().split_once(": ")
            && value.contains("=>")
        {
            names.insert(name);
        }
    }
    // Methods that most types have do not prove a call.
    for common in ["new", "fmt", "default", "clone", "drop", "from", "len", "is_empty", "get", "push", "run"]
    {
        names.remove(common);
    }
    names
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}
