//! Short names for internal properties of the client's JavaScript.
//!
//! `client-wasm/js/internal.d.ts` declares these properties. Each gets a short name, the same one
//! in `client.js` and in the modules. The bundler stores the names in a file, the mangle cache.
//! Properties that `capture.js` uses keep their names: the capture script of one version may run
//! with the client of another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;

/// A property of closures that wasm-bindgen's output reads.
const OF_BINDGEN: &str = "_wbg_cb_unref";

/// The short names of one build.
pub(super) struct Names {
    cache: PathBuf,
    all: BTreeSet<String>,
}

impl Names {
    /// Reads and checks the names, and writes the first mangle cache. `exports` are the exports of
    /// the wasm module with their current names.
    ///
    /// # Errors
    /// Fails if a property has the name of a public property or of one of the browser.
    pub(super) fn read(root: &Path, cache: PathBuf, exports: &[(String, String)]) -> anyhow::Result<Self> {
        let js = root.join("client-wasm/js");
        let mut all = members(&fs::read_to_string(js.join("internal.d.ts"))?);
        let mut taken = members(&fs::read_to_string(js.join("client.d.ts"))?);
        taken.append(&mut browser(root)?);
        let conflicts: Vec<_> = all.intersection(&taken).collect();
        ensure!(
            conflicts.is_empty(),
            "internal.d.ts declares names of client.d.ts or of the browser: {conflicts:?}"
        );
        let capture = fs::read_to_string(js.join("capture.js"))?;
        all.retain(|name| !name.starts_with('$') || !capture.contains(&format!(".{name}")));
        all.insert(OF_BINDGEN.to_owned());
        let mut short: BTreeMap<String, serde_json::Value> =
            exports.iter().map(|(name, short)| (name.clone(), short.clone().into())).collect();
        // Properties of nodes start with `$`: a control of a form could have any other name.
        let at_nodes: Vec<_> = all.iter().filter(|name| name.starts_with('$')).cloned().collect();
        for (name, letter) in at_nodes.into_iter().zip('a'..='z') {
            short.insert(name, format!("${letter}").into());
        }
        all.extend(exports.iter().map(|(name, _)| name.clone()));
        let missing = all.iter().find(|name| name.starts_with('$') && !short.contains_key(*name));
        ensure!(missing.is_none(), "more than 26 properties of nodes");
        fs::write(&cache, serde_json::to_string(&short)?)?;
        Ok(Self { cache, all })
    }

    /// Returns the options of the bundler that apply the names.
    pub(super) fn options(&self) -> String {
        let names: Vec<_> = self.all.iter().map(|name| name.replace('$', "\\$")).collect();
        format!("--mangle-props=^({})$ --mangle-cache={}", names.join("|"), self.cache.display())
    }
}

/// Returns the members of the interfaces in the text of a declaration file.
fn members(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            let line = line.trim_start_matches("export ").trim_start_matches("declare ");
            is_inside = line.starts_with("interface ") || line.starts_with("const live");
        } else if let Some(line) = line.strip_prefix("  ").or_else(|| line.strip_prefix("    "))
            && is_inside
        {
            found.extend(member(line));
        }
    }
    found
}

/// Returns the name that a line declares.
fn member(line: &str) -> Option<String> {
    let line = line.trim_start_matches("readonly ");
    let end = line.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'))?;
    let (name, rest) = line.split_at_checked(end)?;
    (!name.is_empty() && rest.starts_with(['?', ':', '(', '<'])).then(|| name.to_owned())
}

/// Returns the names of all properties of the browser's interfaces, as TypeScript declares them.
fn browser(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for package in fs::read_dir(root.join("client-wasm/node_modules/@typescript"))? {
        for file in fs::read_dir(package?.path().join("lib"))? {
            let path = file?.path();
            if path.to_string_lossy().ends_with(".d.ts") {
                let text = fs::read_to_string(&path)?;
                found.extend(text.lines().filter_map(|line| member(line.strip_prefix("    ")?)));
            }
        }
    }
    ensure!(found.contains("addEventListener"), "TypeScript's declarations of the browser were not found");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_interfaces_alone_are_names() {
        let text = "\
interface One {
  // A comment: no member.
  plain: string;

  /** `doc(x)` */
  readonly optional?: number;
  method(of: string): void;
  generic<T>(of: T): T;
  $node: number | undefined;
}
type Two = {
  other: number,
};
declare const live: {
  public: number;
};
";
        let found: Vec<_> = members(text).into_iter().collect();
        assert_eq!(found, ["$node", "generic", "method", "optional", "plain", "public"]);
    }
}
