//! Checks the dependencies between crates, and forbidden external dependencies.

use std::collections::BTreeSet;

use crate::step::output;

/// Forbidden packages in the tree of normal dependencies of a package, with the reason.
const ABSENT: &[(&str, &[&str], &str)] = &[
    ("vivaz-protocol", &["tokio", "axum", "hyper", "web-sys", "rusqlite", "mio"], "the protocol does no I/O"),
    ("vivaz-template", &["tokio", "axum", "hyper", "web-sys", "rusqlite", "mio"], "templates do no I/O"),
    ("vivaz-databases", &["axum", "hyper", "web-sys", "rusqlite", "tokio"], "its databases are features"),
    (
        "vivaz-components",
        &["axum", "hyper", "web-sys", "rusqlite"],
        "components know neither sockets nor the DOM",
    ),
    ("vivaz-components-derive", &["tokio", "axum", "hyper", "web-sys"], "a macro runs inside the compiler"),
    ("vivaz", &["web-sys", "js-sys", "wasm-bindgen"], "the server does not know the DOM"),
    (
        "vivaz-engine",
        &["wasm-bindgen", "web-sys", "js-sys", "tokio", "axum", "hyper", "mio"],
        "the page's engine knows neither the DOM nor sockets",
    ),
    ("vivaz-client", &["tokio", "axum", "mio"], "the page has no asynchronous runtime"),
];

/// The direct dependencies within the workspace that each package may have. Packages that are not
/// listed are tools and may use any.
const ALLOWED: &[(&str, &[&str])] = &[
    ("vivaz-protocol", &[]),
    ("vivaz-template", &["vivaz-protocol"]),
    ("vivaz-components-derive", &["vivaz-template"]),
    ("vivaz-databases", &[]),
    ("vivaz-components", &["vivaz-components-derive", "vivaz-databases", "vivaz-protocol", "vivaz-template"]),
    ("vivaz", &["vivaz-components", "vivaz-databases", "vivaz-engine", "vivaz-protocol", "vivaz-template"]),
    ("vivaz-engine", &["vivaz-protocol", "vivaz-template"]),
    ("vivaz-client", &["vivaz-engine"]),
    ("demo", &["vivaz"]),
    ("desk", &["vivaz"]),
];

/// Returns a fault for each forbidden dependency.
///
/// # Errors
/// Fails if cargo cannot resolve the dependencies.
pub(super) fn faults() -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (package, absent, why) in ABSENT {
        let target = if *package == "vivaz-client" { " --target wasm32-unknown-unknown" } else { "" };
        let tree = dependencies(&format!("--package {package}{target}"))?;
        for name in absent.iter().filter(|name| tree.contains(**name)) {
            wrong.push(format!("{package} depends on {name}, but {why}"));
        }
    }
    for (package, allowed) in ALLOWED {
        for name in dependencies(&format!("--package {package} --depth 1"))? {
            let own = name == "vivaz" || name.starts_with("vivaz-") || name == "demo" || name == "desk";
            if own && name != *package && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{package} depends on {name}, which is not below it"));
            }
        }
    }
    Ok(wrong)
}

/// Returns the names of all packages that a package is compiled from, including itself.
fn dependencies(selection: &str) -> anyhow::Result<BTreeSet<String>> {
    let tree = output(
        "",
        &format!("cargo tree --edges normal,no-proc-macro --prefix none --format {{p}} {selection}"),
    )?;
    Ok(tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}
