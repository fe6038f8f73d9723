//! The walks of ARCHITECTURE.md: each file of a walk is connected with the next one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;

use super::words::words;

/// The section of ARCHITECTURE.md.
const SECTION: &str = "## Three walks";
/// The walks in their order, with the maximum number of files.
const WALKS: &[(&str, usize)] = &[("One click", 25), ("A topic update", 10), ("A resume", 12)];

/// Returns the faults of the walks.
///
/// A walk is a numbered list. Each item begins with a file. The code of that file calls a function
/// or uses a type or a constant that the file of the next item defines. The end of an item may
/// state another connection:
/// - ``(through `NAME`)``: a return, a trait object, a closure or a queue. The code of both files
///   contains the name of its function, type or field.
/// - `(socket)`: the next item is on the other side of the wire, so in another program.
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
            let (Ok(from_text), Ok(to_text)) = (
                std::fs::read_to_string(root.join(&from.file)),
                std::fs::read_to_string(root.join(&to.file)),
            ) else {
                faults.push(format!("ARCHITECTURE.md: {} or {} does not exist", from.file, to.file));
                continue;
            };
            let (from_code, to_code) = (without_comments(&from_text), without_comments(&to_text));
            let fault = match &from.edge {
                Edge::Use => definitions(&to_code)
                    .is_disjoint(&uses(&from_code))
                    .then(|| format!("{} uses nothing that {} defines", from.file, to.file)),
                Edge::Through(name) => [(&from.file, &from_code), (&to.file, &to_code)]
                    .into_iter()
                    .find(|(_, code)| !words(code).any(|(word, _)| word == name))
                    .map(|(file, _)| format!("{file} does not contain `{name}`")),
                Edge::Socket => (side(&from.file) == side(&to.file))
                    .then(|| format!("no socket is between {} and {}", from.file, to.file)),
            };
            faults.extend(fault.map(|fault| format!("ARCHITECTURE.md: {fault}")));
        }
    }
    Ok(faults)
}

/// An item of a walk.
struct Step {
    file: String,
    edge: Edge,
}

/// The connection of an item with the next one.
#[derive(Debug, PartialEq)]
enum Edge {
    Use,
    Through(String),
    Socket,
}

fn steps(walk: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in walk.lines() {
        let item = line.trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(item) = item.strip_prefix(". `")
            && let Some((file, _)) = item.split_once('`')
        {
            steps.push(Step { file: file.to_owned(), edge: Edge::Use });
        }
        let through = line.trim_end().strip_suffix("`)").and_then(|line| line.rsplit_once("(through `"));
        let Some(step) = steps.last_mut() else { continue };
        if let Some((_, name)) = through {
            step.edge = Edge::Through(name.to_owned());
        } else if line.trim_end().ends_with("(socket)") {
            step.edge = Edge::Socket;
        }
    }
    steps
}

/// Returns the side of the wire to which a file belongs.
fn side(file: &str) -> &'static str {
    let is_page = file.starts_with("engine/") || file.starts_with("client-wasm/");
    if is_page { "page" } else { "server" }
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("// ").next().unwrap_or_default()).fold(
        String::with_capacity(text.len()),
        |mut code, line| {
            if !line.trim_start().starts_with("///") && !line.trim_start().starts_with("//!") {
                code.push_str(line);
            }
            code.push('\n');
            code
        },
    )
}

/// Returns the names of functions, types and constants that a file of Rust or JavaScript defines.
fn definitions(code: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_definition = false;
    for (word, _) in words(code) {
        if is_definition && word.len() > 2 {
            names.insert(word);
        }
        is_definition = is_keyword(word);
    }
    // A function that is a property of an object in JavaScript.
    for line in code.lines() {
        if let Some((name, value)) = line.trim().split_once(": ")
            && value.contains("=>")
        {
            names.insert(name);
        }
    }
    // Methods that most types have connect nothing.
    for common in ["new", "fmt", "default", "clone", "drop", "from", "len", "is_empty", "get", "push", "run"]
    {
        names.remove(common);
    }
    names
}

/// Returns the names that the code uses: functions that it calls, types and constants. The name
/// after `fn` or another keyword of a definition is not a use.
fn uses(code: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_definition = false;
    for (word, after) in words(code) {
        let is_function = word.starts_with(|c: char| c.is_ascii_lowercase());
        let is_called = after.starts_with('(');
        if !is_definition && (is_called || !is_function) {
            names.insert(word);
        }
        is_definition = is_keyword(word);
    }
    names
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "fn" | "struct" | "enum" | "trait" | "const" | "function" | "class" | "macro_rules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_states_its_connection() {
        let walk =
            "1. `a.rs` queues it. (through `Mail`)\n2. `b.rs` sends\n   it. (socket)\n3. `c.rs` ends.\n";
        let edges: Vec<_> = steps(walk).into_iter().map(|step| step.edge).collect();
        assert_eq!(edges, [Edge::Through("Mail".into()), Edge::Socket, Edge::Use]);
        assert_ne!(side("engine/src/page.rs"), side("server/src/connection.rs"));
    }

    #[test]
    fn a_use_is_a_call_or_a_type() {
        let code =
            without_comments("fn frame() { send(1); } // receive()\n/// Uses apply().\nlet patch: Rev;\n");
        let used = uses(&code);
        for name in ["send", "Rev"] {
            assert!(used.contains(name), "{name}");
        }
        for name in ["frame", "receive", "apply", "patch"] {
            assert!(!used.contains(name), "{name}");
        }
        assert!(definitions(&code).contains("frame"));
    }
}
