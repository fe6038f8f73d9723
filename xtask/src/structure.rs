//! Checks the structure of the source. `xtask/structure.toml` lists the accepted exceptions.

mod crates;
mod cycles;
mod exceptions;
mod lines;
mod modules;
mod names;
mod references;
mod walks;
mod words;

use std::path::Path;

use anyhow::ensure;

use self::exceptions::Exceptions;
use self::modules::CrateModules;
use crate::step::{output, print_line, root};

/// The root files of the crates that are read for cycles and names.
const CRATES: &[&str] = &[
    "protocol/src/lib.rs",
    "databases/src/lib.rs",
    "template/src/lib.rs",
    "components-derive/src/lib.rs",
    "components/src/lib.rs",
    "server/src/lib.rs",
    "engine/src/lib.rs",
    "client-wasm/src/lib.rs",
    "demo/src/main.rs",
    "examples/desk/src/main.rs",
    "xtask/src/main.rs",
];

/// Checks crate edges, import cycles, type names, lines, file sizes, the walks of ARCHITECTURE.md,
/// and that the pages for maintainers mention only names of the source.
///
/// # Errors
/// Fails with every fault, and with every unused exception.
pub(crate) fn check() -> anyhow::Result<()> {
    let root = root()?;
    let mut exceptions = Exceptions::read(&root.join("xtask/structure.toml"))?;
    let mut faults = crates::faults()?;
    let mut crates = Vec::new();
    for file in CRATES {
        let name = file.split('/').next().unwrap_or_default();
        crates.push((name, CrateModules::read(&root.join(file))?));
    }
    for (name, modules) in &crates {
        for cycle in cycles::find(modules) {
            if !exceptions.accept_cycle(name, &cycle.members) {
                let members: Vec<_> = cycle.members.iter().map(String::as_str).collect();
                let imports =
                    cycle.imports.iter().map(|import| import.replace(&*root.to_string_lossy(), "."));
                let imports: Vec<_> = imports.collect();
                faults.push(format!(
                    "{name}: an import cycle of {} modules: {}\n    {}",
                    members.len(),
                    members.join(", "),
                    imports.join("\n    ")
                ));
            }
        }
    }
    faults.extend(names::faults(&crates, &mut exceptions));
    let (tracked, mut document_lines) = (tracked_files()?, 0);
    let mut example_lines = 0;
    for file in &tracked {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        faults.extend(lines::faults(Path::new(file), &text, &mut exceptions));
        document_lines += lines::count_document_code(Path::new(file), &text);
        example_lines += lines::count_example(Path::new(file), &text);
    }
    faults.extend(lines::document_fault(document_lines));
    faults.extend(lines::example_fault(example_lines));
    faults.extend(walks::faults(&root)?);
    faults.extend(references::faults(&root, &tracked, &mut exceptions)?);
    faults.extend(exceptions.unused());
    ensure!(faults.is_empty(), "{} structural faults\n{}", faults.len(), faults.join("\n"));
    print_line(&format!("{} crates and {} files have no structural faults", crates.len(), tracked.len()))
}

/// Returns the files under version control and new files that are not ignored.
fn tracked_files() -> anyhow::Result<Vec<String>> {
    let files = output("", "git ls-files --cached --others --exclude-standard")?;
    Ok(files.lines().map(str::to_owned).collect())
}
